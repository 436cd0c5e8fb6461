/** Room: cli. One OCSP question and what is checked of its answer (RFC 6960 §3.2, RFC 9654) before it is believed. */
import { type CertId, type CertIdHash, certIdOf, encodeCertId } from "../core/formats/ocsp/cert-id.ts";
import { encodeOcspRequest } from "../core/formats/ocsp/request.ts";
import {
  type BasicOcspResponse,
  decodeOcspResponse,
  ocspResponseStatus,
  type SingleResponse,
  verifyBasicResponseSignature,
} from "../core/formats/ocsp/response.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey, subjectPublicKeyOf } from "../core/formats/spki.ts";
import {
  type Certificate,
  decodeCertificate,
  verifyCertificateSignature,
} from "../core/formats/x509/certificate.ts";
import { decodedExtension } from "../core/formats/x509/extension.ts";
import {
  extendedKeyUsage,
  extensionTypes,
  keyPurposes,
  ocspNoCheck,
} from "../core/formats/x509/extensions/index.ts";
import { clockSkewMilliseconds, isoTime, subjectText } from "./certificate-list.ts";
import { Failure } from "./failure.ts";
import { untrusted } from "./untrusted.ts";

export interface OcspQuestion {
  readonly certId: CertId;
  readonly issuer: Certificate;
  readonly nonce?: Uint8Array;
  /** OCSPRequest, DER. */
  readonly request: Uint8Array;
}

const keyOf = ({ tbs }: Certificate): SubjectPublicKey => decodeSubjectPublicKey(tbs.subjectPublicKeyInfo);

export function ocspQuestion(
  issuer: Certificate,
  serialNumber: string,
  { hash, nonce }: { readonly hash: CertIdHash; readonly nonce?: Uint8Array },
): OcspQuestion {
  const certId = certIdOf(hash, issuer.tbs.subjectRaw, subjectPublicKeyOf(keyOf(issuer)), serialNumber);
  const asked = nonce === undefined ? {} : { nonce };
  return { certId, issuer, ...asked, request: encodeOcspRequest({ certIds: [certId], ...asked }) };
}

const refuse = (what: string): Failure =>
  untrusted("ocsp_untrusted", `the OCSP answer ${what}`, "do not rely on it; tell the service's operators");

const refusals: Readonly<Record<number, readonly [name: string, remedy: string]>> = {
  [ocspResponseStatus.malformedRequest]: ["malformedRequest", "is the service of the same version?"],
  [ocspResponseStatus.internalError]: ["internalError", "tell the service's operators"],
  [ocspResponseStatus.tryLater]: ["tryLater", "run the same command again in a moment"],
  [ocspResponseStatus.sigRequired]: [
    "sigRequired",
    "check --url: the service of a fleet asks for no signature",
  ],
  [ocspResponseStatus.unauthorized]: [
    "unauthorized",
    "the authority never issued this serial number, or it is not one of this fleet's; check --serial, --issuer and --fleet",
  ],
};

/** RFC 6960 §2.3: a refusal is signed by nobody. */
function successful(octets: Uint8Array): BasicOcspResponse {
  const response = decodeOcspResponse(octets);
  if (response.status === ocspResponseStatus.successful) return response;
  const [name, remedy] = refusals[response.status] ?? ["unknown", "check --url"];
  throw new Failure("refused", `ocsp_${name}`, `the OCSP responder answered ${name}`, { remedy });
}

/** RFC 6960 §4.2.1: whom the answer names as its signer, by key or by name. */
function isNamed({ responderKeyHash, responderName }: BasicOcspResponse, candidate: Certificate): boolean {
  const { subjectRaw } = candidate.tbs;
  if (responderName !== undefined) return Buffer.compare(responderName, subjectRaw) === 0;
  // RFC 6960 §4.2.1: SHA-1 of the key names it and protects nothing.
  const { issuerKeyHash } = certIdOf("SHA-1", subjectRaw, subjectPublicKeyOf(keyOf(candidate)), "00");
  return responderKeyHash !== undefined && Buffer.compare(responderKeyHash, issuerKeyHash) === 0;
}

/** RFC 6960 §4.2.2.2: signed by the very authority, for this purpose, in force. */
async function isDelegated(candidate: Certificate, issuer: Certificate, now: number): Promise<boolean> {
  const { tbs } = candidate;
  const { notBefore, notAfter } = tbs.validity;
  return (
    Buffer.compare(tbs.issuerRaw, issuer.tbs.subjectRaw) === 0 &&
    tbs.extensions.every(({ oid, critical }) => !critical || extensionTypes.has(oid)) &&
    decodedExtension(tbs, extendedKeyUsage)?.includes(keyPurposes.OCSPSigning) === true &&
    // §4.2.2.2.1: nobody is asked about the responder itself, so its authority must have said that this will do.
    decodedExtension(tbs, ocspNoCheck) === true &&
    notBefore <= now &&
    now <= notAfter &&
    (await verifyCertificateSignature(candidate, keyOf(issuer)))
  );
}

async function signerOf(response: BasicOcspResponse, issuer: Certificate, now: number): Promise<Certificate> {
  if (isNamed(response, issuer)) return issuer;
  for (const candidate of response.certificates.map(decodeCertificate))
    if (isNamed(response, candidate) && (await isDelegated(candidate, issuer, now))) return candidate;
  throw refuse("is signed by nobody whom the certificate's authority has delegated");
}

function singleOf({ responses }: BasicOcspResponse, certId: CertId): SingleResponse {
  const wanted = encodeCertId(certId);
  const [single, ...others] = responses.filter(
    (each) => Buffer.compare(encodeCertId(each.certId), wanted) === 0,
  );
  if (single !== undefined && others.length === 0) return single;
  throw refuse("is about another certificate");
}

function assertTimes({ thisUpdate, nextUpdate }: SingleResponse, now: number): void {
  if (thisUpdate <= now + clockSkewMilliseconds && nextUpdate !== undefined && now < nextUpdate) return;
  const end = nextUpdate === undefined ? "without an end" : `to ${isoTime(nextUpdate)}`;
  throw refuse(`is from ${isoTime(thisUpdate)} ${end}, and not of now; is this machine's clock right?`);
}

function assertNonce({ nonce: asked }: OcspQuestion, { nonce }: BasicOcspResponse): void {
  // RFC 9654 §2.1: without a nonce, nothing ties an answer to its question but time.
  if (asked === undefined) return;
  if (nonce === undefined) throw refuse("has no nonce; it may be an old one");
  if (Buffer.compare(asked, nonce) !== 0) throw refuse("has another nonce than was asked with");
}

export interface OcspAnswer extends SingleResponse {
  readonly producedAt: number;
  /** Who signed it, by common name. */
  readonly responder: string;
}

/**
 * The status that `octets` prove, at `now`. Throws `ocsp_untrusted` (exit `untrusted`) for what proves nothing,
 * `ocsp_tryLater` and the like for a refusal; AppError for what cannot be read.
 */
export async function provedStatus(
  question: OcspQuestion,
  octets: Uint8Array,
  now: number,
): Promise<OcspAnswer> {
  const response = successful(octets);
  const signer = await signerOf(response, question.issuer, now);
  if (!(await verifyBasicResponseSignature(response, keyOf(signer))))
    throw refuse("has a signature that does not verify");
  assertNonce(question, response);
  const single = singleOf(response, question.certId);
  assertTimes(single, now);
  return { ...single, producedAt: response.producedAt, responder: subjectText(signer.tbs.subjectRaw) };
}
