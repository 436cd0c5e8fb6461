/** Fixtures run as processes of their own: what they print, line by line, and how they end. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

export interface RunningFixture {
  /** Whole lines so far; a line cut off by a kill is not among them. */
  lines(): string[];
  /** Resolves once `line` has been printed; rejects when the process ends before. */
  printed(line: string): Promise<void>;
  /** Resolves to the exit code; null after a kill. */
  readonly ended: Promise<number | null>;
  readonly process: ChildProcess;
}

const started: RunningFixture[] = [];

/** Whatever failed, no process outlives its test: for `afterEach`. */
export async function killFixtures(): Promise<void> {
  for (const { process: child, ended } of started.splice(0)) {
    child.kill("SIGKILL");
    await ended;
  }
}

export function runFixture(name: string, ...parameters: readonly string[]): RunningFixture {
  const path = join(import.meta.dirname, "fixtures", name);
  const child = spawn(process.execPath, [path, ...parameters], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  const lines = (): string[] => output.split("\n").slice(0, -1);
  const printed = (line: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (lines().includes(line)) resolve();
      };
      child.stdout.on("data", look);
      child.once("close", () => reject(new Error(`${name} ended before it printed ${line}`)));
      look();
    });
  const fixture = { lines, printed, ended, process: child };
  started.push(fixture);
  return fixture;
}
