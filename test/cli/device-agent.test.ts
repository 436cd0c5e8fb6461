/** Room: test. The agent that keeps a device fresh, against the local server; what the server never says, by a double. */
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { delayAfter } from "../../cli/device-agent.ts";
import { type FakeService, problemAnswer, startFakeService } from "./fake-service.ts";
import { type LocalServer, startLocalServer } from "./local-server.ts";
import { type RunOptions, runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const root = resolve(import.meta.dirname, "../..");
const contentOf = (directory: string, file: string): string => readFileSync(join(directory, file), "utf8");
const serialIn = (directory: string): string =>
  new X509Certificate(contentOf(directory, "device.crt")).serialNumber.toLowerCase();
const stateIn = (directory: string): Record<string, unknown> =>
  JSON.parse(contentOf(directory, "agent.json"));
/** As if the service had said so: a window that was moved. */
const due = (directory: string): void =>
  writeFileSync(
    join(directory, "agent.json"),
    JSON.stringify({
      ...stateIn(directory),
      serialNumber: serialIn(directory),
      renewFrom: Date.now() - 1,
      askAt: Date.now() + 3_600_000,
    }),
  );

const once = (directory: string, options: RunOptions = {}, ...more: string[]) =>
  runCli(["device", "agent", "--once", "--json", "--dir", directory, ...more], options);
const answerOf = ({ stdout }: { readonly stdout: string }) => JSON.parse(stdout) as Record<string, unknown>;

/** A program that writes down what it is told, and ends as the file `exit` beside it says. */
function hookIn(place: string): string {
  const hook = join(place, "hook");
  const lines = [
    "#!/bin/sh",
    `echo "$FLEETKEY_EVENT $FLEETKEY_DIR $FLEETKEY_TOKEN" >> ${place}/told`,
    `exit $(cat ${place}/exit)`,
  ];
  writeFileSync(hook, `${lines.join("\n")}\n`);
  writeFileSync(join(place, "exit"), "0");
  chmodSync(hook, 0o700);
  return hook;
}

describe("against the local server", () => {
  let server: LocalServer;
  beforeAll(async () => {
    server = await startLocalServer();
  }, 60_000);
  afterAll(() => server.stop());

  let devices = 0;
  async function enrolled(): Promise<{ readonly directory: string; readonly deviceId: string }> {
    devices += 1;
    const deviceId = `pump-${devices}`;
    const directory = join(temporaryDirectory(), "device");
    const token = (await server.fleetkey(["token", "create", "--device", deviceId])).stdout.trim();
    const argv = ["device", "enroll", "--device", deviceId, "--out", directory, `--token=${token}`];
    expect((await server.fleetkey(argv)).code).toBe(0);
    return { directory, deviceId };
  }

  it("needs the directory alone: adopts the newest trust, says so, and changes nothing the next time", async () => {
    const { directory, deviceId } = await enrolled();
    const serial = serialIn(directory);
    const first = await once(directory);
    expect(first).toMatchObject({ code: 0 });
    expect(answerOf(first)).toMatchObject({ deviceId, serialNumber: serial, events: ["trust-updated"] });
    expect(contentOf(directory, "trust.jws").split(".")).toHaveLength(3);
    expect(contentOf(directory, "root.pem")).toContain("BEGIN CERTIFICATE");
    expect(stateIn(directory)).toMatchObject({ acknowledged: answerOf(first)["trustVersion"] });
    const second = await once(directory);
    expect({ code: second.code, events: answerOf(second)["events"] }).toEqual({ code: 0, events: [] });
    expect(serialIn(directory)).toBe(serial);
  });

  it("knows the service's time to renew, which is the enrolment's", async () => {
    const { directory } = await enrolled();
    const { renewFrom } = answerOf(await once(directory));
    expect(Date.parse(String(renewFrom))).toBe(
      Date.parse(JSON.parse(contentOf(directory, "device.json")).renewAfter),
    );
  });

  it("renews when its time has come, tells the hook where and what, and nothing of our secrets", async () => {
    const { directory, deviceId } = await enrolled();
    const place = temporaryDirectory();
    const hook = hookIn(place);
    await once(directory);
    const before = [serialIn(directory), contentOf(directory, "device.key")];
    due(directory);
    const env = { FLEETKEY_TOKEN: "a-secret", PATH: process.env["PATH"] ?? "" };
    const result = await once(directory, { env }, "--hook", hook);
    expect({ code: result.code, stderr: result.stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining(`${deviceId} renewed`),
    });
    expect(answerOf(result)).toMatchObject({ events: ["renewed"], serialNumber: serialIn(directory) });
    expect([serialIn(directory), contentOf(directory, "device.key")]).not.toEqual(before);
    expect(readFileSync(join(place, "told"), "utf8")).toBe(`renewed ${directory} \n`);
  });

  it("a hook that fails is told again; the files are in place", async () => {
    const { directory } = await enrolled();
    const place = temporaryDirectory();
    const hook = hookIn(place);
    writeFileSync(join(place, "exit"), "3");
    const failed = await once(directory, {}, "--hook", hook);
    expect(failed).toMatchObject({ code: 9, stderr: expect.stringContaining("ended with 3 [hook_failed]") });
    expect(existsSync(join(directory, "trust.jws"))).toBe(true);
    writeFileSync(join(place, "exit"), "0");
    expect((await once(directory, {}, "--hook", hook)).code).toBe(0);
    expect((await once(directory, {}, "--hook", hook)).code).toBe(0);
    const told = readFileSync(join(place, "told"), "utf8").trim().split("\n");
    expect(told.map((line) => line.split(" ")[0])).toEqual(["trust-updated", "trust-updated"]);
    expect(await once(directory, {}, "--hook", join(place, "none"))).toMatchObject({ code: 0 });
    due(directory);
    expect(await once(directory, {}, "--hook", join(place, "none"))).toMatchObject({
      code: 9,
      stderr: expect.stringContaining("cannot be run (ENOENT)"),
    });
  });

  it("a revoked certificate asks at once, and is refused with a device's remedy", async () => {
    const { directory } = await enrolled();
    expect(
      (await server.fleetkey(["cert", "revoke", serialIn(directory), "--reason", "keyCompromise"])).code,
    ).toBe(0);
    const { code, stderr } = await once(directory);
    expect(code).toBe(1);
    expect(stderr).toMatch(/\[client_certificate_revoked\]\n.+on purpose/);
  });

  it("a state that was cut off or made up is forgotten, and asked for again", async () => {
    const { directory } = await enrolled();
    for (const text of ["", "{", "[]", '{"askAt":"soon","renewFrom":[1],"acknowledged":null,"x":1}']) {
      writeFileSync(join(directory, "agent.json"), text);
      expect((await once(directory)).code).toBe(0);
      expect(stateIn(directory)).toMatchObject({
        serialNumber: serialIn(directory),
        askAt: expect.any(Number),
      });
    }
  });

  it("a manifest that was changed on disk is not believed: 5, and the certificate renews all the same", async () => {
    const { directory } = await enrolled();
    await once(directory);
    const serial = serialIn(directory);
    writeFileSync(join(directory, "trust.jws"), `${contentOf(directory, "trust.jws").slice(0, -8)}AAAAAAAA`);
    due(directory);
    expect(await once(directory)).toMatchObject({ code: 5, stderr: expect.stringContaining("trust_") });
    expect(serialIn(directory)).not.toBe(serial);
  });

  it("goes on until it is told to end, and ends with 0", async () => {
    const { directory } = await enrolled();
    const argv = ["cli/main.ts", "device", "agent", "--dir", directory, "--interval", "1"];
    const child = spawn(process.execPath, argv, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise<number | null>((done) => child.on("exit", done));
    const until = (text: string) =>
      new Promise<void>((done) => {
        let seen = "";
        child.stderr.on("data", (chunk: Buffer) => {
          seen += chunk.toString();
          if (seen.includes(text)) done();
        });
      });
    await until("relies on trust version");
    const renewed = until("renewed: serial");
    // Between two looks it holds nothing: the state is the next look's to read.
    due(directory);
    await renewed;
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(existsSync(join(directory, ".lock"))).toBe(false);
  }, 60_000);
});

describe("against a service that says what it likes", () => {
  let service: FakeService;
  let directory: string;
  beforeEach(async () => {
    service = await startFakeService();
    directory = temporaryDirectory();
    const token = `--token=${service.addToken("d-1")}`;
    await runCli(["device", "enroll", "--device", "d-1", "--out", directory, token, ...service.flags]);
    service.requests.splice(0);
  });
  afterEach(() => service.close());

  const asked = () => service.requests.filter(({ path }) => path.includes("/renewal-info/"));
  const info = (start: string, headers: Record<string, string> = {}) => {
    service.intercept = ({ path }) =>
      path.includes("/renewal-info/")
        ? {
            status: 200,
            headers: { etag: '"one"', ...headers },
            body: { suggestedWindow: { start, end: start } },
          }
        : undefined;
  };

  it("RFC 9773 §4.3: asks again after Retry-After only, and then with its condition", async () => {
    info("2090-01-01T00:00:00Z", { "retry-after": "7200" });
    await once(directory);
    await once(directory);
    expect(asked()).toHaveLength(1);
    service.intercept = ({ path }) =>
      path.includes("/renewal-info/")
        ? { status: 304, headers: { "retry-after": "60" }, body: "" }
        : undefined;
    await once(directory, { now: () => Date.now() + 7_300_000 });
    expect(asked().map(({ headers }) => headers["if-none-match"])).toEqual([undefined, '"one"']);
    expect(stateIn(directory)).toMatchObject({
      renewFrom: Date.parse("2090-01-01T00:00:00Z"),
      etag: '"one"',
    });
    expect(service.issued).toHaveLength(1);
  });

  it.each([
    ["0", 60_000],
    ["999999999", 86_400_000],
  ])("RFC 9773 §4.3.2: a Retry-After of %s s is kept within a minute and a day", async (seconds, wait) => {
    info("2090-01-01T00:00:00Z", { "retry-after": seconds });
    const now = Date.now();
    await once(directory, { now: () => now });
    expect(stateIn(directory)["askAt"]).toBe(now + wait);
  });

  it("renews when the window was moved to now", async () => {
    info("2020-01-01T00:00:00Z");
    await once(directory);
    expect(service.issued).toHaveLength(2);
  });

  it("an older service that has no such answer: the time is the enrolment's", async () => {
    await once(directory, { now: () => Date.parse("2097-12-31T00:00:00Z") });
    expect(service.issued).toHaveLength(1);
    await once(directory, { now: () => Date.parse("2098-01-02T00:00:00Z") });
    expect(service.issued).toHaveLength(2);
  });

  it("cannot ask, but is due: renews all the same", async () => {
    service.intercept = ({ path }) =>
      path.includes("/renewal-info/") ? problemAnswer(500, "internal") : undefined;
    await once(directory, { now: () => Date.parse("2098-01-02T00:00:00Z") });
    expect(service.issued).toHaveLength(2);
  });

  it.each(["reset", "resetAfterwards"] as const)(
    "a renewal whose answer was lost (%s) is asked for by the same request",
    async (loss) => {
      info("2020-01-01T00:00:00Z");
      const usual = service.intercept;
      service.intercept = (request) => (request.path.endsWith("/renew") ? loss : usual(request));
      expect((await once(directory)).code).toBe(4);
      service.intercept = usual;
      await once(directory);
      const sent = service.requests.filter(({ path }) => path.endsWith("/renew")).map(({ body }) => body);
      expect(new Set(sent).size).toBe(1);
      expect(service.issued).toHaveLength(2);
    },
  );

  it("nobody answers: 4, and the files stay as they were", async () => {
    const before = contentOf(directory, "fullchain.pem") + contentOf(directory, "root.pem");
    const { code } = await once(directory, {}, "--url", "https://127.0.0.1:1");
    expect(code).toBe(4);
    expect(contentOf(directory, "fullchain.pem") + contentOf(directory, "root.pem")).toBe(before);
  });

  it("expired, it comes back into quarantine; 6 until an operator lets it out, then it renews", async () => {
    const late = { now: () => Date.parse("2099-01-02T00:00:00Z") };
    await once(directory, late, "--return-url", service.url);
    const back = service.requests.filter(({ body }) => body.includes("previousCertificate"));
    expect(back).toHaveLength(1);
    expect(JSON.parse(contentOf(directory, "device.json")).credential).toMatch(/^return:/);
    service.intercept = ({ path }) =>
      path.endsWith("/renew") ? problemAnswer(403, "device_not_active") : undefined;
    expect(await once(directory)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining("device release"),
    });
    service.intercept = () => undefined;
    await once(directory);
    expect(JSON.parse(contentOf(directory, "device.json")).credential).toMatch(/^serial:/);
  });

  it("interrupted before the answer: 130, and the next one goes on", async () => {
    info("2020-01-01T00:00:00Z");
    const usual = service.intercept;
    const stop = new AbortController();
    service.intercept = (request) => {
      if (!request.path.endsWith("/renew")) return usual(request);
      stop.abort();
      return "silence";
    };
    expect((await once(directory, { interrupted: stop.signal })).code).toBe(130);
    const argv = ["device", "agent", "--dir", directory, "--interval", "1"];
    expect((await runCli(argv, { interrupted: stop.signal })).code).toBe(0);
    service.intercept = usual;
    await once(directory);
    expect(service.issued).toHaveLength(2);
  });

  it("makes no directory of a mistyped one, and refuses an interval that is none", async () => {
    const typo = join(directory, "typo");
    expect(await once(typo)).toMatchObject({ code: 5, stderr: expect.stringContaining("device enroll") });
    expect(existsSync(typo)).toBe(false);
    for (const interval of ["0", "86401", "soon"])
      expect((await once(directory, {}, "--interval", interval)).code).toBe(2);
    rmSync(join(directory, "device.key"));
    expect((await once(directory)).code).toBe(5);
  });
});

it("a service that is away is asked less and less often, never less than the interval says", () => {
  const interval = 3_600_000;
  const delays = Array.from({ length: 30 }, (_, index) => delayAfter(index + 1, undefined, interval));
  expect(delays[0]).toBeGreaterThanOrEqual(15_000);
  expect(delays[0]).toBeLessThanOrEqual(30_000);
  expect(Math.max(...delays)).toBeLessThanOrEqual(interval);
  expect(Math.min(...delays.slice(10))).toBeGreaterThanOrEqual(interval / 2);
  expect(delayAfter(1, 120_000, interval)).toBeGreaterThanOrEqual(120_000);
});
