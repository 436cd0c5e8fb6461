/** Room: core/formats. CertificateList (RFC 5280 §5.1.1), a CRL: a TBSCertList and the signature over it. */
import { type SignatureAlgorithm, signatureAlgorithmOf } from "../algorithms.ts";
import { DerCursor } from "../der/cursor.ts";
import { checkDer, type DerLimits } from "../der/structure.ts";
import { tag } from "../der/tag.ts";
import { encodeBitString, encodeSequence } from "../der/writer.ts";
import type { GeneralName } from "../general-name.ts";
import { verifySignature } from "../signature.ts";
import type { SubjectPublicKey } from "../spki.ts";
import { decodedExtension, decodeExtensions, type Extension } from "../x509/extension.ts";
import { authorityKeyIdentifier } from "../x509/extensions/authority-key-identifier.ts";
import { crlNumber } from "../x509/extensions/crl-number.ts";
import { issuingDistributionPoint } from "../x509/extensions/issuing-distribution-point.ts";
import { readAlgorithmIdentifier } from "../x509/tbs-certificate.ts";
import { asCertificateList, malformedList } from "./malformed.ts";
import { checkExtensions, decodeRevokedEntries, type RevokedEntry } from "./revoked-entries.ts";
import { checkIssuer } from "./tbs-cert-list.ts";

export type { RevokedCertificate } from "./revoked-certificates.ts";
export type { RevokedEntry } from "./revoked-entries.ts";
export { encodeTbsCertList, type TbsCertListTemplate } from "./tbs-cert-list.ts";

export interface CertificateList {
  /** Whole DER; the other octet fields are views of it. */
  readonly raw: Uint8Array;
  /** The octets that are signed. */
  readonly tbsRaw: Uint8Array;
  /** Whole AlgorithmIdentifier, inside the signed octets. */
  readonly signature: Uint8Array;
  /** Whole AlgorithmIdentifier, outside the signed octets. */
  readonly signatureAlgorithm: Uint8Array;
  /** Octets of the signature, without the BIT STRING. */
  readonly signatureValue: Uint8Array;
  /** Whole Name. */
  readonly issuerRaw: Uint8Array;
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  readonly revoked: readonly RevokedEntry[];
  readonly extensions: readonly Extension[];
  readonly number: number | undefined;
  /** fullName of the issuingDistributionPoint. */
  readonly distributionPoint: readonly GeneralName[] | undefined;
  /** Where the list speaks of one kind of certificate alone. */
  readonly onlyContains: "userCerts" | "caCerts" | undefined;
  /** Octets of the keyIdentifier. */
  readonly authorityKeyIdentifier: Uint8Array | undefined;
}

/** What a list that we write can have: an element of 2^24 − 1 octets, in it seven elements of each entry's 35. */
export const listLimits: DerLimits = {
  maxBytes: 16 * 1024 * 1024 + 64,
  maxDepth: 16,
  maxElements: 4 * 1024 * 1024,
};

/** Assembles a CRL from the octets that were signed, the algorithm's row and the signature's octets. */
export function encodeCertificateList(
  tbs: Uint8Array,
  row: SignatureAlgorithm,
  signatureValue: Uint8Array,
): Buffer {
  return encodeSequence(tbs, row.identifier, encodeBitString(signatureValue));
}

type TbsCertList = Omit<CertificateList, "raw" | "signatureAlgorithm" | "signatureValue">;

const understood = [authorityKeyIdentifier.oid, crlNumber.oid, issuingDistributionPoint.oid];

/** RFC 5280 §5.1.2.1: absent, the list is of version 1; v2 is encoded as 1. */
function decodeVersion(fields: DerCursor): 1 | 2 {
  if (fields.peek() !== tag.integer) return 1;
  const version = fields.smallInteger();
  if (version !== 1) throw malformedList(`version field ${version}: 1 is allowed`);
  return 2;
}

