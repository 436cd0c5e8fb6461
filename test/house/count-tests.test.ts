import { describe, expect, it } from "vitest";
import { readReport, renderCounts } from "../../scripts/count-tests.ts";
import { firstDifference } from "../../scripts/first-difference.ts";

const report = (members: object): string =>
  JSON.stringify({
    numTotalTests: 6,
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 2,
    numTodoTests: 1,
    success: true,
    testResults: [{ status: "passed", assertionResults: [{}] }],
    ...members,
  });

describe("counts of a test run", () => {
  const cases = [
    { name: "what ran", text: report({}), counts: { passed: 3, failed: 0, skipped: 3 } },
    {
      name: "what failed",
      text: report({ numFailedTests: 2, success: false }),
      counts: { passed: 3, failed: 2, skipped: 3 },
    },
    {
      name: "a file that could not be collected, as one failure",
      text: report({ success: false, testResults: [{ status: "failed", assertionResults: [] }] }),
      counts: { passed: 3, failed: 1, skipped: 3 },
    },
    {
      name: "an error outside any test, as one failure",
      text: report({ success: false }),
      counts: { passed: 3, failed: 1, skipped: 3 },
    },
    {
      name: "a report without counts, as one failure",
      text: "{}",
      counts: { passed: 0, failed: 1, skipped: 0 },
    },
  ];
  for (const { name, text, counts } of cases) {
    it(`are ${name}`, () => {
      expect(readReport(text)).toEqual(counts);
    });
  }

  it("read as one line", () => {
    expect(renderCounts({ passed: 3, failed: 0, skipped: 1 })).toBe("3 passed, 0 failed, 1 skipped");
  });
});

describe("drift of a rendered document", () => {
  it("is shown where it begins, with the lines around it", () => {
    expect(firstDifference("a\nb\nc\nd\n", "a\nb\nC\nd\n")).toBe(
      "from line 3 on\n    a\n    b\n  - c\n  - d\n  + C\n  + d",
    );
  });

  it("is shown at the end when only the end is missing", () => {
    expect(firstDifference("a", "a\nb")).toBe("from line 2 on\n    a\n  + b");
  });
});
