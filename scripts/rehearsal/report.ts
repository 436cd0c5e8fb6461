/** Room: scripts/rehearsal. What was tried and what came of it: a list for people, a report for CI's counting. */
import { writeFile } from "node:fs/promises";
import { describeFailure } from "../deployment/failure.ts";

export interface Check {
  readonly scene: string;
  readonly title: string;
  readonly status: "passed" | "failed";
  /** Milliseconds. */
  readonly duration: number;
  readonly message?: string;
}

/** Thrown after a check failed on which all that follows rests; the check itself is on record. */
export class SceneEnded extends Error {}

/** Fails a check with what was found instead. */
export function expectThat(isSo: boolean, otherwise: string): asserts isSo {
  if (!isSo) throw new Error(otherwise);
}

export interface Report {
  readonly checks: readonly Check[];
  /** Names what the following checks are about. */
  scene(name: string): void;
  /** Runs and records; a failure is shown and the rehearsal goes on. A text that `work` resolves to is shown. */
  check(title: string, work: () => Promise<unknown>): Promise<void>;
  /** As `check`, for what the rest needs. @throws SceneEnded after a failure. */
  need<T>(title: string, work: () => Promise<T>): Promise<T>;
  /** Such as `warm enrolments: 41 /s`; shown, and again at the end. */
  figure(text: string): void;
  readonly figures: readonly string[];
}

export function createReport(say: (text: string) => void): Report {
  const checks: Check[] = [];
  const figures: string[] = [];
  let scene = "rehearsal";

  const run = async <T>(title: string, work: () => Promise<T>): Promise<{ value: T } | undefined> => {
    const started = performance.now();
    const record = (status: Check["status"], note: string, message?: string): void => {
      const duration = performance.now() - started;
      checks.push({ scene, title, status, duration, ...(message === undefined ? {} : { message }) });
      say(`${status === "passed" ? "ok    " : "FAILED"}  ${title}${note}  (${Math.round(duration)} ms)`);
    };
    try {
      const value = await work();
      record("passed", typeof value === "string" && value !== "" ? `: ${value}` : "");
      return { value };
    } catch (error) {
      const message =
        error instanceof Error && error.name === "Error" ? error.message : describeFailure(error);
      record("failed", `\n        ${message.replaceAll("\n", "\n        ")}\n       `, message);
      return undefined;
    }
  };

  return {
    checks,
    figures,
    scene(name) {
      scene = name;
      say(`\n== ${name}`);
    },
    async check(title, work) {
      await run(title, work);
    },
    async need(title, work) {
      const done = await run(title, work);
      if (done === undefined) throw new SceneEnded(title);
      return done.value;
    },
    figure(text) {
      figures.push(`${scene}: ${text}`);
      say(`        ${text}`);
    },
  };
}

/** The members of vitest's JSON report that scripts/count-tests.ts reads. */
export function renderReport(checks: readonly Check[]): string {
  const failed = checks.filter(({ status }) => status === "failed").length;
  const scenes = [...new Set(checks.map(({ scene }) => scene))];
  const report = {
    numTotalTests: checks.length,
    numPassedTests: checks.length - failed,
    numFailedTests: failed,
    numPendingTests: 0,
    numTodoTests: 0,
    success: failed === 0 && checks.length > 0,
    testResults: scenes.map((scene) => {
      const own = checks.filter((check) => check.scene === scene);
      return {
        name: scene,
        status: own.some(({ status }) => status === "failed") ? "failed" : "passed",
        assertionResults: own.map(({ title, status, duration, message }) => ({
          title,
          fullName: `${scene} ${title}`,
          status,
          duration,
          failureMessages: message === undefined ? [] : [message],
        })),
      };
    }),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

export async function writeReport(path: string, checks: readonly Check[]): Promise<void> {
  await writeFile(path, renderReport(checks));
}
