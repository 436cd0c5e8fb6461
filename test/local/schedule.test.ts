import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { every } from "../../local/schedule.ts";
import { type LogLine, recordingLog } from "../support/fleet-app.ts";

const full = "the disk of the item database is full; free space and try again";

it.each([
  ["an expected failure says what to do", new AppError("store_unavailable", full), "store_unavailable", full],
  ["any other says where it was", new RangeError("hunter2"), "internal", undefined],
])("%s, and the next run comes", async (_name, error, code, detail) => {
  const lines: LogLine[] = [];
  let runs = 0;
  const stop = every(5, recordingLog(lines), "reconciler", async () => {
    runs += 1;
    throw error;
  });
  while (runs < 2) await sleep(5);
  await stop();
  expect(lines[0]).toMatchObject({ level: "error", event: "scheduled_task_failed" });
  expect(lines[0]?.fields).toMatchObject({ task: "reconciler", code, errorName: error.name });
  expect(lines[0]?.fields["stack"]).toContain("schedule.test.ts");
  expect(lines[0]?.fields["detail"]).toBe(detail);
  expect(JSON.stringify(lines)).not.toContain("hunter2");
});
