import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { makeDeviceKey } from "../../cli/device-key.ts";
import { failingWrites } from "./failing-writes.ts";
import { type FakeService, problemAnswer, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const count = 120;
const devices = Array.from({ length: count }, (_, index) => `d-${index}`);
const csrs = new Map<string, string>();
beforeAll(async () => {
  for (const deviceId of devices) csrs.set(deviceId, (await makeDeviceKey(deviceId, "P-256")).csr);
});

let service: FakeService;
beforeEach(async () => {
  service = await startFakeService();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await service.close();
});

function writeManifest(
  rows: readonly object[] = devices.map((deviceId) => ({ deviceId, csr: csrs.get(deviceId) })),
) {
  const path = join(temporaryDirectory(), "batch.jsonl");
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  return path;
}

const run = (manifest: string, more: readonly string[] = [], options = {}) =>
  runCli(["device", "enroll", "--manifest", manifest, ...service.flags, ...more], options);

interface Result {
  deviceId: string;
  status: string;
  code?: string;
  serialNumber?: string;
  certificate?: string;
}
const resultsOf = (manifest: string): Result[] =>
  readFileSync(`${manifest}.results.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Result);
const issuedIn = (manifest: string): string[] =>
  resultsOf(manifest)
    .flatMap(({ status, deviceId }) => (status === "issued" ? [deviceId] : []))
    .sort();

const isEnrolment = (path: string): boolean => path.endsWith("/certificates");

describe("device enroll --manifest", () => {
  it("enrols every device, one certificate each, and removes the tokens", async () => {
    const manifest = writeManifest();
    const { code, stdout, stderr } = await run(manifest, ["--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      devices: count,
      issued: count,
      failed: 0,
      skipped: 0,
      remaining: 0,
    });
    expect(stderr).toContain(`${count} enrolled`);
    expect(code).toBe(0);
    expect(issuedIn(manifest)).toEqual([...devices].sort());
    expect(new Set(resultsOf(manifest).map(({ serialNumber }) => serialNumber)).size).toBe(count);
    expect(service.issued).toHaveLength(count);
    expect(existsSync(`${manifest}.results.jsonl.tokens`)).toBe(false);
    expect(existsSync(`${manifest}.results.jsonl.lock`)).toBe(false);
  });

  it("keeps its connections: no more than --concurrency of them", async () => {
    await run(writeManifest(), ["--concurrency", "4"]);
    expect(service.connections()).toBe(4);
  });

  it("takes tokens from the manifest and asks for none", async () => {
    const rows = devices
      .slice(0, 5)
      .map((deviceId) => ({ deviceId, csr: csrs.get(deviceId), token: service.addToken(deviceId) }));
    const { code } = await runCli([
      "device",
      "enroll",
      "--manifest",
      writeManifest(rows),
      "--url",
      service.url,
      "--ca",
      service.files.ca,
    ]);
    expect(code).toBe(0);
    expect(service.requests.some(({ path }) => path.endsWith("/enrollment-tokens"))).toBe(false);
  });

  it("records one device's failure with its code and goes on; exit 3", async () => {
    const [good = "", spent = "", bad = "", missing = ""] = devices;
    const rows = [
      {
        deviceId: bad,
        csr: csrs
          .get(bad)
          ?.replace(/\n(.{64})\n/, (_, line: string) => `\n${line.split("").reverse().join("")}\n`),
      },
      { deviceId: missing, csr: "missing.csr" },
      { deviceId: spent, csr: csrs.get(spent), token: "no-such-token" },
      { deviceId: good, csr: csrs.get(good) },
    ];
    const manifest = writeManifest(rows);
    const { code, stdout } = await run(manifest, ["--json"]);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ issued: 1, failed: 3 });
    const codes = Object.fromEntries(
      resultsOf(manifest).map(({ deviceId, code: reason, status }) => [deviceId, reason ?? status]),
    );
    expect(codes).toEqual({
      [bad]: expect.stringMatching(/^(csr|key|der)_/),
      [missing]: "file_missing",
      [spent]: "credential_invalid",
      [good]: "issued",
    });
    // Mended, the next run tries those that failed and no other.
    const before = service.issued.length;
    const token = service.addToken(spent);
    writeFileSync(
      manifest,
      [
        { deviceId: good, csr: csrs.get(good) },
        { deviceId: spent, csr: csrs.get(spent), token },
      ]
        .map((row) => JSON.stringify(row))
        .join("\n"),
    );
    expect((await run(manifest)).code).toBe(0);
    expect(service.issued.length).toBe(before + 1);
  });

  it.each([429, 503])("waits out %i and Retry-After", async (status) => {
    let refusals = 20;
    service.intercept = ({ path }) =>
      isEnrolment(path) && refusals-- > 0
        ? problemAnswer(status, "store_unavailable", { "retry-after": "0" })
        : undefined;
    const manifest = writeManifest(
      devices.slice(0, 20).map((deviceId) => ({ deviceId, csr: csrs.get(deviceId) })),
    );
    expect((await run(manifest)).code).toBe(0);
    expect(issuedIn(manifest)).toHaveLength(20);
  });

  it.each([
    {
      name: "429 of a gateway, in its own words",
      answer: { status: 429, body: { message: "Too Many Requests" } },
    },
    { name: "503 without Retry-After", answer: problemAnswer(503, "store_unavailable") },
    {
      name: "409 while another signs",
      answer: problemAnswer(409, "issuance_in_progress", { "retry-after": "0" }),
    },
  ])("waits out $name", async ({ answer }) => {
    let refusals = 8;
    service.intercept = ({ path }) => (isEnrolment(path) && refusals-- > 0 ? answer : undefined);
    const rows = devices.slice(0, 8).map((deviceId) => ({ deviceId, csr: csrs.get(deviceId) }));
    const manifest = writeManifest(rows);
    expect((await run(manifest)).code).toBe(0);
    expect(issuedIn(manifest)).toHaveLength(8);
    expect(service.issued).toHaveLength(8);
  });

  it.each([429, 503])(
    "sends no device's request again before the Retry-After of its %i is over",
    async (status) => {
      const refusedAt = new Map<string, number>();
      const pauses: number[] = [];
      service.intercept = ({ path, body, headers }) => {
        if (!isEnrolment(path)) return undefined;
        const request = `${headers.authorization} ${body}`;
        const refused = refusedAt.get(request);
        if (refused !== undefined) pauses.push(performance.now() - refused);
        if (refused !== undefined) return undefined;
        refusedAt.set(request, performance.now());
        return problemAnswer(status, "store_unavailable", { "retry-after": "1" });
      };
      const rows = devices.slice(0, 6).map((deviceId) => ({ deviceId, csr: csrs.get(deviceId) }));
      expect((await run(writeManifest(rows))).code).toBe(0);
      expect(pauses).toHaveLength(6);
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(990);
    },
  );

  it("gets every device through a service that lets through a few at a time", async () => {
    let allowance = 3;
    const refill = setInterval(() => {
      allowance = 3;
    }, 100);
    service.intercept = ({ path }) =>
      isEnrolment(path) && allowance-- <= 0
        ? problemAnswer(429, "request_invalid", { "retry-after": "0" })
        : undefined;
    const rows = devices.slice(0, 60).map((deviceId) => ({ deviceId, csr: csrs.get(deviceId) }));
    const { code } = await run(writeManifest(rows), ["--concurrency", "30"]);
    clearInterval(refill);
    expect(code).toBe(0);
    expect(service.issued).toHaveLength(60);
  });

  const overloads = [
    { name: "503 beyond every attempt", headers: {} },
    { name: "503 with a Retry-After of an hour", headers: { "retry-after": "3600" } },
  ];
  it.each(overloads)("leaves the service in peace when nobody gets through: $name", async ({ headers }) => {
    const manifest = writeManifest();
    service.intercept = ({ path }) =>
      isEnrolment(path) ? problemAnswer(503, "authority_unavailable", headers) : undefined;
    const first = await run(manifest, ["--concurrency", "4", "--attempts", "2"]);
    expect(first.code).toBe(1);
    expect(first.stderr).toMatch(/\[authority_unavailable\]\n {2}4 devices in a row .+same command again/);
    expect(service.requests.filter(({ path }) => isEnrolment(path)).length).toBeLessThanOrEqual(16);
    expect(resultsOf(manifest).every(({ status }) => status === "failed")).toBe(true);
    service.intercept = () => undefined;
    expect((await run(manifest)).code).toBe(0);
    expect(issuedIn(manifest)).toEqual([...devices].sort());
    expect(service.issued).toHaveLength(count);
  });

  it("records the remedy of a token whose certificate was revoked, and gets no other by itself", async () => {
    const [deviceId = ""] = devices;
    const manifest = writeManifest([{ deviceId, csr: csrs.get(deviceId) }]);
    service.intercept = ({ path }) => (isEnrolment(path) ? problemAnswer(500, "internal") : undefined);
    await run(manifest);
    service.intercept = ({ path }) =>
      isEnrolment(path) ? problemAnswer(409, "credential_spent") : undefined;
    expect((await run(manifest)).code).toBe(3);
    expect(resultsOf(manifest).at(-1)).toMatchObject({
      status: "failed",
      code: "credential_spent",
      detail: "detail of credential_spent",
    });
    expect(service.requests.filter(({ path }) => path.endsWith("/enrollment-tokens"))).toHaveLength(1);
  });

  it.each([1, 30, 61])(
    "stops when append %i finds the disk full, and is taken up when there is space",
    async (nth) => {
      const manifest = writeManifest();
      await failingWrites(nth, 100);
      const first = await run(manifest, ["--concurrency", "4"]);
      expect(first).toMatchObject({
        code: 5,
        stderr: expect.stringMatching(/ENOSPC \[results_unwritable\]/),
      });
      expect(service.requests.length).toBeLessThan(count);
      expect((await run(manifest)).code).toBe(0);
      expect(issuedIn(manifest)).toEqual([...devices].sort());
      expect(service.issued).toHaveLength(count);
    },
  );

  it("survives connections that break before and after the work: nothing is signed twice", async () => {
    let turn = 0;
    service.intercept = ({ path }) => {
      turn += 1;
      if (path.endsWith("/trust.pem") || turn % 5 !== 0) return undefined;
      return turn % 2 === 0 ? "reset" : "resetAfterwards";
    };
    const manifest = writeManifest();
    expect((await run(manifest)).code).toBe(0);
    expect(issuedIn(manifest)).toHaveLength(count);
    expect(service.issued).toHaveLength(count);
  });

  it("is taken up after a torn results file, with the same tokens: no device gets two certificates", async () => {
    const manifest = writeManifest();
    const stop = new AbortController();
    service.intercept = () => {
      if (service.issued.length >= 40) stop.abort();
      return undefined;
    };
    const first = await run(manifest, [], { interrupted: stop.signal });
    expect(first.code).toBe(130);
    expect(first.stderr).toContain("run the same command again");
    const results = `${manifest}.results.jsonl`;
    const done = issuedIn(manifest).length;
    expect(done).toBeGreaterThanOrEqual(40);
    expect(done).toBeLessThan(count);
    // The crash after the answer: the record of the last device is cut short.
    writeFileSync(results, readFileSync(results).subarray(0, -200));
    service.intercept = () => undefined;
    const second = await run(manifest, ["--json"]);
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ skipped: done - 1, issued: count - done + 1 });
    expect(issuedIn(manifest)).toEqual([...devices].sort());
    expect(service.issued).toHaveLength(count);
  });

  it("stops with exit 4 when the service goes away, and is taken up when it is back", async () => {
    const manifest = writeManifest();
    const port = new URL(service.url).port;
    service.intercept = () => {
      if (service.issued.length >= 30) void service.close();
      return undefined;
    };
    const first = await run(manifest, ["--concurrency", "8", "--attempts", "3"]);
    expect(first.code).toBe(4);
    expect(first.stderr).toMatch(/\[connection_(refused|reset)\]/);
    expect(issuedIn(manifest).length).toBeGreaterThanOrEqual(20);
    service.intercept = () => undefined;
    await service.reopen(Number(port));
    expect((await run(manifest)).code).toBe(0);
    expect(issuedIn(manifest)).toEqual([...devices].sort());
    expect(service.issued).toHaveLength(count);
  });

  const common = [
    { code: "client_certificate_revoked", path: "/enrollment-tokens" },
    { code: "role_not_permitted", path: "/enrollment-tokens" },
    { code: "operator_not_active", path: "/enrollment-tokens" },
    { code: "fleet_suspended", path: "/certificates" },
    { code: "credential_not_accepted", path: "/certificates" },
  ];
  it.each(common)("stops at once at what every device would meet: $code of $path", async (row) => {
    service.intercept = ({ path }) => (path.endsWith(row.path) ? problemAnswer(403, row.code) : undefined);
    const { code, stderr } = await run(writeManifest(), ["--concurrency", "2"]);
    expect(code).toBe(1);
    expect(stderr).toContain(`[${row.code}]`);
    expect(service.requests.length).toBeLessThan(6);
  });

  it("asks nothing of the service for a manifest with a bad row", async () => {
    const { code } = await run(
      writeManifest([
        { deviceId: "a", csr: csrs.get("d-0") },
        { deviceId: "a", csr: "x" },
      ]),
    );
    expect({ code, requests: service.requests }).toEqual({ code: 5, requests: [] });
  });

  it("refuses to run beside itself", async () => {
    const manifest = writeManifest();
    writeFileSync(`${manifest}.results.jsonl.lock`, String(process.ppid));
    expect(await run(manifest)).toMatchObject({ code: 5, stderr: expect.stringContaining("[locked]") });
  });

  it("draws a bar on a terminal and writes plain lines elsewhere", async () => {
    let time = 0;
    const now = () => (time += 400);
    const rows = devices.slice(0, 60).map((deviceId) => ({ deviceId, csr: csrs.get(deviceId) }));
    const shown = await run(writeManifest(rows), [], { isTTY: true, env: { NO_COLOR: "1" }, now });
    expect(shown.stderr).toMatch(/\r\[#+\.+\] \d+\/60 devices, \d+ a second/);
    const plain = await run(writeManifest(rows), [], { now });
    expect(plain.stderr).toMatch(/^\d+\/60 devices, /);
    expect(plain.stderr).not.toContain("\r");
  });
});
