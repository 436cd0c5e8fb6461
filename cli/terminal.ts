/** Room: cli. What a command sees of the process, as one argument, so a test can stand in for all of it. */
import { stripVTControlCharacters } from "node:util";

export interface TerminalStream {
  /** False: wait for "drain" before there is more. */
  write(text: string | Uint8Array): unknown;
  readonly isTTY?: boolean;
  /** Absent from what takes everything at once. */
  once?(event: "drain", listener: () => void): unknown;
}

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: TerminalStream;
  readonly stderr: TerminalStream;
  /** Aborted by the first SIGINT or SIGTERM: finish what is in flight and stop. */
  readonly interrupted: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Writes to stdout and resolves when its reader has room for more, so that a slow one fills no memory; also when it is
 * interrupted, for what is written is written.
 */
export async function writeData(
  { stdout, interrupted }: Terminal,
  content: string | Uint8Array,
): Promise<void> {
  if (stdout.write(content) !== false || stdout.once === undefined || interrupted.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const goOn = (): void => resolve();
  stdout.once("drain", goOn);
  interrupted.addEventListener("abort", goOn, { once: true });
  await promise;
  interrupted.removeEventListener("abort", goOn);
}

/** https://no-color.org: a NO_COLOR that is not empty turns colour off; so does a stream that is no terminal. */
export function hasColour(terminal: Terminal, stream: TerminalStream): boolean {
  return stream.isTTY === true && !terminal.env["NO_COLOR"] && terminal.env["TERM"] !== "dumb";
}

/** Text from elsewhere, safe to print: no escape sequence, control or format character survives, line ends do. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/(?!\n)[\p{Cc}\p{Cf}]/gu, "?");
}
