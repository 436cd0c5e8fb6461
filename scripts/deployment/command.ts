/** Room: scripts/deployment. Runs another program to its end and keeps what it said. */
import { spawn } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { StepFailure } from "./failure.ts";

export const repository = resolve(import.meta.dirname, "../..");

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** @default the repository */
  readonly directory?: string;
  /** Whether its output also goes to stderr while it runs. @default false */
  readonly isShown?: boolean;
  /** Hears its standard output, piece by piece, while it runs. */
  readonly onStdout?: (text: string) => void;
  /** Written to its standard input. @default nothing */
  readonly input?: string;
  /** Milliseconds after which it is ended. @default one hour */
  readonly timeout?: number;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const keptCharacters = 1_048_576;

/** The environment in which `node` is the one that runs this, for the programs that start one themselves. */
export function withThisNode(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, PATH: `${dirname(process.execPath)}:${env["PATH"] ?? "/usr/bin:/bin"}` };
}

/** Resolves with any exit code; -1 when a signal ended it. Rejects when it cannot start. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { env = process.env, directory = repository, isShown = false, input, timeout = 3_600_000 } = options;
  const { promise, resolve: done, reject } = Promise.withResolvers<CommandResult>();
  const child = spawn(command, args, { cwd: directory, env, stdio: ["pipe", "pipe", "pipe"], timeout });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      text[name] = (text[name] + chunk).slice(-keptCharacters);
      if (isShown) process.stderr.write(chunk);
    });
  }
  if (options.onStdout !== undefined) child.stdout.on("data", options.onStdout);
  const endAtExit = (): void => void child.kill();
  process.once("exit", endAtExit);
  child.on("close", () => process.off("exit", endAtExit));
  child.stdin.on("error", () => undefined);
  child.stdin.end(input ?? "");
  child.on("error", (error) => {
    reject(new StepFailure(`${command} cannot be started: ${error.message}`, `install ${command}`, error));
  });
  child.on("close", (code) => done({ code: code ?? -1, ...text }));
  return promise;
}

/** Runs `fleetkey` as a process of its own, as a person would. */
export function runFleetkey(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return runCommand(process.execPath, [join(repository, "cli/main.ts"), ...args], options);
}
