/**
 * Room: cli. The inventory from CSV: rows are read as a stream and sent five hundred at a time. A row that is there
 * already changes nothing, so whoever runs it again goes on where it stopped.
 */
import { createReadStream } from "node:fs";
import { registrations } from "../lambdas/http/access-answers.ts";
import type { Context } from "./command.ts";
import { fileFailure } from "./credential-files.ts";
import { readCsvRows } from "./csv-rows.ts";
import type { ExitName } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import type { FleetApi } from "./fleet-api.ts";
import { createProgress, type Progress } from "./progress.ts";
import { unattendedRetries } from "./retry.ts";
import { withOperatorApi } from "./session.ts";
import type { Settings } from "./settings.ts";

export interface ImportOptions {
  readonly path: string;
  /** Uploads under way at once. */
  readonly concurrency: number;
  readonly settings: Settings;
}

interface Row {
  /** In the file, from 1. */
  readonly line: number;
  readonly device: object;
}

interface Refusal {
  readonly line: number;
  readonly code: string;
  readonly detail: string;
}

const batchRows = 500;
/** More refusals than this are counted, not listed. */
const listedRefusals = 1_000;

const columns = ["deviceId", "publicKeySha256", "profile", "manufacturer", "serialNumber"] as const;
type Column = (typeof columns)[number];

function malformed(path: string, line: number, what: string): Failure {
  return new Failure("localFile", "inventory_malformed", `${path}, line ${line}: ${what}`, {
    remedy: `the first line names columns: deviceId, and any of ${columns.slice(1).join(", ")}`,
  });
}

function checkHeader(path: string, line: number, cells: readonly string[]): readonly Column[] {
  const header = cells.map((cell) => cell.trim());
  const stranger = header.findIndex((name) => !columns.includes(name as Column));
  if (stranger !== -1) throw malformed(path, line, `column ${stranger + 1} is none of the inventory's`);
  if (!header.includes("deviceId")) throw malformed(path, line, "there is no column deviceId");
  if (new Set(header).size < header.length) throw malformed(path, line, "a column comes twice");
  return header as Column[];
}

function deviceOf(path: string, line: number, cells: Partial<Record<Column, string>>): object {
  const { deviceId, publicKeySha256, profile, manufacturer, serialNumber } = cells;
  if (!deviceId) throw malformed(path, line, "deviceId is empty");
  if (Boolean(manufacturer) !== Boolean(serialNumber))
    throw malformed(path, line, "manufacturer and serialNumber go together");
  return {
    deviceId,
    ...(profile ? { profile } : {}),
    ...(publicKeySha256 ? { publicKeySha256 } : {}),
    ...(manufacturer && serialNumber ? { manufacturer: { id: manufacturer, serialNumber } } : {}),
  };
}

async function* readInventory(path: string): AsyncGenerator<Row> {
  let header: readonly Column[] | undefined;
  try {
    for await (const { line, cells } of readCsvRows(createReadStream(path, "utf8"))) {
      if (header === undefined) {
        header = checkHeader(path, line, cells);
      } else {
        if (cells.length !== header.length)
          throw malformed(path, line, `${cells.length} cells, and the header has ${header.length}`);
        const named = Object.fromEntries(header.map((name, index) => [name, cells[index]?.trim() ?? ""]));
        yield { line, device: deviceOf(path, line, named) };
      }
    }
  } catch (error) {
    throw fileFailure(error, path);
  }
}

/** The whole file is read before anything is sent, so that a bad row costs nothing. */
async function countRows(path: string): Promise<number> {
  let rows = 0;
  for await (const _ of readInventory(path)) rows += 1;
  if (rows === 0) throw malformed(path, 1, "there is no device");
  return rows;
}

async function* batches(path: string): AsyncGenerator<readonly Row[]> {
  let batch: Row[] = [];
  for await (const row of readInventory(path)) {
    batch.push(row);
    if (batch.length < batchRows) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

class Tally {
  registered = 0;
  unchanged = 0;
  refused = 0;
  readonly refusals: Refusal[] = [];
  readonly #progress: Progress;

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  async upload(api: FleetApi, rows: readonly Row[]): Promise<void> {
    const body = { devices: rows.map(({ device }) => device) };
    const answer = await api.call({ method: "POST", path: "/devices", body, schema: registrations });
    this.registered += answer.registered;
    this.unchanged += answer.unchanged;
    this.refused += answer.refused.length;
    for (const { row, code, detail } of answer.refused) {
      if (this.refusals.length < listedRefusals)
        this.refusals.push({ line: rows[row]?.line ?? 0, code, detail });
    }
    for (let index = 0; index < answer.registered; index += 1) this.#progress.advance("issued");
    for (let index = 0; index < answer.unchanged; index += 1) this.#progress.advance("skipped");
    for (const _ of answer.refused) this.#progress.advance("failed");
  }
}

async function work(api: FleetApi, source: AsyncGenerator<readonly Row[]>, tally: Tally, context: Context) {
  while (!context.terminal.interrupted.aborted) {
    const next = await source.next();
    if (next.done === true) return;
    await tally.upload(api, next.value);
  }
}

/** Resolves to `ok`, `partial` (rows were refused; which and why is told) or `interrupted`. */
export async function importInventory(options: ImportOptions, context: Context): Promise<ExitName> {
  const { path, concurrency, settings } = options;
  const { terminal, output } = context;
  const rows = await countRows(path);
  const progress = createProgress(terminal, rows);
  const tally = new Tally(progress);
  const session = {
    settings,
    terminal,
    retries: unattendedRetries,
    finishInFlight: true,
    maxSockets: concurrency,
  };
  try {
    await withOperatorApi(session, async (api) => {
      const source = batches(path);
      await Promise.all(Array.from({ length: concurrency }, () => work(api, source, tally, context)));
    });
  } finally {
    progress.end();
  }
  const { registered, unchanged, refused, refusals } = tally;
  const remaining = rows - registered - unchanged - refused;
  output.answer(
    { rows, registered, unchanged, refused, remaining, refusals },
    `${registered} registered, ${unchanged} there before, ${refused} refused, ${remaining} not tried, of ${rows}`,
  );
  for (const { line, code, detail } of refusals) output.note(`line ${line}: ${detail} [${code}]`);
  if (refused > refusals.length) output.note(`and ${refused - refusals.length} more refused rows`);
  if (terminal.interrupted.aborted && remaining > 0) return "interrupted";
  return refused > 0 ? "partial" : "ok";
}
