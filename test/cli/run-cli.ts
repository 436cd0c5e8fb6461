/** Runs the command line in this process, with a terminal made of strings. */
import { runCommandLine } from "../../cli/command-line.ts";

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly interrupted?: AbortSignal;
  /** Text on stderr at which the command is interrupted. */
  readonly interruptAt?: string;
  readonly isTTY?: boolean;
  readonly now?: () => number;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runCli(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const text = { stdout: "", stderr: "" };
  const stop = new AbortController();
  const stream = (name: "stdout" | "stderr") => ({
    isTTY: options.isTTY ?? false,
    write(chunk: string) {
      text[name] += chunk;
      if (options.interruptAt !== undefined && text.stderr.includes(options.interruptAt)) stop.abort();
      return true;
    },
  });
  async function* stdin(): AsyncGenerator<string> {
    yield options.stdin ?? "";
  }
  const code = await runCommandLine(argv, {
    env: options.env ?? {},
    stdin: stdin(),
    stdout: stream("stdout"),
    stderr: stream("stderr"),
    interrupted: options.interrupted ?? stop.signal,
    now: options.now ?? Date.now,
  });
  return { code, ...text };
}
