/**
 * Room: scripts. Sums vitest's JSON reports into the one line that CI reads last.
 *
 *     node scripts/count-tests.ts REPORT.json...
 *
 * A report that is missing or broken counts as one failure: a run that left no report is not a run that passed.
 */
import { readFileSync } from "node:fs";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const none: Counts = { passed: 0, failed: 0, skipped: 0 };
const broken: Counts = { ...none, failed: 1 };

function count(report: Readonly<Record<string, unknown>>, member: string): number {
  const value = report[member];
  return typeof value === "number" ? value : 0;
}

/** What one report says. A file that failed before its tests could be collected counts as one failure. */
export function readReport(text: string): Counts {
  const report: unknown = JSON.parse(text);
  if (typeof report !== "object" || report === null || !("numTotalTests" in report)) return broken;
  const counts: Readonly<Record<string, unknown>> = { ...report };
  const files = Array.isArray(counts["testResults"]) ? counts["testResults"] : [];
  const uncollected = files.filter(
    (file: { status?: unknown; assertionResults?: readonly unknown[] }) =>
      file.status === "failed" && file.assertionResults?.length === 0,
  ).length;
  const failed = count(counts, "numFailedTests") + uncollected;
  return {
    passed: count(counts, "numPassedTests"),
    failed: failed === 0 && counts["success"] === false ? 1 : failed,
    skipped: count(counts, "numPendingTests") + count(counts, "numTodoTests"),
  };
}

function readFile(path: string): Counts {
  try {
    return readReport(readFileSync(path, "utf8"));
  } catch {
    return broken;
  }
}

function add(left: Counts, right: Counts): Counts {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}

export function renderCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

if (import.meta.main) {
  const sum = process.argv.slice(2).map(readFile).reduce(add, none);
  console.log(renderCounts(sum));
}
