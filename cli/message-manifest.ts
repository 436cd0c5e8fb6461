/** Room: cli. A manifest of messages to move under newer keys: JSON Lines, one message a row, read as a stream. */
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { AppError } from "../core/errors.ts";
import { encryptionContext } from "../core/policy/encryption-context.ts";
import { fileFailure } from "./credential-files.ts";
import { Failure } from "./failure.ts";
import { parseJsonText } from "./json-text.ts";

type Context = Readonly<Record<string, string>>;

export interface MessageEntry {
  /** From 1. */
  readonly line: number;
  /** Absolute path of the file that holds the message, and is replaced by the new one. */
  readonly file: string;
  readonly context: Context;
  /** The context that it is to have; the same when absent. */
  readonly to?: Context;
}

const rowForm =
  'a row is {"file": PATH, "context": {"purpose": WORD, "subject": ID, …}, "to": optional, another context}';

function malformed(path: string, line: number, what: string): Failure {
  return new Failure("localFile", "manifest_malformed", `${path}, line ${line}: ${what}`, {
    remedy: rowForm,
  });
}

/** Throws `manifest_malformed`; never with what the line holds. */
function parseContext(value: unknown, what: string, path: string, line: number): Context {
  const isTexts =
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((each) => typeof each === "string");
  if (!isTexts) throw malformed(path, line, `${what} is no object of texts`);
  const { purpose = "", subject = "", fleet, ...extra } = value as Context;
  try {
    const { fleet: _, ...whole } = encryptionContext("any", { purpose, subject, extra });
    // Of which fleet it is, the service judges.
    return fleet === undefined ? whole : { ...whole, fleet };
  } catch (error) {
    if (error instanceof AppError) throw malformed(path, line, `${what}: ${error.message}`);
    throw error;
  }
}

function parseEntry(text: string, path: string, line: number): MessageEntry {
  const value = parseJsonText(text);
  if (typeof value !== "object" || value === null) throw malformed(path, line, "not a JSON object");
  const { file, context, to, ...others } = value as Readonly<Record<string, unknown>>;
  if (Object.keys(others).length > 0)
    throw malformed(path, line, "it has a member besides file, context and to");
  if (typeof file !== "string" || file === "") throw malformed(path, line, "file is missing");
  return {
    line,
    file: resolve(dirname(path), file),
    context: parseContext(context, "context", path, line),
    ...(to === undefined ? {} : { to: parseContext(to, "to", path, line) }),
  };
}

/** Rows in order. */
export async function* readMessages(path: string): AsyncGenerator<MessageEntry> {
  let line = 0;
  try {
    await using handle = await open(path, "r");
    for await (const text of handle.readLines({ encoding: "utf8" })) {
      line += 1;
      if (text.trim() !== "") yield parseEntry(text, path, line);
    }
  } catch (error) {
    throw fileFailure(error, path);
  }
}

/** Reads the whole manifest before anything is changed, so that a bad row costs nothing. @returns How many rows. */
export async function checkMessages(path: string): Promise<number> {
  const lines = new Map<string, number>();
  for await (const { file, line } of readMessages(path)) {
    const first = lines.get(file);
    if (first !== undefined) throw malformed(path, line, `the file of line ${first} comes again`);
    lines.set(file, line);
  }
  return lines.size;
}
