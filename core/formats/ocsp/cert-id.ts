/**
 * Room: core/formats. CertID (RFC 6960 §4.1.1): which certificate is asked about, by hashes of its issuer's name
 * and key. The hash names things and protects nothing, so SHA-1 is read and written here, for clients use it.
 */
import { hash } from "node:crypto";
import { maxSerialOctets } from "../crl/revoked-certificates.ts";
import type { DerCursor } from "../der/cursor.ts";
import {
  encodeNull,
  encodeOctetString,
  encodeOidElement,
  encodeSequence,
  encodeUnsignedInteger,
} from "../der/writer.ts";
import { serialNumberHex } from "../x509/tbs-certificate.ts";
import { malformedOcsp } from "./malformed.ts";

export type CertIdHash = "SHA-1" | "SHA-256";

export interface CertId {
  readonly hashAlgorithm: CertIdHash;
  /** Set when the AlgorithmIdentifier has no parameters. Unset, they are NULL, which is usual. */
  readonly hashParameters?: "absent";
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** Lower-case hexadecimal of even length, as `serialNumberHex` gives. */
  readonly serialNumber: string;
}

interface HashRow {
  readonly id: CertIdHash;
  readonly oid: string;
  readonly octets: number;
  /** What node:crypto calls it. */
  readonly digest: string;
}

const rows: Readonly<Record<CertIdHash, HashRow>> = {
  "SHA-1": { id: "SHA-1", oid: "1.3.14.3.2.26", octets: 20, digest: "sha1" },
  "SHA-256": { id: "SHA-256", oid: "2.16.840.1.101.3.4.2.1", octets: 32, digest: "sha256" },
};

/**
 * The CertID of a certificate: its issuer's name in whole DER, the content of the issuer's subjectPublicKey BIT
 * STRING without the unused-bits octet, and the serial number as `serialNumberHex` gives it.
 */
export function certIdOf(
  hashAlgorithm: CertIdHash,
  issuerNameRaw: Uint8Array,
  issuerPublicKeyBits: Uint8Array,
  serialNumber: string,
): CertId {
  const { digest } = rows[hashAlgorithm];
  return {
    hashAlgorithm,
    issuerNameHash: hash(digest, issuerNameRaw, "buffer"),
    issuerKeyHash: hash(digest, issuerPublicKeyBits, "buffer"),
    serialNumber,
  };
}

function checkHash(row: HashRow, octets: Uint8Array): Uint8Array {
  if (octets.length !== row.octets)
    throw malformedOcsp(`${row.id} hash of ${octets.length} octets; it has exactly ${row.octets}`);
  return octets;
}

function encodeSerialNumber(serialNumber: string): Buffer {
  if (!/^(?:[0-9a-f]{2})+$/.test(serialNumber))
    throw malformedOcsp("serial number is not lower-case hexadecimal of even length");
  const encoded = encodeUnsignedInteger(Buffer.from(serialNumber, "hex"));
  checkSerialOctets(encoded.length - 2);
  return encoded;
}

/** RFC 5280 §4.1.2.2. */
function checkSerialOctets(octets: number): void {
  if (octets > maxSerialOctets)
    throw malformedOcsp(`serial number of ${octets} octets: 1 to ${maxSerialOctets} are allowed`);
}

/** @throws AppError ocsp_malformed: a hash of another length, a serial number that no certificate can have. */
export function encodeCertId(certId: CertId): Buffer {
  const row = rows[certId.hashAlgorithm];
  const oid = encodeOidElement(row.oid);
  return encodeSequence(
    // RFC 5754 §2 would leave NULL out and has readers take both; OpenSSL and others write it, so it is usual.
    certId.hashParameters === "absent" ? encodeSequence(oid) : encodeSequence(oid, encodeNull()),
    encodeOctetString(checkHash(row, certId.issuerNameHash)),
    encodeOctetString(checkHash(row, certId.issuerKeyHash)),
    encodeSerialNumber(certId.serialNumber),
  );
}

function decodeHashAlgorithm(fields: DerCursor): { readonly row: HashRow; readonly absent: boolean } {
  const identifier = fields.sequence();
  const oid = identifier.oid();
  const row = Object.values(rows).find((each) => each.oid === oid);
  if (row === undefined)
    throw malformedOcsp(`hash algorithm ${oid} of a CertID is not supported; use SHA-256 or SHA-1`);
  const absent = identifier.atEnd;
  if (!absent) identifier.null();
  identifier.done();
  return { row, absent };
}

function decodeSerialNumber(fields: DerCursor): string {
  const serial = fields.integer();
  if ((serial[0] ?? 0) >= 0x80) throw malformedOcsp("serial number is negative");
  checkSerialOctets(serial.length);
  return serialNumberHex(serial);
}

/**
 * Reads the CertID at the cursor; `encodeCertId` gives the same octets again.
 * @throws AppError ocsp_malformed, der_malformed: another hash than SHA-1 and SHA-256, a hash of another length,
 * a serial number that is negative or of more than 20 octets.
 */
export function decodeCertId(cursor: DerCursor): CertId {
  const fields = cursor.sequence();
  const { row, absent } = decodeHashAlgorithm(fields);
  const issuerNameHash = checkHash(row, fields.octetString());
  const issuerKeyHash = checkHash(row, fields.octetString());
  const serialNumber = decodeSerialNumber(fields);
  fields.done();
  return {
    hashAlgorithm: row.id,
    ...(absent ? { hashParameters: "absent" } : {}),
    issuerNameHash,
    issuerKeyHash,
    serialNumber,
  };
}
