/** Room: core/formats. TBSCertificate (RFC 5280 §4.1.2): the octets that an authority signs. */
import { AppError } from "../../errors.ts";
import type { SignatureAlgorithm } from "../algorithms.ts";
import { DerCursor } from "../der/cursor.ts";
import { checkDer } from "../der/structure.ts";
import { contextTag, tag } from "../der/tag.ts";
import {
  encodeContext,
  encodeSequence,
  encodeSmallInteger,
  encodeTimeElement,
  encodeUnsignedInteger,
} from "../der/writer.ts";
import { decodeName, encodeName, type Name } from "../name.ts";
import { decodeExtensions, type Extension, encodeExtensions } from "./extension.ts";

/** Milliseconds since the epoch, whole seconds, both ends inclusive (RFC 5280 §4.1.2.5). */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface TbsCertificateTemplate {
  /** Unsigned magnitude, big-endian; with its sign octet at most 20 octets. */
  readonly serialNumber: Uint8Array;
  readonly signature: SignatureAlgorithm;
  /** A name, or the issuing certificate's subject in whole DER: it then stands here octet for octet. */
  readonly issuer: Name | Uint8Array;
  readonly validity: Validity;
  readonly subject: Name;
  /** Whole DER. */
  readonly subjectPublicKeyInfo: Uint8Array;
  /** In the order they will stand in; none leaves the field out. */
  readonly extensions: readonly Extension[];
}

export interface TbsCertificate {
  /** The octets that are signed; the other octet fields are views of it. */
  readonly raw: Uint8Array;
  /** 1, 2 or 3, as people count them. */
  readonly version: number;
  /** Content octets of the INTEGER, as encoded: two's complement. */
  readonly serialNumber: Uint8Array;
  /** Whole AlgorithmIdentifier. */
  readonly signature: Uint8Array;
  readonly issuer: Name;
  readonly issuerRaw: Uint8Array;
  readonly validity: Validity;
  /** Tags of notBefore and notAfter: UTCTime or GeneralizedTime. */
  readonly validityTags: readonly [notBefore: number, notAfter: number];
  readonly subject: Name;
  readonly subjectRaw: Uint8Array;
  /** Whole DER. */
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly hasUniqueIdentifiers: boolean;
  readonly extensions: readonly Extension[];
}

const malformedCertificate = (what: string, options?: ErrorOptions): AppError =>
  new AppError("certificate_malformed", `certificate: ${what}`, options);

/** Runs `act`; what it refuses as DER becomes certificate_malformed. */
export function asCertificate<Value>(act: () => Value): Value {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code === "certificate_malformed") throw cause;
    throw malformedCertificate(cause.message, { cause });
  }
}

// RFC 5280 §4.1.2.1: extensions make it v3, which is encoded as 2.
const version3 = encodeContext(0, encodeSmallInteger(2));

/** RFC 5280 §4.1.2.2: at most 20 octets. That it is positive is for lint to say. */
function encodeSerialNumber(magnitude: Uint8Array): Buffer {
  const encoded = encodeUnsignedInteger(magnitude);
  const octets = encoded.length - 2;
  if (magnitude.length === 0 || octets > 20) {
    throw malformedCertificate(
      `serial number of ${magnitude.length === 0 ? 0 : octets} octets: 1 to 20 are allowed`,
    );
  }
  return encoded;
}

/**
 * The DER of a version 3 TBSCertificate.
 * @throws AppError certificate_malformed: serial number length, a time that is no whole second, a name or a
 * list of extensions that cannot be encoded.
 */
export function encodeTbsCertificate(template: TbsCertificateTemplate): Buffer {
  const { validity, extensions } = template;
  return asCertificate(() => {
    const fields: Uint8Array[] = [
      version3,
      encodeSerialNumber(template.serialNumber),
      template.signature.identifier,
      template.issuer instanceof Uint8Array ? template.issuer : encodeName(template.issuer),
      encodeSequence(encodeTimeElement(validity.notBefore), encodeTimeElement(validity.notAfter)),
      encodeName(template.subject),
      template.subjectPublicKeyInfo,
    ];
    if (extensions.length > 0) fields.push(encodeContext(3, encodeExtensions(extensions)));
    return encodeSequence(...fields);
  });
}

