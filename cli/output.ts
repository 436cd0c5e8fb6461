/** Room: cli. Data on stdout, people's text on stderr, and `--json` the same for every command. */
import { styleText } from "node:util";
import { exitCodes } from "./exit-codes.ts";
import type { Failure } from "./failure.ts";
import { hasColour, printable, type Terminal } from "./terminal.ts";

export type Colour = "red" | "green" | "yellow" | "bold" | "dim";

export interface Output {
  readonly json: boolean;
  /** The command's answer: one JSON document under `--json`, else `text` as it stands. */
  answer(document: unknown, text: string): void;
  /** A remark for people, on stderr. */
  note(text: string): void;
  /** `text` in a colour where stdout or stderr shows one. */
  paint(colour: Colour, text: string, stream?: "stdout" | "stderr"): string;
  /** A failure: for people on stderr, and under `--json` as `{"error": …}` on stdout too. */
  failure(failure: Failure): void;
}

const line = (text: string): string => (text === "" || text.endsWith("\n") ? text : `${text}\n`);

function describe(failure: Failure): string {
  const remedy = failure.remedy === undefined ? "" : `\n  ${printable(failure.remedy)}`;
  return `${printable(failure.message)} [${printable(failure.code)}]${remedy}`;
}

function failureDocument(failure: Failure): object {
  const { code, message: detail, remedy, exit } = failure;
  return {
    error: { code, detail, ...(remedy === undefined ? {} : { remedy }), exitCode: exitCodes[exit].code },
  };
}

export function createOutput(terminal: Terminal, json: boolean): Output {
  const paint: Output["paint"] = (colour, text, stream = "stderr") =>
    hasColour(terminal, terminal[stream]) ? styleText(colour, text, { validateStream: false }) : text;
  return {
    json,
    paint,
    answer(document, text) {
      terminal.stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : line(text));
    },
    note(text) {
      terminal.stderr.write(line(text));
    },
    failure(failure) {
      terminal.stderr.write(`${paint("red", "error:")} ${describe(failure)}\n`);
      if (terminal.env["FLEETKEY_DEBUG"]) {
        terminal.stderr.write(`${failure.cause instanceof Error ? failure.cause.stack : failure.stack}\n`);
      }
      if (json) terminal.stdout.write(`${JSON.stringify(failureDocument(failure), null, 2)}\n`);
    },
  };
}

/** Columns for people: padded to the widest cell, two spaces between. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows.map((row) => row.map(printable))];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
