import { describe, expect, it } from "vitest";
import { readReport } from "../../scripts/count-tests.ts";
import { StepFailure } from "../../scripts/deployment/failure.ts";
import { createReport, expectThat, renderReport, SceneEnded } from "../../scripts/rehearsal/report.ts";

const fails = async () => expectThat(false, "it was otherwise");

describe("a rehearsal's report", () => {
  it("is counted by CI as tests are", async () => {
    const report = createReport(() => undefined);
    report.scene("one");
    await report.check("good", async () => undefined);
    await report.check("bad", fails);
    expect(readReport(renderReport(report.checks))).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it("of nothing is no success", () => {
    expect(JSON.parse(renderReport([]))).toMatchObject({ success: false, numTotalTests: 0 });
    expect(readReport(renderReport([]))).toMatchObject({ failed: 1 });
  });

  it("goes on after a failed check, and ends the scene after one that the rest needs", async () => {
    const report = createReport(() => undefined);
    await expect(report.check("bad", fails)).resolves.toBeUndefined();
    await expect(report.need("worse", fails)).rejects.toBeInstanceOf(SceneEnded);
    await expect(report.need("good", async () => 7)).resolves.toBe(7);
    expect(report.checks.map(({ status }) => status)).toEqual(["failed", "failed", "passed"]);
  });

  it("shows what was found, and what to do when that is known", async () => {
    const lines: string[] = [];
    const report = createReport((line) => lines.push(line));
    await report.check("bad", fails);
    await report.check("foreseen", async () => {
      throw new StepFailure("no python3", "install it");
    });
    expect(lines.join("\n")).toMatch(/FAILED {2}bad\n +it was otherwise/);
    expect(lines.join("\n")).toMatch(/no python3\n +install it/);
  });
});
