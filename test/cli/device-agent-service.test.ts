/** Room: test. The agent that keeps a device fresh, and what no service of ours says, by a double. */
import { spawn } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { delayAfter } from "../../cli/device-agent.ts";
import { contentOf, lookOnce, stateIn } from "./agent-look.ts";
import { type FakeService, problemAnswer, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

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
    await lookOnce(directory);
    await lookOnce(directory);
    expect(asked()).toHaveLength(1);
    service.intercept = ({ path }) =>
      path.includes("/renewal-info/")
        ? { status: 304, headers: { "retry-after": "60" }, body: "" }
        : undefined;
    await lookOnce(directory, { now: () => Date.now() + 7_300_000 });
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
    await lookOnce(directory, { now: () => now });
    expect(stateIn(directory)["askAt"]).toBe(now + wait);
  });

  it("renews when the window was moved to now", async () => {
    info("2020-01-01T00:00:00Z");
    await lookOnce(directory);
    expect(service.issued).toHaveLength(2);
  });

  it("a window that lies after the certificate's end, or near it, locks nobody out", async () => {
    info("9999-01-01T00:00:00Z");
    await lookOnce(directory, { now: () => Date.parse("2098-06-01T00:00:00Z") });
    expect(service.issued).toHaveLength(1);
    await lookOnce(directory, { now: () => Date.parse("2098-08-01T00:00:00Z") });
    expect(service.issued).toHaveLength(2);
  });

  it("killed after its very first renewal, the hook is told of it later: what was known is on disk before", async () => {
    info("2020-01-01T00:00:00Z");
    const usual = service.intercept;
    const { serialNumber } = JSON.parse(contentOf(directory, "device.json"));
    let known: unknown;
    service.intercept = (request) => {
      if (request.path.endsWith("/renew")) known = stateIn(directory)["toldSerialNumber"];
      return usual(request);
    };
    await lookOnce(directory);
    expect(known).toBe(serialNumber);
  });

  it.each(["device.crt", "device.key", "fullchain.pem", "root.pem"])(
    "%s of garbage: 5, and the agent that stays goes on",
    async (file) => {
      writeFileSync(join(directory, file), "garbage");
      const { code, stderr } = await lookOnce(directory);
      expect({ code, stderr }).toEqual({ code: 5, stderr: expect.not.stringContaining("[internal]") });
      const argv = ["device", "agent", "--dir", directory, "--interval", "1"];
      expect(await runCli(argv, { interruptAt: "it tries again" })).toMatchObject({ code: 0 });
    },
  );

  it("a full disk at any write: 5, nothing is lost, and one renewal when there is room again", async () => {
    info("2020-01-01T00:00:00Z");
    const handle = await open("/dev/null");
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const { writeFile } = prototype;
    let [writes, lastly] = [0, 0];
    const full = vi.spyOn(prototype, "writeFile").mockImplementation(function (this: FileHandle, ...given) {
      writes += 1;
      if (writes < lastly) return writeFile.apply(this, given);
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    });
    const codes = new Set<number>();
    for (lastly = 1; lastly < 30; lastly += 1) {
      writes = 0;
      const { code, stderr } = await lookOnce(directory);
      codes.add(code);
      if (code === 5) expect(stderr).toContain("ENOSPC");
      if (service.issued.length > 1 && !existsSync(join(directory, ".pending"))) break;
    }
    full.mockRestore();
    expect([...codes][0]).toBe(5);
    expect(service.issued).toHaveLength(2);
    const renewed = new X509Certificate(contentOf(directory, "device.crt"));
    expect(renewed.checkPrivateKey(createPrivateKey(contentOf(directory, "device.key")))).toBe(true);
  });

  it("two at once: one renews, the other is told that somebody is at work, or finds it done", async () => {
    info("2020-01-01T00:00:00Z");
    const argv = ["cli/main.ts", "device", "agent", "--once", "--dir", directory];
    const ends = await Promise.all(
      [1, 2].map(async () => {
        const child = spawn(process.execPath, argv, { stdio: "ignore" });
        return new Promise<number | null>((done) => child.once("exit", done));
      }),
    );
    // The double has no trust manifest: 1 is what a look ends with that has renewed.
    for (const code of ends) expect([1, 5]).toContain(code);
    expect(service.issued.length).toBeGreaterThan(1);
    const held = new X509Certificate(contentOf(directory, "device.crt"));
    expect(held.checkPrivateKey(createPrivateKey(contentOf(directory, "device.key")))).toBe(true);
  });

  it("an older service that has no such answer: the time is the enrolment's", async () => {
    await lookOnce(directory, { now: () => Date.parse("2097-12-31T00:00:00Z") });
    expect(service.issued).toHaveLength(1);
    await lookOnce(directory, { now: () => Date.parse("2098-01-02T00:00:00Z") });
    expect(service.issued).toHaveLength(2);
  });

  it("cannot ask, but is due: renews all the same", async () => {
    service.intercept = ({ path }) =>
      path.includes("/renewal-info/") ? problemAnswer(500, "internal") : undefined;
    await lookOnce(directory, { now: () => Date.parse("2098-01-02T00:00:00Z") });
    expect(service.issued).toHaveLength(2);
  });

  it.each(["reset", "resetAfterwards"] as const)(
    "a renewal whose answer was lost (%s) is asked for by the same request",
    async (loss) => {
      info("2020-01-01T00:00:00Z");
      const usual = service.intercept;
      service.intercept = (request) => (request.path.endsWith("/renew") ? loss : usual(request));
      expect((await lookOnce(directory)).code).toBe(4);
      service.intercept = usual;
      await lookOnce(directory);
      const sent = service.requests.filter(({ path }) => path.endsWith("/renew")).map(({ body }) => body);
      expect(new Set(sent).size).toBe(1);
      expect(service.issued).toHaveLength(2);
    },
  );

  it("nobody answers: 4, and the files stay as they were", async () => {
    const before = contentOf(directory, "fullchain.pem") + contentOf(directory, "root.pem");
    const { code } = await lookOnce(directory, {}, "--url", "https://127.0.0.1:1");
    expect(code).toBe(4);
    expect(contentOf(directory, "fullchain.pem") + contentOf(directory, "root.pem")).toBe(before);
  });

  it("expired, it comes back into quarantine; 6 until an operator lets it out, then it renews", async () => {
    const late = { now: () => Date.parse("2099-01-02T00:00:00Z") };
    await lookOnce(directory, late, "--return-url", service.url);
    const back = service.requests.filter(({ body }) => body.includes("previousCertificate"));
    expect(back).toHaveLength(1);
    expect(JSON.parse(contentOf(directory, "device.json")).credential).toMatch(/^return:/);
    service.intercept = ({ path }) =>
      path.endsWith("/renew") ? problemAnswer(403, "device_not_active") : undefined;
    expect(await lookOnce(directory)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining("device release"),
    });
    service.intercept = () => undefined;
    await lookOnce(directory);
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
    expect((await lookOnce(directory, { interrupted: stop.signal })).code).toBe(130);
    const argv = ["device", "agent", "--dir", directory, "--interval", "1"];
    expect((await runCli(argv, { interrupted: stop.signal })).code).toBe(0);
    service.intercept = usual;
    await lookOnce(directory);
    expect(service.issued).toHaveLength(2);
  });

  it("makes no directory of a mistyped one, and refuses an interval that is none", async () => {
    const typo = join(directory, "typo");
    expect(await lookOnce(typo)).toMatchObject({ code: 5, stderr: expect.stringContaining("device enroll") });
    expect(existsSync(typo)).toBe(false);
    for (const interval of ["0", "86401", "soon"])
      expect((await lookOnce(directory, {}, "--interval", interval)).code).toBe(2);
    rmSync(join(directory, "device.key"));
    expect((await lookOnce(directory)).code).toBe(5);
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
  // A timer of Node counts to 2^31 ms and takes a longer time for none.
  expect(delayAfter(1, 31_536_000_000, interval)).toBeLessThanOrEqual(86_400_000);
  expect(delayAfter(20, 0, interval)).toBeLessThanOrEqual(interval);
});
