/**
 * Room: cli. Moves every message of a manifest under the newest key, many at once, and takes up where an earlier run
 * stopped. A file is replaced whole or not at all, and first: what a kill leaves unrecorded, the next run finds moved.
 */
import { hash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { protectionStandard } from "../core/standard/protection.ts";
import { reencryptedData } from "../lambdas/http/protection-answers.ts";
import { openAppendLog } from "./append-log.ts";
import type { Context } from "./command.ts";
import { fileFailure, readFileBytes, writeFileAtomically } from "./credential-files.ts";
import { type BackendSession, withBackendApi } from "./data-flags.ts";
import type { ExitName } from "./exit-codes.ts";
import { Failure, toFailure } from "./failure.ts";
import { withFileLock } from "./file-lock.ts";
import type { FleetApi } from "./fleet-api.ts";
import { checkMessages, type MessageEntry, readMessages } from "./message-manifest.ts";
import { type Counter, createCounter } from "./progress.ts";
import { unattendedRetries } from "./retry.ts";

export interface ReencryptionOptions {
  readonly manifest: string;
  readonly results: string;
  /** Messages in flight at once. */
  readonly concurrency: number;
  /** Of one request. */
  readonly attempts: number;
  readonly session: BackendSession;
}

type Outcome = "moved" | "unchanged" | "failed" | "skipped";

interface Line {
  readonly options: ReencryptionOptions;
  readonly context: Context;
  readonly api: FleetApi;
  /** What earlier runs made, by file: the digest of its content then. */
  readonly done: Map<string, string>;
  readonly log: { append(record: object): Promise<void> };
  readonly progress: Counter;
  readonly counts: Record<Outcome, number>;
}

const messageBytes = protectionStandard.message.plaintextBytes + 16_384;
const digestOf = (octets: Uint8Array): string => hash("sha256", octets);

async function callFor(line: Line, message: Buffer, entry: Pick<MessageEntry, "context" | "to">) {
  const body = { ...entry, message: message.toString("base64") };
  return line.api.call({ method: "POST", path: "/reencrypt", body, schema: reencryptedData });
}

/** Under its new context already, when a kill came between the file and its record. */
async function moved(line: Line, message: Buffer, { context, to }: MessageEntry) {
  try {
    return await callFor(line, message, { context, ...(to === undefined ? {} : { to }) });
  } catch (error) {
    if (to === undefined || !(error instanceof Failure) || error.code !== "data_unreadable") throw error;
    return callFor(line, message, { context: to });
  }
}

/** Where a link leads to, with the mode that the file has. */
async function replaceContent(file: string, content: Buffer): Promise<void> {
  try {
    const path = await realpath(file);
    const { mode } = await stat(path);
    await writeFileAtomically(path, content, mode & 0o777);
  } catch (error) {
    throw fileFailure(error, file);
  }
}

async function moveEntry(line: Line, entry: MessageEntry): Promise<Outcome> {
  const { file } = entry;
  const message = await readFileBytes(file, messageBytes);
  if (line.done.get(file) === digestOf(message)) return "skipped";
  const answer = await moved(line, message, entry);
  const next = Buffer.from(answer.message, "base64");
  if (answer.changed) await replaceContent(file, next);
  const status = answer.changed ? "moved" : "unchanged";
  await line.log.append({ file, status, sha256: digestOf(next), at: atOf(line) });
  return status;
}

const atOf = ({ context }: Line): string => new Date(context.terminal.now()).toISOString();

/** What the next message would meet too. */
const lineCodes: ReadonlySet<string> = new Set([
  "access_denied",
  "client_certificate_expired",
  "client_certificate_required",
  "client_certificate_revoked",
  "client_certificate_untrusted",
  "fleet_suspended",
  "key_disabled",
  "results_unwritable",
]);

const isFatal = ({ exit, code, transience }: Failure): boolean =>
  exit === "unreachable" || exit === "internal" || transience !== undefined || lineCodes.has(code);

async function takeEntry(line: Line, entry: MessageEntry): Promise<void> {
  try {
    line.counts[await moveEntry(line, entry)] += 1;
  } catch (error) {
    const failure = toFailure(error);
    if (isFatal(failure)) throw error;
    line.counts.failed += 1;
    const { code, message } = failure;
    await line.log.append({ file: entry.file, status: "failed", code, detail: message, at: atOf(line) });
  }
  line.progress.advance(1);
}

/** The first error that is not one message's own ends all workers, after what they have in flight. */
async function runWorkers(line: Line): Promise<void> {
  const entries = readMessages(line.options.manifest);
  const { interrupted } = line.context.terminal;
  let fatal: { error: unknown } | undefined;
  const work = async (): Promise<void> => {
    while (fatal === undefined && !interrupted.aborted) {
      const next = await entries.next();
      if (next.done === true) return;
      await takeEntry(line, next.value);
    }
  };
  const guarded = (): Promise<void> =>
    work().catch((error: unknown) => {
      fatal ??= { error };
    });
  await Promise.all(Array.from({ length: line.options.concurrency }, guarded));
  await entries.return(undefined);
  if (fatal !== undefined) throw fatal.error;
}

async function runLine(
  options: ReencryptionOptions,
  messages: number,
  context: Context,
  api: FleetApi,
): Promise<ExitName> {
  const { terminal, output } = context;
  const done = new Map<string, string>();
  const log = await openAppendLog(options.results, (record) => {
    if (!("file" in record && "sha256" in record)) return;
    const { file, sha256 } = record;
    if (typeof file === "string" && typeof sha256 === "string") done.set(file, sha256);
  });
  const progress = createCounter(terminal, `of ${messages} messages`);
  const counts = { moved: 0, unchanged: 0, failed: 0, skipped: 0 };
  try {
    await runWorkers({ options, context, api, done, log, progress, counts });
  } finally {
    progress.end();
    await log.close();
    const left = messages - counts.moved - counts.unchanged - counts.failed - counts.skipped;
    output.note(
      `${counts.moved} moved, ${counts.unchanged} as they should be, ${counts.skipped} done before, ${counts.failed} failed, ${left} left`,
    );
  }
  output.answer({ results: options.results, messages, ...counts }, options.results);
  if (terminal.interrupted.aborted) return "interrupted";
  return counts.failed > 0 ? "partial" : "ok";
}

/**
 * Resolves to `ok`, `partial` (some failed; their reasons are in the results file) or `interrupted`. Throws what stops
 * the whole line: a bad manifest, a full disk, no service, a backend that may not.
 */
export async function reencryptManifest(options: ReencryptionOptions, context: Context): Promise<ExitName> {
  const messages = await checkMessages(options.manifest);
  return withFileLock(`${options.results}.lock`, () => {
    const { session, attempts } = options;
    const retries = { ...unattendedRetries, attempts };
    return withBackendApi({ session, terminal: context.terminal, retries }, (api) =>
      runLine(options, messages, context, api),
    );
  });
}
