/** Room: cli. A production line's manifest: JSON Lines or CSV, one device a row, read as a stream. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileFailure, readFileBytes } from "./credential-files.ts";
import { decodeRequestText } from "./csr-text.ts";
import { readCsvRows } from "./csv-rows.ts";
import { Failure } from "./failure.ts";
import { parseJsonText } from "./json-text.ts";

export interface ManifestEntry {
  /** Where the row begins, from 1. */
  readonly line: number;
  readonly deviceId: string;
  /** PEM, base64 of DER, or a path from the manifest's directory. */
  readonly csr: string;
  readonly token?: string;
}

export interface ManifestSummary {
  readonly devices: number;
  /** Rows without a token, for which an operator's credential is needed. */
  readonly withoutToken: number;
}

const maxCsrBytes = 65_536;

/** Rows in order. Throws `manifest_malformed` with the line, never with what the line holds. */
export async function* readManifest(path: string): AsyncGenerator<ManifestEntry> {
  const rows = path.endsWith(".csv") ? readCsvEntries(path) : readJsonEntries(path);
  try {
    for await (const { line, fields } of rows) yield parseEntry(fields, path, line);
  } catch (error) {
    throw fileFailure(error, path);
  }
}

/** Reads the whole manifest before anything is asked for, so that a bad row costs nothing. */
export async function checkManifest(path: string): Promise<ManifestSummary> {
  const lines = new Map<string, number>();
  let withoutToken = 0;
  for await (const { deviceId, line, token } of readManifest(path)) {
    const first = lines.get(deviceId);
    if (first !== undefined) throw malformed(path, line, `the device of line ${first} comes again`);
    lines.set(deviceId, line);
    if (token === undefined) withoutToken += 1;
  }
  return { devices: lines.size, withoutToken };
}

/** DER of the row's CSR; throws a Failure that is this device's alone. */
export async function readManifestCsr(entry: ManifestEntry, manifest: string): Promise<Buffer> {
  const { csr } = entry;
  if (csr.includes("-----BEGIN") || isBase64Sequence(csr))
    return decodeRequestText(csr, `line ${entry.line}`);
  const path = resolve(dirname(manifest), csr);
  return decodeRequestText(await readFileBytes(path, maxCsrBytes), path);
}

/** True for base64 of exactly one DER SEQUENCE (X.690 §8.1.3), which no sensible path is. */
function isBase64Sequence(text: string): boolean {
  if (!/^[A-Za-z0-9+/=\s]{40,}$/.test(text)) return false;
  const [tag, first = 0, ...rest] = Buffer.from(text, "base64");
  if (tag !== 0x30) return false;
  if (first < 0x80) return rest.length === first;
  const octets = first & 0x7f;
  const length = rest.slice(0, octets).reduce((sum, octet) => sum * 256 + octet, 0);
  return octets <= 3 && rest.length - octets === length;
}

interface Row {
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

async function* readJsonEntries(path: string): AsyncGenerator<Row> {
  let line = 0;
  await using file = await open(path, "r");
  for await (const text of file.readLines({ encoding: "utf8" })) {
    line += 1;
    if (text.trim() === "") continue;
    const value = parseJsonText(text);
    if (typeof value !== "object" || value === null) throw malformed(path, line, "not a JSON object");
    yield { line, fields: { ...value } };
  }
}

async function* readCsvEntries(path: string): AsyncGenerator<Row> {
  let header: readonly string[] | undefined;
  for await (const { line, cells } of readCsvRows(createReadStream(path, "utf8"))) {
    if (header === undefined) {
      header = cells.map((cell) => cell.trim());
      if (!header.includes("deviceId") || !header.includes("csr")) {
        throw malformed(path, line, "the header names no deviceId or no csr");
      }
    } else {
      if (cells.length !== header.length) {
        throw malformed(path, line, `${cells.length} cells, and the header has ${header.length}`);
      }
      yield { line, fields: Object.fromEntries(header.map((column, index) => [column, cells[index]])) };
    }
  }
}

function parseEntry(fields: Row["fields"], path: string, line: number): ManifestEntry {
  const { deviceId, csr, token } = fields;
  if (typeof deviceId !== "string" || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(deviceId)) {
    throw malformed(
      path,
      line,
      "deviceId is not 1 to 64 of A–Z a–z 0–9 . _ -, beginning with a letter or digit",
    );
  }
  if (typeof csr !== "string" || csr.trim() === "") throw malformed(path, line, "csr is missing");
  if (token === undefined || token === null || token === "") return { line, deviceId, csr };
  if (typeof token === "string" && /^[A-Za-z0-9._~+/-]+=*$/.test(token))
    return { line, deviceId, csr, token };
  throw malformed(path, line, "token is not one that the service makes");
}

function malformed(path: string, line: number, what: string): Failure {
  return new Failure("localFile", "manifest_malformed", `${path}, line ${line}: ${what}`, {
    remedy:
      'a row is {"deviceId": ID, "csr": PEM, base64 or path, "token": optional}, or a CSV line with that header',
  });
}
