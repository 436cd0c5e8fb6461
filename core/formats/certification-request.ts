/**
 * Room: core/formats. PKCS#10 certification requests (RFC 2986). `verifyCsr` is the only maker of a
 * `VerifiedCsr`: issuance accepts nothing else, so no certificate exists without proof of possession.
 */
import { hash } from "node:crypto";
import { AppError, type ErrorCode, isAppError } from "../errors.ts";
import { type SignatureAlgorithm, signatureAlgorithmOf, signatureAlgorithms } from "./algorithms.ts";
import { decodeRequestedExtensions, type RequestedExtensions } from "./certification-request-attributes.ts";
import { DerCursor } from "./der/cursor.ts";
import { checkDer, type DerLimits } from "./der/structure.ts";
import { decodeName, type Name } from "./name.ts";
import { verifySignature } from "./signature.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey } from "./spki.ts";
import { checkKeyStrength } from "./weak-keys.ts";

export type { RequestedExtensions } from "./certification-request-attributes.ts";
export {
  assembleCertificationRequest,
  type CertificationRequestTemplate,
  encodeCertificationRequestInfo,
} from "./certification-request-encoder.ts";

export interface CertificationRequest {
  /** The whole request, DER; a copy that the caller of `verifyCsr` cannot change. */
  readonly raw: Uint8Array;
  readonly subject: Name;
  readonly publicKey: SubjectPublicKey;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly requested: RequestedExtensions;
  /** SHA-256 of `raw`, 64 lowercase hex digits. */
  readonly digest: string;
}

const verified: unique symbol = Symbol("verified");

/** A request whose proof of possession has been verified. */
export type VerifiedCsr = CertificationRequest & { readonly [verified]: true };

/** The largest honest request, ML-DSA-87 with a dozen names, has about 8 KiB, 7 levels and 100 elements. */
export const csrLimits: DerLimits = { maxBytes: 16_384, maxDepth: 12, maxElements: 512 };

/** A request is refused in its own words, whichever reader found the fault. */
const csrCodes: Partial<Record<ErrorCode, ErrorCode>> = {
  der_too_large: "csr_too_large",
  der_too_deep: "csr_too_deep",
  der_malformed: "csr_malformed",
  certificate_malformed: "csr_malformed",
};

function inCsrCodes<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    const code = isAppError(cause) ? csrCodes[cause.code] : undefined;
    if (code === undefined || !isAppError(cause)) throw cause;
    throw new AppError(code, `certification request: ${cause.message}`, { cause });
  }
}

interface Outer {
  /** CertificationRequestInfo as received: the octets that the signature covers. */
  readonly info: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

function readSignatureAlgorithm(identifier: Uint8Array): SignatureAlgorithm {
  const row = signatureAlgorithmOf(identifier);
  if (row !== undefined) return row;
  const oid = DerCursor.inSequence(identifier).oid();
  const supported = Object.keys(signatureAlgorithms).join(", ");
  throw new AppError(
    "csr_algorithm_unsupported",
    `signature algorithm ${oid} is not supported with these parameters; use one of ${supported}`,
  );
}

function readOuter(raw: Uint8Array): Outer {
  const fields = DerCursor.inSequence(raw);
  const info = fields.element().raw;
  const signatureAlgorithm = readSignatureAlgorithm(fields.element().raw);
  const signature = fields.bitString();
  fields.done();
  return { info, signatureAlgorithm, signature };
}

function checkVersion(version: Uint8Array): void {
  // RFC 2986 §4.1: v1(0) is the only version.
  if (version.length === 1 && version[0] === 0) return;
  const value = Buffer.from(version.subarray(0, 4)).toString("hex");
  throw new AppError(
    "csr_version_unsupported",
    `request version 0x${value} is not 0, which means PKCS#10 v1`,
  );
}

function enterAttributes(info: DerCursor): DerCursor {
  const attributes = info.optionalContext(0);
  if (attributes !== undefined) return attributes;
  // RFC 2986 §4.1: not OPTIONAL. OpenSSL forgives its absence, crypto/x509 of Go and Mbed TLS do not.
  throw new AppError(
    "csr_malformed",
    "certification request has no attributes; encode an empty set as a0 00",
  );
}

function checkSuits(row: SignatureAlgorithm, key: SubjectPublicKey): void {
  if (row.keyType === key.algorithm.keyType) return;
  const suitable = Object.values(signatureAlgorithms).filter(
    ({ keyType }) => keyType === key.algorithm.keyType,
  );
  throw new AppError(
    "csr_algorithm_unsupported",
    `signature algorithm ${row.id} does not suit a key of ${key.algorithm.id}; use ${suitable.map(({ id }) => id).join(" or ")}`,
  );
}

/** Everything but the signature: what is cheap to refuse is refused first. */
function decode(raw: Uint8Array): CertificationRequest & { readonly outer: Outer } {
  checkDer(raw, csrLimits);
  const outer = readOuter(raw);
  const info = DerCursor.inSequence(outer.info);
  checkVersion(info.integer());
  const subject = decodeName(info);
  const subjectPublicKeyInfo = info.element().raw;
  const requested = decodeRequestedExtensions(enterAttributes(info));
  info.done();
  const publicKey = decodeSubjectPublicKey(subjectPublicKeyInfo);
  checkSuits(outer.signatureAlgorithm, publicKey);
  checkKeyStrength(publicKey);
  const digest = hash("sha256", raw, "hex");
  return { raw, subject, publicKey, signatureAlgorithm: outer.signatureAlgorithm, requested, digest, outer };
}

/**
 * Decodes a DER request, judges its key and verifies its proof of possession over the received
 * CertificationRequestInfo, on the thread pool.
 * @throws AppError csr_too_large, csr_too_deep, csr_malformed, csr_version_unsupported,
 * csr_algorithm_unsupported, csr_attribute_duplicate, csr_extension_duplicate, key_unsupported,
 * key_malformed, key_weak, csr_signature_invalid.
 */
export async function verifyCsr(der: Uint8Array): Promise<VerifiedCsr> {
  // Refuse the size before copying it. The copy keeps what was verified from changing under our hands.
  const raw = der.length > csrLimits.maxBytes ? der : Buffer.from(der);
  const { outer, ...request } = inCsrCodes(() => decode(raw));
  const { info, signatureAlgorithm, signature } = outer;
  if (!(await verifySignature(signatureAlgorithm, info, request.publicKey.keyObject, signature))) {
    throw new AppError(
      "csr_signature_invalid",
      "CSR signature does not verify under its own public key; sign the request with the key it carries",
    );
  }
  return { ...request, [verified]: true };
}
