/**
 * Room: adapters/local. One object as one file, so that its octets and what is said of them never part: a line of JSON,
 * then the octets as they are.
 */
import { hash } from "node:crypto";
import { AppError } from "../../../core/errors.ts";
import type { NewObject, StoredObject } from "../../../core/ports.ts";

const formatVersion = 1;
const newline = 0x0a;
/** A key, two header fields and what is around them, escaped, take less. */
export const headerOctets = 4_096;

interface Header {
  readonly key: string;
  readonly contentType: string;
  readonly cacheControl?: string;
  readonly octets: number;
  /** Of the octets, lowercase hexadecimal. */
  readonly sha256: string;
}

export interface ObjectHead extends Header {
  /** SHA-256 of the line: it changes with the octets, and with what is said of them. */
  readonly tag: string;
  /** Where the octets begin. */
  readonly start: number;
}

/**
 * Relative to the store's directory, parted by "/". A capital is "=" and its small letter, for file systems that do
 * not tell them apart; a colon is "=_". "~object" is no ending of a directory, so `a` and `a/b` are both there.
 */
export function objectPath(key: string): string {
  const name = key.replaceAll(/[A-Z]/g, (capital) => `=${capital.toLowerCase()}`).replaceAll(":", "=_");
  return `${name}~object`;
}

export interface EncodedObject {
  readonly tag: string;
  readonly line: Uint8Array;
}

/** What stands before the octets. */
export function encodeHead(key: string, object: NewObject): EncodedObject {
  const { body, contentType, cacheControl } = object;
  const header: Header = {
    key,
    contentType,
    ...(cacheControl === undefined ? {} : { cacheControl }),
    octets: body.byteLength,
    sha256: hash("sha256", body),
  };
  const line = Buffer.from(`${JSON.stringify({ version: formatVersion, ...header })}\n`);
  return { line, tag: hash("sha256", line) };
}

export function damaged(key: string, cause?: unknown): AppError {
  const message = `object file ${objectPath(key)} is damaged; restore it from a backup or put the object anew`;
  return new AppError("store_unavailable", message, { cause });
}

function parseLine(line: string, key: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === "object" && parsed !== null) return { ...parsed };
  } catch (cause) {
    throw damaged(key, cause);
  }
  throw damaged(key);
}

/**
 * @param content The file, or its first `headerOctets`.
 * @throws AppError store_unavailable when it is not what `encodeHead` wrote for this key; configuration_invalid when a
 * newer release wrote it.
 */
export function decodeHead(key: string, content: Uint8Array): ObjectHead {
  const end = content.indexOf(newline);
  if (end < 0) throw damaged(key);
  const line = Buffer.from(content.subarray(0, end + 1));
  const { version, contentType, cacheControl, octets, sha256, ...rest } = parseLine(
    line.toString("utf8"),
    key,
  );
  if (typeof version === "number" && version > formatVersion) {
    const message = `object file has version ${version}, this release knows ${formatVersion}; run the release that wrote it`;
    throw new AppError("configuration_invalid", message);
  }
  const whole =
    rest["key"] === key &&
    typeof contentType === "string" &&
    (cacheControl === undefined || typeof cacheControl === "string") &&
    typeof octets === "number" &&
    typeof sha256 === "string";
  if (!whole) throw damaged(key);
  return {
    key,
    contentType,
    ...(cacheControl === undefined ? {} : { cacheControl }),
    octets,
    sha256,
    tag: hash("sha256", line),
    start: end + 1,
  };
}

/** @throws AppError as `decodeHead`; store_unavailable when the octets are not those of the head. */
export function decodeObject(key: string, content: Uint8Array): StoredObject {
  const { contentType, cacheControl, octets, sha256, tag, start } = decodeHead(key, content);
  const body = content.subarray(start);
  if (body.byteLength !== octets || hash("sha256", body) !== sha256) throw damaged(key);
  return { body, contentType, ...(cacheControl === undefined ? {} : { cacheControl }), tag };
}
