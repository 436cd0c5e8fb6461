import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeAnswer, type FakeService, problemAnswer, startFakeService } from "./fake-service.ts";
import { type RunOptions, runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

let service: FakeService;
let csv: string;
beforeEach(async () => {
  service = await startFakeService();
  csv = join(temporaryDirectory(), "inventory.csv");
});
afterEach(() => service.close());

function writeRows(count: number, serialNumber = ""): void {
  const maker = serialNumber === "" ? "" : "acme";
  const rows = Array.from({ length: count }, (_, index) => `device-${index},${maker},${serialNumber}`);
  writeFileSync(csv, `deviceId,manufacturer,serialNumber\n${rows.join("\n")}\n`);
}

const devicesOf = (body: string): readonly unknown[] => (JSON.parse(body) as { devices: unknown[] }).devices;
const stored = (body: string): FakeAnswer => ({
  status: 200,
  body: { registered: devicesOf(body).length, unchanged: 0, refused: [] },
});

const run = (more: readonly string[] = [], options: RunOptions = {}) =>
  runCli(["device", "import", "--csv", csv, "--json", ...service.flags, ...more], options);

describe("device import", () => {
  it("sends what the service takes at once: 500 rows, and fewer of long rows", async () => {
    writeRows(1_201);
    service.intercept = ({ body }) => stored(body);
    expect((await run(["--concurrency", "1"])).code).toBe(0);
    expect(service.requests.map(({ body }) => devicesOf(body).length)).toEqual([500, 500, 201]);
    writeRows(1_000, "S".repeat(128));
    service.requests.length = 0;
    expect((await run()).code).toBe(0);
    expect(service.requests.length).toBeGreaterThan(2);
    for (const { body } of service.requests) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(65_536);
    expect(service.requests.flatMap(({ body }) => devicesOf(body))).toHaveLength(1_000);
  });

  it("waits out 503 and 429, and loses no row", async () => {
    writeRows(1_000);
    let calls = 0;
    service.intercept = ({ body }) => {
      calls += 1;
      if (calls === 1) return problemAnswer(503, "store_unavailable", { "retry-after": "0" });
      return calls === 2 ? problemAnswer(429, "rate_limited", { "retry-after": "0" }) : stored(body);
    };
    const { code, stdout } = await run();
    expect({ code, report: JSON.parse(stdout) }).toMatchObject({ code: 0, report: { registered: 1_000 } });
  });

  it("stops at what every row would meet, and sends nothing after it", async () => {
    writeRows(10_000);
    let calls = 0;
    service.intercept = ({ body }) => {
      calls += 1;
      return calls < 3 ? stored(body) : problemAnswer(403, "role_not_permitted");
    };
    const { code, stdout, stderr } = await run(["--concurrency", "2"]);
    expect({ code, stdout: JSON.parse(stdout) }).toMatchObject({
      code: 1,
      stdout: { error: { code: "role_not_permitted" } },
    });
    expect(stderr).toMatch(/^1000 registered, 0 there before, of 10000; run it again/m);
    const seen = service.requests.length;
    expect(seen).toBeLessThanOrEqual(4);
    await new Promise((done) => setTimeout(done, 300));
    expect(service.requests).toHaveLength(seen);
  });

  it("interrupted, it ends with 130 after what is in flight, and tells what is left", async () => {
    writeRows(10_000);
    const interruption = new AbortController();
    service.intercept = ({ body }) => {
      interruption.abort();
      return stored(body);
    };
    const { code, stdout } = await run(["--concurrency", "1"], { interrupted: interruption.signal });
    expect({ code, report: JSON.parse(stdout) }).toMatchObject({
      code: 130,
      report: { rows: 10_000, registered: 500, remaining: 9_500 },
    });
  });

  it("never calls a file done that became shorter after it was checked", async () => {
    // Lines of 16 octets, so that no read ends within one.
    const rows = Array.from({ length: 40_000 }, (_, index) => `device-${String(index).padStart(8, "0")}`);
    writeFileSync(csv, ["deviceId".padEnd(15), ...rows, ""].join("\n"));
    service.intercept = ({ body }) => {
      truncateSync(csv, 0);
      return stored(body);
    };
    const { code, stderr } = await run(["--concurrency", "1"]);
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining("[inventory_changed]") });
  });

  it("refuses a directory and a device: what it reads, it reads twice", async () => {
    for (const path of [temporaryDirectory(), "/dev/null"]) {
      const refused = await runCli(["device", "import", "--csv", path, ...service.flags]);
      expect(refused).toMatchObject({
        code: 5,
        stderr: expect.stringMatching(/\[file_failed\]\n.+to a file/),
      });
    }
    expect(service.requests).toEqual([]);
  });
});