/** RFC 5280 §4.1.2.1; X.690 §11.5: version 1, the default, is not encoded. */
function decodeVersion(fields: DerCursor): number {
  const explicit = fields.optionalContext(0);
  if (explicit === undefined) return 1;
  const version = explicit.smallInteger();
  explicit.done();
  if (version !== 1 && version !== 2)
    throw malformedCertificate(`version field ${version}: 1 or 2 is allowed`);
  return version + 1;
}

/** A whole AlgorithmIdentifier (§4.1.1.2): an OID and at most one element of parameters. */
export function readAlgorithmIdentifier(fields: DerCursor): Uint8Array {
  const { raw } = fields.element();
  const inner = DerCursor.inSequence(raw);
  if (inner.peek() !== tag.oid)
    throw malformedCertificate("algorithm identifier without an object identifier");
  inner.element();
  if (!inner.atEnd) inner.element();
  inner.done();
  return raw;
}

function decodeValidity(fields: DerCursor): Pick<TbsCertificate, "validity" | "validityTags"> {
  const times = fields.sequence();
  const beforeTag = times.peek() ?? 0;
  const notBefore = times.time();
  const afterTag = times.peek() ?? 0;
  const notAfter = times.time();
  times.done();
  return { validity: { notBefore, notAfter }, validityTags: [beforeTag, afterTag] };
}

function readName(fields: DerCursor): { readonly name: Name; readonly raw: Uint8Array } {
  const { raw } = fields.element();
  return { name: decodeName(DerCursor.over(raw)), raw };
}

function readPublicKey(fields: DerCursor): Uint8Array {
  const { raw, tag: kind } = fields.element();
  if (kind !== tag.sequence) throw malformedCertificate("subjectPublicKeyInfo is not a SEQUENCE");
  return raw;
}

function skipUniqueIdentifier(fields: DerCursor, number: 1 | 2): boolean {
  const found = fields.peek() === contextTag(number, false);
  if (found) fields.element();
  return found;
}

function readExtensions(fields: DerCursor): readonly Extension[] {
  const explicit = fields.optionalContext(3);
  if (explicit === undefined) return [];
  const extensions = decodeExtensions(explicit);
  explicit.done();
  return extensions;
}

/** Reads the fields of a TBSCertificate already proved to be DER. */
export function readTbsCertificate(raw: Uint8Array): TbsCertificate {
  const fields = DerCursor.inSequence(raw);
  const version = decodeVersion(fields);
  const serialNumber = fields.integer();
  const signature = readAlgorithmIdentifier(fields);
  const issuer = readName(fields);
  const { validity, validityTags } = decodeValidity(fields);
  const subject = readName(fields);
  const subjectPublicKeyInfo = readPublicKey(fields);
  const hasIssuerIdentifier = skipUniqueIdentifier(fields, 1);
  const hasSubjectIdentifier = skipUniqueIdentifier(fields, 2);
  const extensions = readExtensions(fields);
  fields.done();
  return {
    raw,
    version,
    serialNumber,
    signature,
    issuer: issuer.name,
    issuerRaw: issuer.raw,
    validity,
    validityTags,
    subject: subject.name,
    subjectRaw: subject.raw,
    subjectPublicKeyInfo,
    hasUniqueIdentifiers: hasIssuerIdentifier || hasSubjectIdentifier,
    extensions,
  };
}

/**
 * Reads a TBSCertificate. Strict about DER, lenient about policy: a negative serial number, a repeated
 * extension or extensions in version 1 are returned as they stand, for lint to judge.
 * @throws AppError certificate_malformed.
 */
export function decodeTbsCertificate(raw: Uint8Array): TbsCertificate {
  return asCertificate(() => {
    checkDer(raw);
    return readTbsCertificate(raw);
  });
}

/**
 * Lower-case hexadecimal of the magnitude: `0a3f`. Of even length, `00` for zero. All leading zero octets go, so
 * that a number drawn at random and the same number read from a certificate have one name.
 */
export function serialNumberHex(serialNumber: Uint8Array): string {
  const start = serialNumber.findIndex((octet) => octet !== 0);
  return Buffer.from(serialNumber.subarray(start === -1 ? -1 : start)).toString("hex");
}
