/**
 * Room: cli. The inventory to a file or a pipe, page after page: one page is held at a time, and it is written before
 * the next is asked for, so an export of any length needs no more memory than a short one.
 */
import { type FileHandle, open } from "node:fs/promises";
import { pageLimit } from "./certificate-listing.ts";
import type { Context } from "./command.ts";
import { fileFailure, publicMode } from "./credential-files.ts";
import { Failure } from "./failure.ts";
import { type CertificateFilter, type FleetApi, queryOf } from "./fleet-api.ts";
import type { HttpResponse } from "./https-client.ts";
import { createCounter } from "./progress.ts";
import { unattendedRetries } from "./retry.ts";
import { withOperatorApi } from "./session.ts";
import type { Settings } from "./settings.ts";

export const exportTypes = { csv: "text/csv", ndjson: "application/x-ndjson" } as const;
export type ExportFormat = keyof typeof exportTypes;

export interface ExportOptions {
  readonly settings: Settings;
  readonly format: ExportFormat;
  readonly filter: CertificateFilter;
  /** A file that is made anew, or appended to with a cursor; stdout when absent. */
  readonly out?: string | undefined;
  /** Where an earlier export stopped. */
  readonly cursor?: string | undefined;
}

/** RFC 8288: of the next page only its cursor counts; where to ask for it is ours to know. */
function nextCursor({ headers: { link } }: HttpResponse): string | undefined {
  const text = Array.isArray(link) ? link.join(",") : link;
  const target = /<([^<>]{1,8192})>\s*;\s*rel="?next"?/.exec(text ?? "")?.[1];
  if (target === undefined) return undefined;
  return new URL(target, "https://service.invalid").searchParams.get("cursor") ?? undefined;
}

const lineFeed = 0x0a;

function linesIn(octets: Buffer): number {
  let lines = 0;
  for (let at = octets.indexOf(lineFeed); at >= 0; at = octets.indexOf(lineFeed, at + 1)) lines += 1;
  return lines;
}

type Sink = (page: Buffer) => Promise<void>;

/** How far it has come: what is counted is written, and `cursor` is where the rest begins. */
interface Reached {
  rows: number;
  cursor: string | undefined;
  done: boolean;
}

async function copyPages(
  api: FleetApi,
  { format, filter }: ExportOptions,
  sink: Sink,
  reached: Reached,
  wrote: (rows: number) => void,
): Promise<void> {
  do {
    const { cursor } = reached;
    const isFirst = cursor === undefined;
    const query = queryOf({ ...filter, limit: pageLimit, ...(isFirst ? {} : { cursor }) });
    const page = await api.fetch({
      method: "GET",
      path: `/certificates?${query}`,
      accept: exportTypes[format],
    });
    await sink(page.body);
    // CSV names its columns in the first page's first line.
    const rows = linesIn(page.body) - (isFirst && format === "csv" ? 1 : 0);
    reached.rows += rows;
    wrote(rows);
    reached.cursor = nextCursor(page);
  } while (reached.cursor !== undefined);
  reached.done = true;
}

/** Whole pages: what could not be written to its end is taken back, so that a cursor goes on behind a whole line. */
async function fileSink(file: FileHandle): Promise<Sink> {
  let { size } = await file.stat();
  return async (page) => {
    try {
      await file.appendFile(page);
      size += page.length;
    } catch (error) {
      await file.truncate(size).catch(() => undefined);
      throw error;
    }
  };
}

interface Destination {
  readonly sink: Sink;
  readonly file?: FileHandle;
}

async function openDestination({ out, cursor }: ExportOptions, { terminal }: Context): Promise<Destination> {
  // Writes to a pipe return when its reader has taken them.
  if (out === undefined) return { sink: async (page) => void terminal.stdout.write(page.toString("utf8")) };
  try {
    const file = await open(out, cursor === undefined ? "w" : "a", publicMode);
    return { file, sink: await fileSink(file) };
  } catch (error) {
    throw fileFailure(error, out);
  }
}

/** The failure, with where to go on. */
function goOn(error: unknown, { cursor }: Reached): unknown {
  if (cursor === undefined || !(error instanceof Failure)) return error;
  const { exit, code, message, cause } = error;
  // A cursor that the service refuses is no place to go on from.
  if (code === "cursor_invalid") return error;
  const remedy = `what is written is whole; go on with the same flags and --cursor ${cursor}`;
  return new Failure(exit, code, message, { remedy, cause });
}

/** Throws what stopped it, with the cursor from which the rest can be had. */
export async function exportInventory(options: ExportOptions, context: Context): Promise<Reached> {
  const { settings, out } = options;
  const { terminal } = context;
  const { sink, file } = await openDestination(options, context);
  const counter = createCounter(terminal, "certificates");
  const reached: Reached = { rows: 0, cursor: options.cursor, done: false };
  const session = { settings, terminal, retries: unattendedRetries };
  try {
    await withOperatorApi(session, (api) => copyPages(api, options, sink, reached, counter.advance));
    await file?.sync();
  } catch (error) {
    throw goOn(out === undefined || error instanceof Failure ? error : fileFailure(error, out), reached);
  } finally {
    counter.end();
    await file?.close();
  }
  return reached;
}
