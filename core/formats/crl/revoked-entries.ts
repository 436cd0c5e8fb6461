/**
 * Room: core/formats. Reads the entries of a CRL (RFC 5280 §5.1.2.6, §5.3). Stricter than the RFC: a serial
 * number is not negative and has at most 20 octets, so that each has one name.
 */
import type { DerCursor } from "../der/cursor.ts";
import { decodedExtension, decodeExtensions, type Extension } from "../x509/extension.ts";
import { crlReason } from "../x509/extensions/crl-reason.ts";
import { serialNumberHex } from "../x509/tbs-certificate.ts";
import { malformedList } from "./malformed.ts";
import type { CrlReason } from "./reason.ts";
import { maxSerialOctets } from "./revoked-certificates.ts";

export interface RevokedEntry {
  /** Lower-case hexadecimal of even length, as `serialNumberHex` gives. */
  readonly serialNumber: string;
  readonly revocationDate: number;
  readonly reason?: CrlReason;
}

/** RFC 5280 §4.2: one of a kind; §5.2, §5.3: who cannot process a critical one must not use the list. */
export function checkExtensions(extensions: readonly Extension[], understood: readonly string[]): void {
  const seen = new Set<string>();
  for (const { oid, critical } of extensions) {
    if (seen.has(oid)) throw malformedList(`extension ${oid} is repeated`);
    seen.add(oid);
    if (critical && !understood.includes(oid)) {
      throw malformedList(`critical extension ${oid} is not supported`);
    }
  }
}

const understood = [crlReason.oid];

function decodeReason(fields: DerCursor): CrlReason | undefined {
  if (fields.atEnd) return undefined;
  const extensions = decodeExtensions(fields);
  fields.done();
  checkExtensions(extensions, understood);
  return decodedExtension({ extensions }, crlReason);
}

function decodeSerialNumber(fields: DerCursor): string {
  const serial = fields.integer();
  if ((serial[0] ?? 0) >= 0x80) throw malformedList("serial number of an entry is negative");
  if (serial.length > maxSerialOctets) {
    throw malformedList(`serial number of ${serial.length} octets: 1 to ${maxSerialOctets} are allowed`);
  }
  return serialNumberHex(serial);
}

function decodeEntry(fields: DerCursor, version: 1 | 2): RevokedEntry {
  const serialNumber = decodeSerialNumber(fields);
  const revocationDate = fields.time();
  // RFC 5280 §5.1.2.1: extensions are of version 2.
  if (version === 1) fields.done();
  const reason = decodeReason(fields);
  return reason === undefined ? { serialNumber, revocationDate } : { serialNumber, revocationDate, reason };
}

/** Reads all entries inside `list`. @throws AppError crl_malformed, der_malformed: none (§5.1.2.6), for one. */
export function decodeRevokedEntries(list: DerCursor, version: 1 | 2): readonly RevokedEntry[] {
  const revoked: RevokedEntry[] = [];
  do revoked.push(decodeEntry(list.sequence(), version));
  while (!list.atEnd);
  return revoked;
}
