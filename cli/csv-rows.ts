/** Room: cli. CSV by RFC 4180: quoted cells may hold commas, doubled quotes and line ends. */
import { Failure } from "./failure.ts";

export interface CsvRow {
  /** Line on which the row begins, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

const maxCellCharacters = 131_072;

/** The Failure of a text that is no CSV; `line` from 1. */
export type CsvFault = (line: number, what: string) => Failure;

const manifestFault: CsvFault = (line, what) =>
  new Failure("localFile", "manifest_malformed", `line ${line}: ${what}`, {
    remedy: "write the manifest as CSV by RFC 4180, or as JSON Lines",
  });

/** Rows of a text stream; empty lines are skipped. Throws `fault` for a quote out of place. */
export async function* readCsvRows(
  chunks: AsyncIterable<string>,
  fault: CsvFault = manifestFault,
): AsyncGenerator<CsvRow> {
  const parser = new RowParser(fault);
  for await (const chunk of chunks) {
    for (const character of chunk) {
      const row = parser.take(character);
      if (row !== undefined) yield row;
    }
  }
  const last = parser.finish();
  if (last !== undefined) yield last;
}

type Place = "cellStart" | "bare" | "quoted" | "quoteInQuoted";

class RowParser {
  #place: Place = "cellStart";
  #cell = "";
  #cells: string[] = [];
  #line = 1;
  #firstLine = 1;
  readonly #fault: CsvFault;

  constructor(fault: CsvFault) {
    this.#fault = fault;
  }

  take(character: string): CsvRow | undefined {
    // A byte order mark is what spreadsheets put before the first column's name.
    if (character === "\ufeff" && this.#line === 1 && this.#cells.length === 0 && this.#cell === "")
      return undefined;
    if (character === "\n") this.#line += 1;
    if (this.#place === "quoted") {
      if (character === '"') this.#place = "quoteInQuoted";
      else this.#append(character);
      return undefined;
    }
    if (character === '"') return this.#takeQuote();
    if (character === ",") return this.#endCell();
    if (character === "\n") return this.#endRow();
    // RFC 4180 §2.1: CRLF; the CR of a bare line end is dropped.
    if (character === "\r") return undefined;
    if (this.#place === "quoteInQuoted") throw this.#malformed("text after a closing quote");
    this.#place = "bare";
    return this.#append(character);
  }

  finish(): CsvRow | undefined {
    if (this.#place === "quoted") throw this.#malformed("a quote that is never closed");
    return this.#endRow();
  }

  #takeQuote(): undefined {
    if (this.#place === "bare") throw this.#malformed("a quote inside a cell that does not begin with one");
    if (this.#place === "quoteInQuoted") this.#append('"');
    this.#place = "quoted";
  }

  #append(character: string): undefined {
    this.#cell += character;
    if (this.#cell.length > maxCellCharacters)
      throw this.#malformed(`a cell of more than ${maxCellCharacters} characters`);
  }

  #endCell(): undefined {
    this.#cells.push(this.#cell);
    this.#cell = "";
    this.#place = "cellStart";
  }

  #endRow(): CsvRow | undefined {
    this.#endCell();
    const row = { line: this.#firstLine, cells: this.#cells };
    this.#cells = [];
    this.#firstLine = this.#line;
    return row.cells.length === 1 && row.cells[0] === "" ? undefined : row;
  }

  #malformed(what: string): Failure {
    return this.#fault(this.#firstLine, what);
  }
}
