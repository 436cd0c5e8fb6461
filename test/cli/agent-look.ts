/** The agent of a device, run in this process. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type RunOptions, type RunResult, runCli } from "./run-cli.ts";

export const contentOf = (directory: string, file: string): string =>
  readFileSync(join(directory, file), "utf8");

export const stateIn = (directory: string): Record<string, unknown> =>
  JSON.parse(contentOf(directory, "agent.json"));

/** One look of the agent. */
export const lookOnce = (
  directory: string,
  options: RunOptions = {},
  ...more: string[]
): Promise<RunResult> =>
  runCli(["device", "agent", "--once", "--json", "--dir", directory, ...more], options);
