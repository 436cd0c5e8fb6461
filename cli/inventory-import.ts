/**
 * Room: cli. The inventory from CSV: rows are read as a stream and sent five hundred at a time. A row that is there
 * already changes nothing, so whoever runs it again goes on where it stopped.
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { registrations } from "../lambdas/http/access-answers.ts";
import { deviceRegistration } from "../lambdas/http/device-schemas.ts";
import { type AppendLog, openAppendLog } from "./append-log.ts";
import type { Context } from "./command.ts";
import { fileFailure } from "./credential-files.ts";
import { readCsvRows } from "./csv-rows.ts";
import type { ExitName } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import type { FleetApi } from "./fleet-api.ts";
import type { Output } from "./output.ts";
import { createProgress, type Progress } from "./progress.ts";
import { unattendedRetries } from "./retry.ts";
import { withOperatorApi } from "./session.ts";
import type { Settings } from "./settings.ts";
import { printable } from "./terminal.ts";

export interface ImportOptions {
  readonly path: string;
  /** Uploads under way at once. */
  readonly concurrency: number;
  readonly settings: Settings;
  /** JSON Lines of what was refused, all of it. */
  readonly results?: string | undefined;
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
/** Octets of one upload: the service takes 65,536. */
const batchOctets = 60_000;
/** More refusals than this are counted, not listed. */
const listedRefusals = 1_000;

const columns = ["deviceId", "publicKeySha256", "profile", "manufacturer", "serialNumber"] as const;
type Column = (typeof columns)[number];

