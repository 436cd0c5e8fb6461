import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeService, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

let service: FakeService;
let place: string;
beforeEach(async () => {
  place = temporaryDirectory();
  service = await startFakeService();
  // Every row of an odd number is another device's already.
  service.intercept = ({ path, body }) => {
    if (!path.endsWith("/devices")) return undefined;
    const { devices } = JSON.parse(body) as { devices: { deviceId: string }[] };
    const refused = devices.flatMap(({ deviceId }, row) =>
      Number(deviceId.slice(2)) % 2 === 0 ? [] : [{ row, code: "already_exists", detail: `of ${deviceId}` }],
    );
    const registered = devices.length - refused.length;
    return { status: 200, body: { registered, unchanged: 0, refused } };
  };
});
afterEach(() => service.close());

function inventory(rows: number): string {
  const path = join(place, "inventory.csv");
  writeFileSync(path, `deviceId\n${Array.from({ length: rows }, (_, index) => `d-${index + 2}\n`).join("")}`);
  return path;
}

const importFrom = (csv: string, ...more: string[]) =>
  runCli(["device", "import", "--csv", csv, ...more, ...service.flags]);

describe("device import --results", () => {
  it("holds every refused row by its line, also those that stderr only counts", async () => {
    const results = join(place, "refused.jsonl");
    const { code, stderr } = await importFrom(inventory(5_000), "--results", results);
    expect(code).toBe(3);
    expect(stderr.match(/^line \d+: of d-\d+ \[already_exists\]$/gm)).toHaveLength(1_000);
    expect(stderr).toContain("and 1500 more refused rows; --results FILE has them all");
    const lines = readFileSync(results, "utf8").trimEnd().split("\n");
    const found = lines.map((line) => JSON.parse(line) as { line: number; code: string; detail: string });
    expect(found).toHaveLength(2_500);
    // Device d-N stands on line N: the header is the first.
    for (const { line, code: why, detail } of found)
      expect({ why, detail }).toEqual({ why: "already_exists", detail: `of d-${line}` });
    expect(new Set(found.map(({ line }) => line)).size).toBe(2_500);
  });

  it("is left alone when it is no file of ours, and nothing is sent", async () => {
    const results = join(place, "mine.txt");
    writeFileSync(results, "not JSON\nat all\n");
    expect(await importFrom(inventory(3), "--results", results)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("[results_malformed]"),
    });
    expect(readFileSync(results, "utf8")).toBe("not JSON\nat all\n");
    expect(service.requests).toEqual([]);
  });

  it("that cannot be written stops the import before anything is sent", async () => {
    const { code } = await importFrom(inventory(3), "--results", join(place, "none", "refused.jsonl"));
    expect(code).toBe(5);
    expect(service.requests).toEqual([]);
  });
});
