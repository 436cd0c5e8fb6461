/**
 * Room: core/distribution. The inventory for other programs: CSV (RFC 4180) or newline-delimited JSON, a page of a
 * search at a time, so that neither side ever holds the whole.
 */
import type { KeylessApp } from "../ports.ts";
import type { CertificateSummary } from "./certificate-summary.ts";
import { type ListRequest, listCertificates } from "./inventory.ts";

export type ExportFormat = "csv" | "ndjson";

export interface ExportRequest extends ListRequest {
  readonly format: ExportFormat;
}

export interface ExportPage {
  /** Whole lines: pages one after the other are the whole. May be empty though there are more. */
  readonly text: string;
  /** Present when there may be more. */
  readonly cursor?: string;
}

/** In this order; a later release adds at the end only. */
const columns = [
  "serialNumber",
  "subjectKind",
  "subjectId",
  "profile",
  "authorityId",
  "status",
  "keyAlgorithm",
  "notBefore",
  "notAfter",
  "issuedAt",
  "revokedAt",
  "revocationReason",
] as const satisfies readonly (keyof CertificateSummary)[];

// Spreadsheets run what begins so. Our identifiers begin with a letter or a digit (`core/policy/identifiers.ts`), so
// this changes none of them: it is there for what a later release may bring.
const formula = /^[=+\-@\t\r]/;
const needsQuotes = /[",\r\n]/;

function csvField(value: string): string {
  const safe = formula.test(value) ? `'${value}` : value;
  return needsQuotes.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const csvLine = (values: readonly string[]): string => `${values.map(csvField).join(",")}\r\n`;

/** RFC 4180 §2: lines end with CRLF. @param first Whether the line of names goes before. */
export function csvPage(certificates: readonly CertificateSummary[], first: boolean): string {
  const lines = certificates.map((certificate) => csvLine(columns.map((name) => certificate[name] ?? "")));
  return (first ? csvLine(columns) : "") + lines.join("");
}

/** One JSON object a line, as lists have them; each line ends with LF. */
export function ndjsonPage(certificates: readonly CertificateSummary[]): string {
  return certificates.map((certificate) => `${JSON.stringify(certificate)}\n`).join("");
}

/** One page of a search as text; the page without a cursor is the first. @throws AppError as `listCertificates`. */
export async function exportRows(app: KeylessApp, request: ExportRequest): Promise<ExportPage> {
  const { certificates, cursor } = await listCertificates(app, request);
  const text =
    request.format === "csv" ? csvPage(certificates, request.cursor === undefined) : ndjsonPage(certificates);
  return cursor === undefined ? { text } : { text, cursor };
}
