/** Runs the command line in this process, with a terminal made of strings. */
import { runCommandLine } from "../../cli/command-line.ts";

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
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

export interface OctetResult extends RunResult {
  /** What is in `stdout`, before anybody took it for text. */
  readonly octets: Buffer;
}

export async function runCli(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { octets: _, ...result } = await runForOctets(argv, options);
  return result;
}

export async function runForOctets(argv: readonly string[], options: RunOptions = {}): Promise<OctetResult> {
  const text = { stdout: "", stderr: "" };
  const chunks: Buffer[] = [];
  const stop = new AbortController();
  const stream = (name: "stdout" | "stderr") => ({
    isTTY: options.isTTY ?? false,
    write(chunk: string | Uint8Array) {
      text[name] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("latin1");
      if (name === "stdout") chunks.push(Buffer.from(chunk));
      if (options.interruptAt !== undefined && text.stderr.includes(options.interruptAt)) stop.abort();
      return true;
    },
  });
  async function* stdin(): AsyncGenerator<string | Uint8Array> {
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
  return { code, ...text, octets: Buffer.concat(chunks) };
}
