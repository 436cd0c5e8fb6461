/**
 * Room: cli. The inventory to a file or a pipe, page after page: one page is held at a time, and it is written before
 * the next is asked for, so an export of any length needs no more memory than a short one.
 */
import { type FileHandle, open } from "node:fs/promises";
import { pageLimit } from "./certificate-listing.ts";
import type { Context } from "./command.ts";
import { fileFailure, publicMode } from "./credential-files.ts";
import { Failure } from "./failure.ts";
import { type CertificateFilter, type FleetApi, malformedAnswer, queryOf } from "./fleet-api.ts";
import type { HttpResponse } from "./https-client.ts";
import { createCounter } from "./progress.ts";
import { unattendedRetries } from "./retry.ts";
import { withOperatorApi } from "./session.ts";
import type { Settings } from "./settings.ts";
import { writeData } from "./terminal.ts";

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

/**
 * RFC 8288: of the next page only its cursor counts; where to ask for it is ours to know. Throws `answer_malformed` for
 * what is no address, and for a cursor that was followed before: such an export would have no end.
 */
function nextCursor({ headers: { link } }: HttpResponse, followed: Set<string>): string | undefined {
  const text = Array.isArray(link) ? link.join(",") : link;
  const target = /<([^<>]{1,8192})>\s*;\s*rel="?next"?/.exec(text ?? "")?.[1];
  if (target === undefined) return undefined;
  const url = URL.parse(target, "https://service.invalid");
  if (url === null) throw malformedAnswer("its link to the next page is no address");
  const cursor = url.searchParams.get("cursor") ?? undefined;
  if (cursor === undefined) return undefined;
  if (followed.has(cursor)) throw malformedAnswer("its link to the next page leads back");
  followed.add(cursor);
  return cursor;
}

const lineFeed = 0x0a;

function linesIn(octets: Buffer): number {
  let lines = 0;
  for (let at = octets.indexOf(lineFeed); at >= 0; at = octets.indexOf(lineFeed, at + 1)) lines += 1;
  return lines;
}

/** How far it has come: what is counted is written, and `cursor` is where the rest begins. */
interface Reached {
  rows: number;
  cursor: string | undefined;
}

async function copyPages(
  api: FleetApi,
  { format, filter }: ExportOptions,
  destination: Destination,
  reached: Reached,
  wrote: (rows: number) => void,
): Promise<void> {
  const followed = new Set(reached.cursor === undefined ? [] : [reached.cursor]);
  do {
    const { cursor } = reached;
    const isFirst = cursor === undefined;
    const query = queryOf({ ...filter, limit: pageLimit, ...(isFirst ? {} : { cursor }) });
    const page = await api.fetch({
      method: "GET",
      path: `/certificates?${query}`,
      accept: exportTypes[format],
    });
    // Before its rows are written: a page that leads nowhere is asked for again, whole.
    const next = nextCursor(page, followed);
    await destination.write(page.body);
    // CSV names its columns in the first page's first line.
    const rows = linesIn(page.body) - (isFirst && format === "csv" ? 1 : 0);
    reached.rows += rows;
    wrote(rows);
    reached.cursor = next;
  } while (reached.cursor !== undefined);
}

interface Destination {
  write(page: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** What could not be written to its end is taken back, so that a cursor goes on behind a whole line. */
async function append(file: FileHandle, page: Buffer): Promise<void> {
  const { size } = await file.stat();
  try {
    await file.appendFile(page);
  } catch (error) {
    await file.truncate(size).catch(() => undefined);
    throw error;
  }
}

/** What was in the file before stays until there is a page to replace it. */
function toFile(path: string, flag: "w" | "a"): Destination {
  let file: FileHandle | undefined;
  return {
    async write(page) {
      try {
        file ??= await open(path, flag, publicMode);
        await append(file, page);
      } catch (error) {
        throw fileFailure(error, path);
      }
    },
    close: async () => file?.close(),
  };
}

function destinationOf({ out, cursor }: ExportOptions, { terminal }: Context): Destination {
  if (out !== undefined) return toFile(out, cursor === undefined ? "w" : "a");
  return {
    write: (page) => writeData(terminal, page.toString("utf8")),
    close: async () => undefined,
  };
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
  const { terminal } = context;
  const destination = destinationOf(options, context);
  const counter = createCounter(terminal, "certificates");
  const reached: Reached = { rows: 0, cursor: options.cursor };
  const session = { settings: options.settings, terminal, retries: unattendedRetries };
  try {
    await withOperatorApi(session, (api) => copyPages(api, options, destination, reached, counter.advance));
  } catch (error) {
    throw goOn(error, reached);
  } finally {
    counter.end();
    await destination.close();
  }
  return reached;
}
