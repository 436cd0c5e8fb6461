/**
 * Room: core/formats. SubjectPublicKeyInfo (RFC 5280 §4.1.2.7): one accepted encoding per key, and the
 * node:crypto key made from it. Stricter than the RFCs: uncompressed points only, parameters exactly as in
 * the algorithm's row.
 */
import { createPublicKey, hash, type KeyObject } from "node:crypto";
import { AppError, isAppError } from "../errors.ts";
import { type KeyAlgorithm, keyAlgorithmOf, keyAlgorithms } from "./algorithms.ts";
import { DerCursor } from "./der/cursor.ts";
import { tag } from "./der/tag.ts";
import { bitLength, decodeRsaPublicKey, type RsaPublicKey } from "./rsa-public-key.ts";

export interface SubjectPublicKey {
  readonly algorithm: KeyAlgorithm;
  /** The whole SubjectPublicKeyInfo as received; exporting `keyObject` gives the same octets. */
  readonly der: Uint8Array;
  readonly keyObject: KeyObject;
  /** RSA only. */
  readonly modulusBits?: number;
  /** RFC 7093 §2 (1): leftmost 160 bits of the SHA-256 of the subjectPublicKey BIT STRING's content. */
  readonly keyIdentifier: Buffer;
  /** SHA-256 of `der`, 64 lowercase hex digits. */
  readonly fingerprint: string;
}

const supported = Object.keys(keyAlgorithms).join(", ");

function unsupported(identifier: Uint8Array): AppError {
  const fields = DerCursor.inSequence(identifier);
  const oid = fields.oid();
  const parameters = fields.peek() === tag.oid ? ` with parameters ${fields.oid()}` : "";
  return new AppError(
    "key_unsupported",
    `key algorithm ${oid}${parameters} is not supported; use one of ${supported}`,
  );
}

/** RFC 5480 §2.2, narrowed: compressed and hybrid points and the point at infinity are refused. */
function checkPoint(algorithm: KeyAlgorithm, key: Uint8Array): void {
  if (algorithm.namedCurve === undefined || key[0] === 0x04) return;
  throw new AppError("key_malformed", `${algorithm.id} point is not uncompressed; encode it as 04 || X || Y`);
}

/** RFC 8032 §5.1.3: y ≥ 2^255 − 19 does not decode; OpenSSL would take it modulo p, giving one key two names. */
function checkEdwards(algorithm: KeyAlgorithm, key: Uint8Array): void {
  if (algorithm.keyType !== "ed25519" || (key[0] ?? 0) < 0xed || ((key[31] ?? 0) & 0x7f) !== 0x7f) return;
  if (key.subarray(1, 31).every((octet) => octet === 0xff)) {
    throw new AppError("key_malformed", "Ed25519 key is not canonical: its y is 2^255 - 19 or more");
  }
}

function checkFixedLength(algorithm: KeyAlgorithm, key: Uint8Array): void {
  const wanted = algorithm.publicKeyOctets;
  if (wanted === undefined) return;
  checkPoint(algorithm, key);
  if (key.length !== wanted) {
    throw new AppError(
      "key_malformed",
      `${algorithm.id} key of ${key.length} octets; it has exactly ${wanted}`,
    );
  }
  checkEdwards(algorithm, key);
}

/**
 * node:crypto tries its argument against each kind of key it knows and drops an error, stack and all, for each
 * that it is not; capturing four stacks takes as long as decoding the key.
 */
function withoutStacks<Value>(act: () => Value): Value {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return act();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** The provider refuses what only it can judge: points off their curve, coordinates of p or more. */
function importKey(algorithm: KeyAlgorithm, der: Uint8Array): KeyObject {
  try {
    return withoutStacks(() => createPublicKey({ key: asBuffer(der), format: "der", type: "spki" }));
  } catch (cause) {
    throw new AppError("key_malformed", `${algorithm.id} key is not valid: not a point of the curve`, {
      cause,
    });
  }
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

interface Fields {
  readonly algorithm: KeyAlgorithm;
  readonly subjectPublicKey: Uint8Array;
}

function readFields(der: Uint8Array): Fields {
  const fields = DerCursor.inSequence(der);
  const identifier = fields.element().raw;
  const algorithm = keyAlgorithmOf(identifier);
  if (algorithm === undefined) throw unsupported(identifier);
  const subjectPublicKey = fields.bitString();
  fields.done();
  return { algorithm, subjectPublicKey };
}

function readKey(der: Uint8Array): Fields & { readonly rsa: RsaPublicKey | undefined } {
  try {
    const fields = readFields(der);
    checkFixedLength(fields.algorithm, fields.subjectPublicKey);
    const rsa = fields.algorithm.keyType === "rsa" ? decodeRsaPublicKey(fields.subjectPublicKey) : undefined;
    return { ...fields, rsa };
  } catch (cause) {
    if (!isAppError(cause, "der_malformed")) throw cause;
    throw new AppError("key_malformed", `subjectPublicKeyInfo is ${cause.message}`, { cause });
  }
}

/**
 * Reads and imports a SubjectPublicKeyInfo. Each key has exactly one accepted encoding, so equal keys have
 * equal fingerprints. Strength is not judged: call `checkKeyStrength`.
 * @throws AppError key_unsupported: no row has this AlgorithmIdentifier.
 * @throws AppError key_malformed: not DER, wrong length, not a point of its curve, a number not positive.
 */
export function decodeSubjectPublicKey(der: Uint8Array): SubjectPublicKey {
  const { algorithm, subjectPublicKey, rsa } = readKey(der);
  return {
    algorithm,
    der,
    keyObject: importKey(algorithm, der),
    ...(rsa === undefined ? {} : { modulusBits: bitLength(rsa.modulus) }),
    keyIdentifier: hash("sha256", subjectPublicKey, "buffer").subarray(0, 20),
    fingerprint: hash("sha256", der, "hex"),
  };
}

/** The RSAPublicKey inside a key already decoded; undefined for other algorithms. */
export function rsaPublicKeyOf(key: SubjectPublicKey): RsaPublicKey | undefined {
  return key.algorithm.keyType === "rsa"
    ? decodeRsaPublicKey(readFields(key.der).subjectPublicKey)
    : undefined;
}

/** Content of the subjectPublicKey BIT STRING of a key already decoded. */
export function subjectPublicKeyOf(key: SubjectPublicKey): Uint8Array {
  return readFields(key.der).subjectPublicKey;
}
