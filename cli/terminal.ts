/** Room: cli. What a command sees of the process, as one argument, so a test can stand in for all of it. */
import { stripVTControlCharacters } from "node:util";

export interface TerminalStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
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

/** https://no-color.org: a NO_COLOR that is not empty turns colour off; so does a stream that is no terminal. */
export function hasColour(terminal: Terminal, stream: TerminalStream): boolean {
  return stream.isTTY === true && !terminal.env["NO_COLOR"] && terminal.env["TERM"] !== "dumb";
}

/** Text from elsewhere, safe to print: no escape sequence, control or format character survives, line ends do. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/(?!\n)[\p{Cc}\p{Cf}]/gu, "?");
}
