/**
 * Room: core/distribution. Who signed a trust manifest: the JWS, the certificate in its header, and whether a root
 * has certified that key for this purpose.
 */
import { isAppError } from "../errors.ts";
import { jwkThumbprint, publicJwk } from "../formats/jwk.ts";
import { type DecodedJws, decodeJws, verifyJws } from "../formats/jws.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey } from "../formats/spki.ts";
import {
  type Certificate,
  decodeCertificate,
  verifyCertificateSignature,
} from "../formats/x509/certificate.ts";
import { decodedExtension } from "../formats/x509/extension.ts";
import {
  basicConstraints,
  extendedKeyUsage,
  extensionTypes,
  keyPurposes,
  keyUsage,
} from "../formats/x509/extensions/index.ts";
import { decodeManifest, malformedManifest } from "./manifest-decoding.ts";
import { manifestCharacters, manifestTokenType, type TrustManifest } from "./trust-manifest.ts";

/** A manifest as it was read. Nothing of it is to be believed yet. */
export interface UnverifiedManifest {
  readonly text: string;
  readonly manifest: TrustManifest;
  readonly jws: DecodedJws;
  /** Of the key that should have signed; the thumbprint of `signerKey`. */
  readonly kid: string;
  readonly signer: Certificate;
  readonly signerKey: SubjectPublicKey;
}

/** RFC 7515 §4.1.6: base64 of DER, the signer's own certificate first. Ours stands alone: a root signed it. */
function signerCertificate(header: DecodedJws["header"]): Certificate {
  const x5c = header["x5c"];
  const [encoded, ...others] = Array.isArray(x5c) ? (x5c as readonly unknown[]) : [];
  if (typeof encoded !== "string" || others.length > 0)
    throw malformedManifest('"x5c" of its header is not one certificate');
  const der = Buffer.from(encoded, "base64");
  if (der.toString("base64") !== encoded) throw malformedManifest('"x5c" of its header is not base64');
  return decodeCertificate(der);
}

function read(text: string): UnverifiedManifest {
  const jws = decodeJws(text, manifestCharacters);
  // RFC 8725 §3.11: one kind of JWS is never taken for another.
  if (jws.header["typ"] !== manifestTokenType)
    throw malformedManifest(`"typ" of its header is not "${manifestTokenType}"`);
  const signer = signerCertificate(jws.header);
  const signerKey = decodeSubjectPublicKey(signer.tbs.subjectPublicKeyInfo);
  const kid = jwkThumbprint(publicJwk(signerKey));
  if (jws.header["kid"] !== kid) throw malformedManifest('"kid" of its header is not the signer\'s key');
  return { text, manifest: decodeManifest(jws.payload), jws, kid, signer, signerKey };
}

/** Reads; verifies nothing. @throws AppError trust_malformed. */
export function readManifest(text: string): UnverifiedManifest {
  try {
    return read(text);
  } catch (error) {
    if (!isAppError(error) || error.code === "trust_malformed") throw error;
    throw malformedManifest(error.message, { cause: error });
  }
}

/** True when the key that the header names has signed. Whether that key may is another question. */
export const isSigned = ({ jws, signerKey }: UnverifiedManifest): Promise<boolean> =>
  verifyJws(jws, signerKey);

/** RFC 5280 §4.2: whoever does not know a critical extension does not take the certificate. */
function maySignManifests({ tbs }: Certificate): boolean {
  if (tbs.extensions.some(({ oid, critical }) => critical && !extensionTypes.has(oid))) return false;
  return (
    decodedExtension(tbs, basicConstraints)?.cA !== true &&
    decodedExtension(tbs, keyUsage)?.has("digitalSignature") === true &&
    // RFC 9336: no key that was certified for another purpose.
    decodedExtension(tbs, extendedKeyUsage)?.includes(keyPurposes.documentSigning) === true
  );
}

/**
 * True when `cross` (DER) is another root's key in a certificate that `root` (DER) has signed, in force at `now`
 * (milliseconds since the epoch). An issuing authority's certificate is none: its path length is 0.
 * @throws AppError: one of the two cannot be read.
 */
export async function isCrossCertificate(cross: Uint8Array, root: Uint8Array, now: number): Promise<boolean> {
  const [certificate, { tbs: above }] = [decodeCertificate(cross), decodeCertificate(root)];
  const { tbs } = certificate;
  const constraints = decodedExtension(tbs, basicConstraints);
  return (
    tbs.extensions.every(({ oid, critical }) => !critical || extensionTypes.has(oid)) &&
    constraints?.cA === true &&
    constraints.pathLenConstraint === undefined &&
    decodedExtension(tbs, keyUsage)?.has("keyCertSign") === true &&
    tbs.validity.notBefore <= now &&
    now <= tbs.validity.notAfter &&
    Buffer.compare(above.subjectRaw, tbs.issuerRaw) === 0 &&
    (await verifyCertificateSignature(certificate, decodeSubjectPublicKey(above.subjectPublicKeyInfo)))
  );
}

/** True when `root` (DER) itself has certified the signer for this purpose; an issuing authority's word is not enough. */
export async function isCertifiedBy({ signer }: UnverifiedManifest, root: Uint8Array): Promise<boolean> {
  const { tbs } = decodeCertificate(root);
  if (Buffer.compare(tbs.subjectRaw, signer.tbs.issuerRaw) !== 0 || !maySignManifests(signer)) return false;
  return await verifyCertificateSignature(signer, decodeSubjectPublicKey(tbs.subjectPublicKeyInfo));
}
