/** Notices as lines of a file: what a kill leaves, and several processes at once. */
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileNotifier } from "../../../adapters/local/file-notifier.ts";
import type { Notice } from "../../../core/ports.ts";
import { codeOf } from "../../support/errors.ts";
import { killFixtures, runFixture } from "./child-process.ts";

let root = "";
let path = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fleetkey-notices-"));
  path = join(root, "data", "notices.jsonl");
});
afterEach(async () => {
  await killFixtures();
  rmSync(root, { recursive: true });
});

const notice: Notice = { event: "fleet.created", severity: "information", fleet: "default" };
const now = (): number => Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const notifier = () => fileNotifier({ path, now });
const line =
  '{"time":"2026-01-02T03:04:05.678Z","service":"fleetkey","event":"fleet.created","severity":"information","fleet":"default"}\n';

const subjects = (): readonly string[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((each) => String((JSON.parse(each) as { readonly subject?: string }).subject));

describe("the file", () => {
  it("has a line a notice, first its time, and is its owner's alone", async () => {
    await notifier().notify(notice);
    await notifier().notify(notice);
    expect(readFileSync(path, "utf8")).toBe(line + line);
    const mode = (at: string): number => statSync(at).mode & 0o777;
    expect([mode(path), mode(`${path}.lock`), mode(join(root, "data"))]).toEqual([0o600, 0o600, 0o700]);
  });

  it("may be moved away: the next notice makes a new one", async () => {
    const open = notifier();
    await open.notify(notice);
    renameSync(path, `${path}.1`);
    await open.notify(notice);
    expect([readFileSync(path, "utf8"), readFileSync(`${path}.1`, "utf8")]).toEqual([line, line]);
  });

  it.each([
    { name: "half a line", torn: line.slice(0, 40) },
    { name: "a line without its end", torn: line.slice(0, -1) },
    { name: "more than is read at once", torn: "x".repeat(200_000) },
  ])("$name at its end is removed, and nothing before it", async ({ torn }) => {
    await notifier().notify(notice);
    for (const before of [line + line, line.repeat(1_000), ""]) {
      writeFileSync(path, before + torn);
      await notifier().notify(notice);
      expect(readFileSync(path, "utf8")).toBe(before + line);
    }
  });

  it("that cannot be written is notifier_unavailable; later notices are sent once it can", async () => {
    const open = notifier();
    await mkdir(path, { recursive: true });
    const refusal = open.notify(notice);
    await expect(refusal).rejects.toMatchObject({ code: "notifier_unavailable", retryAfter: 1 });
    expect(await Promise.all([codeOf(open.notify(notice)), codeOf(open.notify(notice))])).toEqual([
      "notifier_unavailable",
      "notifier_unavailable",
    ]);
    rmSync(path, { recursive: true });
    await open.notify(notice);
    expect(readFileSync(path, "utf8")).toBe(line);
  });

  it("is not made for a notice that is not permitted", async () => {
    expect(await codeOf(notifier().notify({ ...notice, subject: "Jane Doe" }))).toBe("notice_not_permitted");
    expect(() => statSync(path)).toThrow("ENOENT");
  });
});

describe("processes", () => {
  it("killed 10 times while notifying: every notice that was told is there, once and whole", {
    timeout: 120_000,
  }, async () => {
    const told: string[] = [];
    for (let kill = 0; kill < 10; kill += 1) {
      const writer = runFixture("notice-writer.ts", path, `run-${kill}`, "1000000");
      await writer.printed(`run-${kill}-${kill}`);
      writer.process.kill("SIGKILL");
      expect(await writer.ended).toBeNull();
      told.push(...writer.lines());
    }
    await notifier().notify({ ...notice, subject: "last" });
    const written = subjects();
    expect(written.at(-1)).toBe("last");
    for (const subject of told) expect(written.filter((each) => each === subject)).toHaveLength(1);
  });

  it("four at once: each line is whole and none is lost", { timeout: 120_000 }, async () => {
    const writers = ["a", "b", "c", "d"].map((name) => runFixture("notice-writer.ts", path, name, "50"));
    expect(await Promise.all(writers.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
    expect([...subjects()].sort()).toEqual(writers.flatMap(({ lines }) => lines()).sort());
    expect(subjects()).toHaveLength(200);
  });
});