const isTime = (found: number | undefined): boolean => found === tag.utcTime || found === tag.generalizedTime;

function decodeListExtensions(fields: DerCursor, version: 1 | 2): readonly Extension[] {
  const explicit = version === 2 ? fields.optionalContext(0) : undefined;
  if (explicit === undefined) return [];
  const extensions = decodeExtensions(explicit);
  explicit.done();
  checkExtensions(extensions, understood);
  return extensions;
}

function numberOf(extensions: readonly Extension[]): number | undefined {
  const number = decodedExtension({ extensions }, crlNumber);
  if (number !== undefined && number > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw malformedList(`cRLNumber ${number} exceeds ${Number.MAX_SAFE_INTEGER}`);
  }
  return number === undefined ? undefined : Number(number);
}

function readTbsCertList(tbsRaw: Uint8Array): TbsCertList {
  const fields = DerCursor.inSequence(tbsRaw);
  const version = decodeVersion(fields);
  const signature = readAlgorithmIdentifier(fields);
  const issuerRaw = checkIssuer(fields.element().raw);
  const thisUpdate = fields.time();
  const nextUpdate = isTime(fields.peek()) ? fields.time() : undefined;
  const revoked = fields.peek() === tag.sequence ? decodeRevokedEntries(fields.sequence(), version) : [];
  const extensions = decodeListExtensions(fields, version);
  fields.done();
  const point = decodedExtension({ extensions }, issuingDistributionPoint);
  return {
    tbsRaw,
    signature,
    issuerRaw,
    thisUpdate,
    nextUpdate,
    revoked,
    extensions,
    number: numberOf(extensions),
    distributionPoint: point?.fullName,
    onlyContains: point?.onlyContains,
    authorityKeyIdentifier: decodedExtension({ extensions }, authorityKeyIdentifier)?.keyIdentifier,
  };
}

/**
 * Reads exactly one CRL. Strict about DER and about what a reader must not pass over: critical extensions that
 * are not ours, delta and indirect lists. Lenient about what it is for others to demand: times, AKI, number.
 * @throws AppError crl_malformed.
 */
export function decodeCertificateList(raw: Uint8Array, limits: DerLimits = listLimits): CertificateList {
  return asCertificateList(() => {
    checkDer(raw, limits);
    const fields = DerCursor.inSequence(raw);
    const tbs = readTbsCertList(fields.element().raw);
    const signatureAlgorithm = readAlgorithmIdentifier(fields);
    const signatureValue = fields.bitString();
    fields.done();
    return { raw, ...tbs, signatureAlgorithm, signatureValue };
  });
}

/**
 * The number of a CRL that we made. Its entries are stepped over unread, however many they are.
 * @throws AppError crl_malformed: not our CRL, or no number in it.
 */
export function readCrlNumber(raw: Uint8Array): number {
  return asCertificateList(() => {
    const fields = DerCursor.inSequence(raw).sequence();
    while (!fields.atEnd) {
      const explicit = fields.optionalContext(0);
      if (explicit === undefined) {
        fields.element();
        continue;
      }
      const number = numberOf(decodeExtensions(explicit));
      if (number !== undefined) return number;
    }
    throw malformedList("no cRLNumber");
  });
}

/**
 * True when `issuer` signed the list. Names and times are not looked at. False, too, when the algorithm is not in
 * our table, is not the key's, or differs inside and outside the signed octets (RFC 5280 §5.1.1.2, §5.1.2.2).
 */
export async function verifyCertificateListSignature(
  list: CertificateList,
  issuer: SubjectPublicKey,
): Promise<boolean> {
  const { tbsRaw, signature, signatureAlgorithm, signatureValue } = list;
  const row = signatureAlgorithmOf(signatureAlgorithm);
  if (row === undefined || Buffer.compare(signature, signatureAlgorithm) !== 0) return false;
  return await verifySignature(row, tbsRaw, issuer.keyObject, signatureValue);
}
