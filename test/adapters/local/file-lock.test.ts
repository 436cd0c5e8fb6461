/** The lock of a file: one holder among the processes of a machine, whatever else this process does with the file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FileLock } from "../../../adapters/local/file-lock.ts";
import { killFixtures, type RunningFixture, runFixture } from "./child-process.ts";

let root = "";
let path = "";
let other: RunningFixture | undefined;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fleetkey-lock-"));
  path = join(root, "lock");
});
afterEach(async () => {
  await killFixtures();
  rmSync(root, { recursive: true });
});

it("fcntl(2): a second lock of the same process on the same file does not give the first one away", async () => {
  const events: string[] = [];
  const second = new FileLock(path);
  let waiting: Promise<void> = Promise.resolve();
  await new FileLock(path).hold(async () => {
    waiting = second.hold(async () => {
      events.push("second");
    });
    other = runFixture("lock-holder.ts", path);
    void other.printed("held").then(() => events.push("other process"));
    // Time enough for another process to start, and to take what was given away.
    await sleep(1_500);
    events.push("first is done");
  });
  // Whoever comes next has it for good (the other process), or gives it on (the second lock).
  await Promise.allSettled([waiting, other?.printed("held")]);
  expect(events[0]).toBe("first is done");
  expect(events).toContain("other process");
});