function malformed(path: string, line: number, what: string): Failure {
  return new Failure("localFile", "inventory_malformed", `${path}, line ${line}: ${what}`, {
    remedy: `CSV by RFC 4180, whose first line names columns: deviceId, and any of ${columns.slice(1).join(", ")}`,
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

/** As OpenSSL prints digests: capitals and colons count for nothing. */
const digestOf = (text: string): string => text.replaceAll(":", "").toLowerCase();

function deviceOf(path: string, line: number, cells: Partial<Record<Column, string>>): object {
  const { deviceId, publicKeySha256, profile, manufacturer, serialNumber } = cells;
  if (!deviceId) throw malformed(path, line, "deviceId is empty");
  if (Boolean(manufacturer) !== Boolean(serialNumber))
    throw malformed(path, line, "manufacturer and serialNumber go together");
  const device = {
    deviceId,
    ...(profile ? { profile } : {}),
    ...(publicKeySha256 ? { publicKeySha256: digestOf(publicKeySha256) } : {}),
    ...(manufacturer && serialNumber ? { manufacturer: { id: manufacturer, serialNumber } } : {}),
  };
  // One row out of form would have the service refuse the whole upload that it is in.
  const read = deviceRegistration().safeParse(device);
  if (read.success) return device;
  const [issue] = read.error.issues;
  throw malformed(path, line, `${issue?.path.join(".") ?? "the row"} ${issue?.message ?? "is out of form"}`);
}

async function* readInventory(path: string): AsyncGenerator<Row> {
  let header: readonly Column[] | undefined;
  const chunks = createReadStream(path, "utf8");
  try {
    for await (const { line, cells } of readCsvRows(chunks, (at, what) => malformed(path, at, what))) {
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

async function assertRegular(path: string): Promise<void> {
  try {
    if ((await stat(path)).isFile()) return;
  } catch (error) {
    throw fileFailure(error, path);
  }
  throw new Failure("localFile", "file_failed", `${path} is no regular file, and it is read twice`, {
    remedy: "write the rows to a file first",
  });
}

/** The whole file is read before anything is sent, so that a bad row costs nothing. */
async function countRows(path: string): Promise<number> {
  await assertRegular(path);
  let rows = 0;
  for await (const _ of readInventory(path)) rows += 1;
  if (rows === 0) throw malformed(path, 1, "there is no device");
  return rows;
}

async function* batches(path: string): AsyncGenerator<readonly Row[]> {
  let batch: Row[] = [];
  let octets = 0;
  for await (const row of readInventory(path)) {
    const length = Buffer.byteLength(JSON.stringify(row.device)) + 1;
    if (batch.length === batchRows || octets + length > batchOctets) {
      yield batch;
      batch = [];
      octets = 0;
    }
    batch.push(row);
    octets += length;
  }
  if (batch.length > 0) yield batch;
}

class Tally {
  registered = 0;
  unchanged = 0;
  refused = 0;
  readonly refusals: Refusal[] = [];
  readonly #progress: Progress;
  readonly #log: AppendLog | undefined;

  constructor(progress: Progress, log: AppendLog | undefined) {
    this.#progress = progress;
    this.#log = log;
  }

  async upload(api: FleetApi, rows: readonly Row[]): Promise<void> {
    const body = { devices: rows.map(({ device }) => device) };
    const answer = await api.call({ method: "POST", path: "/devices", body, schema: registrations });
    this.registered += answer.registered;
    this.unchanged += answer.unchanged;
    this.refused += answer.refused.length;
    const refusals = answer.refused.map(({ row, code, detail }) => ({
      line: rows[row]?.line ?? 0,
      code,
      detail,
    }));
    await Promise.all(refusals.map((refusal) => this.#log?.append(refusal)));
    this.refusals.push(...refusals.slice(0, listedRefusals - this.refusals.length));
    for (let index = 0; index < answer.registered; index += 1) this.#progress.advance("issued");
    for (let index = 0; index < answer.unchanged; index += 1) this.#progress.advance("skipped");
    for (const _ of answer.refused) this.#progress.advance("failed");
  }
}

/** The first failure ends all workers, after what they have in flight. */
async function upload(
  api: FleetApi,
  { path, concurrency }: ImportOptions,
  tally: Tally,
  interrupted: AbortSignal,
): Promise<void> {
  const source = batches(path);
  let fatal: { error: unknown } | undefined;
  const work = async (): Promise<void> => {
    while (fatal === undefined && !interrupted.aborted) {
      const next = await source.next();
      if (next.done === true) return;
      await tally.upload(api, next.value);
    }
  };
  const guarded = (): Promise<void> =>
    work().catch((error: unknown) => {
      fatal ??= { error };
    });
  await Promise.all(Array.from({ length: concurrency }, guarded));
  await source.return(undefined);
  if (fatal !== undefined) throw fatal.error;
}

function tell(rows: number, { registered, unchanged, refused, refusals }: Tally, output: Output): number {
  const remaining = rows - registered - unchanged - refused;
  output.answer(
    { rows, registered, unchanged, refused, remaining, refusals },
    `${registered} registered, ${unchanged} there before, ${refused} refused, ${remaining} not tried, of ${rows}`,
  );
  for (const { line, code, detail } of refusals) output.note(`line ${line}: ${printable(detail)} [${code}]`);
  if (refused > refusals.length)
    output.note(`and ${refused - refusals.length} more refused rows; --results FILE has them all`);
  return remaining;
}

/**
 * Resolves to `ok`, `partial` (rows were refused; which and why is told) or `interrupted`. Throws what stops it: a file
 * out of form before anything is sent; no service, an operator who may not.
 */
export async function importInventory(options: ImportOptions, context: Context): Promise<ExitName> {
  const { path, concurrency, settings, results } = options;
  const { terminal, output } = context;
  const rows = await countRows(path);
  const log = results === undefined ? undefined : await openAppendLog(results, () => undefined);
  const progress = createProgress(terminal, rows);
  const tally = new Tally(progress, log);
  const retries = unattendedRetries;
  const session = { settings, terminal, retries, finishInFlight: true, maxSockets: concurrency };
  try {
    await withOperatorApi(session, (api) => upload(api, options, tally, terminal.interrupted));
  } catch (error) {
    const { registered, unchanged } = tally;
    output.note(`${registered} registered, ${unchanged} there before, of ${rows}; run it again to go on`);
    throw error;
  } finally {
    progress.end();
    await log?.close();
  }
  const remaining = tell(rows, tally, output);
  if (terminal.interrupted.aborted && remaining > 0) return "interrupted";
  if (remaining === 0) return tally.refused > 0 ? "partial" : "ok";
  throw new Failure(
    "localFile",
    "inventory_changed",
    `${path} had ${remaining} rows more when it was checked`,
    {
      remedy: "run it again when nobody writes to the file; rows that are there change nothing",
    },
  );
}
