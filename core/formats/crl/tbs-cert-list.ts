/** Room: core/formats. TBSCertList (RFC 5280 §5.1.2): the octets of a CRL that an authority signs. Version 2. */
import type { SignatureAlgorithm } from "../algorithms.ts";
import { DerCursor } from "../der/cursor.ts";
import { checkDer } from "../der/structure.ts";
import { encodeContext, encodeSequence, encodeSmallInteger, encodeTimeElement } from "../der/writer.ts";
import type { GeneralName } from "../general-name.ts";
import { decodeName } from "../name.ts";
import { type Extension, encodeExtensions, extension } from "../x509/extension.ts";
import { authorityKeyIdentifier } from "../x509/extensions/authority-key-identifier.ts";
import { crlNumber } from "../x509/extensions/crl-number.ts";
import { issuingDistributionPoint } from "../x509/extensions/issuing-distribution-point.ts";
import { asCertificateList, malformedList } from "./malformed.ts";
import { encodeRevokedCertificates, type RevokedCertificate } from "./revoked-certificates.ts";

export interface TbsCertListTemplate {
  readonly signature: SignatureAlgorithm;
  /** The issuing certificate's subject in whole DER: it stands here octet for octet. */
  readonly issuer: Uint8Array;
  /** Milliseconds since the epoch, whole seconds. */
  readonly thisUpdate: number;
  /** Later than `thisUpdate`. */
  readonly nextUpdate: number;
  /** In the order they will stand in; none leaves the field out. */
  readonly revoked: readonly RevokedCertificate[];
  /** The issuing certificate's subjectKeyIdentifier. */
  readonly authorityKeyIdentifier: Uint8Array;
  /** CRLNumber: from 1, each list of a scope higher than the one before. */
  readonly number: number;
  /** What cRLDistributionPoints of the certificates name. Absent: the list speaks of all of the issuer's. */
  readonly distributionPoint?: readonly GeneralName[];
}

// RFC 5280 §5.1.2.1: extensions make it v2, which is encoded as 1.
const version2 = encodeSmallInteger(1);

/** RFC 5280 §5.1.2.3: the issuer is a name that is not empty. */
export function checkIssuer(issuer: Uint8Array): Uint8Array {
  const cursor = DerCursor.over(issuer);
  const name = decodeName(cursor);
  cursor.done();
  if (name.length === 0) throw malformedList("issuer is empty (RFC 5280 §5.1.2.3)");
  return issuer;
}

function encodeTimes({ thisUpdate, nextUpdate }: TbsCertListTemplate): readonly Buffer[] {
  if (!(nextUpdate > thisUpdate)) {
    throw malformedList(`nextUpdate ${nextUpdate} is not later than thisUpdate ${thisUpdate}`);
  }
  // RFC 5280 §5.1.2.5: a CRL always has its nextUpdate, though X.509 makes it optional.
  return [encodeTimeElement(thisUpdate), encodeTimeElement(nextUpdate)];
}

function extensionsOf(template: TbsCertListTemplate): readonly Extension[] {
  const { number, distributionPoint } = template;
  if (!Number.isSafeInteger(number) || number < 1) {
    throw malformedList(`number ${number} is not a whole one from 1 to ${Number.MAX_SAFE_INTEGER}`);
  }
  // RFC 5280 §5.2.1, §5.2.3: every CRL has both, not critical. §5.2.5: the distribution point is critical.
  const always = [
    extension(authorityKeyIdentifier, { keyIdentifier: template.authorityKeyIdentifier }, false),
    extension(crlNumber, BigInt(number), false),
  ];
  return distributionPoint === undefined
    ? always
    : [...always, extension(issuingDistributionPoint, { fullName: distributionPoint }, true)];
}

/**
 * The DER of a version 2 TBSCertList.
 * @throws AppError crl_malformed: serial number length, a time that is no whole second, a number out of range, a
 * name that cannot be encoded.
 * @throws AppError der_too_large: more entries than an element holds, some 16 MiB of them.
 */
export function encodeTbsCertList(template: TbsCertListTemplate): Buffer {
  return asCertificateList(() => encodeFields(template), ["der_too_large"]);
}

function encodeFields(template: TbsCertListTemplate): Buffer {
  const { revoked } = template;
  checkDer(template.issuer);
  return encodeSequence(
    version2,
    template.signature.identifier,
    checkIssuer(template.issuer),
    ...encodeTimes(template),
    // RFC 5280 §5.1.2.6: when nothing is revoked, the field is absent.
    ...(revoked.length === 0 ? [] : [encodeRevokedCertificates(revoked)]),
    encodeContext(0, encodeExtensions(extensionsOf(template))),
  );
}
