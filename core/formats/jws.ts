/**
 * Room: core/formats. JSON Web Signatures in compact form (RFC 7515 §7.1), signed remotely: signing input, then
 * signature, then assembly. Reading is strict; the algorithm that verifies is the key's, never the header's.
 */
import { AppError } from "../errors.ts";
import { type AuthorityAlgorithm, authorityAlgorithms } from "./algorithms.ts";
import { DerCursor } from "./der/cursor.ts";
import { malformed } from "./der/header.ts";
import { encodeSequence, encodeUnsignedInteger } from "./der/writer.ts";
import { repeatedMember } from "./json-members.ts";
import { jwkAlgorithm } from "./jwk.ts";
import { verifySignature } from "./signature.ts";
import type { SubjectPublicKey } from "./spki.ts";

export interface DecodedJws {
  /** The protected header: no member stands twice, `alg` is a string. */
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Uint8Array;
  /** The octets that are signed. */
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

const defaultMaximumOctets = 65_536;

const malformedJws = (what: string, options?: ErrorOptions): AppError =>
  new AppError("jws_malformed", `not a compact JWS: ${what}`, options);

const asBuffer = (octets: Uint8Array): Buffer =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);

/** RFC 7515 §5.1: ASCII(BASE64URL(UTF8(header)) || "." || BASE64URL(payload)). */
export function jwsSigningInput(header: object, payload: Uint8Array): Buffer {
  const encodedHeader = Buffer.from(JSON.stringify(header), "utf8").toString("base64url");
  return Buffer.from(`${encodedHeader}.${asBuffer(payload).toString("base64url")}`, "latin1");
}

function coordinate(magnitude: Uint8Array, octets: number): Buffer {
  const start = magnitude[0] === 0 ? 1 : 0;
  const digits = magnitude.subarray(start);
  if ((magnitude[0] ?? 0) >= 0x80 || digits.length > octets)
    throw malformed(0, `ECDSA signature holds a number that is not of ${octets} octets`);
  return Buffer.concat([Buffer.alloc(octets - digits.length), digits]);
}

/** RFC 7518 §3.4: R || S, each of the curve's octets; from the Ecdsa-Sig-Value of RFC 3279 §2.2.3. */
function concatenated(signature: Uint8Array, octets: number): Buffer {
  const fields = DerCursor.inSequence(signature);
  const r = coordinate(fields.integer(), octets);
  const s = coordinate(fields.integer(), octets);
  fields.done();
  return Buffer.concat([r, s]);
}

/**
 * The compact JWS of a signing input and its signature, as KeyService.sign gives it: DER for ECDSA.
 * @throws AppError der_malformed: an ECDSA signature that is not DER, or of another curve.
 */
export function assembleJws(
  signingInput: Uint8Array,
  algorithm: AuthorityAlgorithm,
  signature: Uint8Array,
): string {
  const octets = algorithm.key.coordinateOctets;
  const value = octets === undefined ? asBuffer(signature) : concatenated(signature, octets);
  return `${asBuffer(signingInput).toString("latin1")}.${value.toString("base64url")}`;
}

/** RFC 7515 §2: base64url without padding; RFC 4648 §3.5: padding bits are zero. Node is lenient, so compare. */
function decodePart(name: string, text: string): Buffer {
  const octets = Buffer.from(text, "base64url");
  if (octets.toString("base64url") !== text)
    throw malformedJws(`its ${name} is not canonical base64url without padding`);
  return octets;
}

function parseHeader(octets: Buffer): { readonly text: string; readonly value: unknown } {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
    return { text, value: JSON.parse(text) };
  } catch (cause) {
    // The cause quotes what was sent.
    throw malformedJws("its header is not JSON in UTF-8", {
      cause: cause instanceof Error ? cause.name : cause,
    });
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function decodeHeader(octets: Buffer): Readonly<Record<string, unknown>> {
  const { text, value } = parseHeader(octets);
  if (!isObject(value)) throw malformedJws("its header is not a JSON object");
  // RFC 7515 §4: names are unique; of two, readers would differ on which counts.
  if (repeatedMember(text)) throw malformedJws("its header has a member twice");
  // RFC 7515 §4.1.11: an extension that is not understood is refused, and we understand none.
  if (Object.hasOwn(value, "crit")) throw malformedJws("its header has critical extensions; send none");
  // RFC 7515 §4.1.1.
  if (typeof value["alg"] !== "string") throw malformedJws('its header has no "alg"');
  return value;
}

/**
 * Reads a compact JWS; nothing is verified. At most `maximumOctets` characters, 65,536 where none are named.
 * @throws AppError jws_malformed: too long, not three parts, base64url or JSON that is not strict, a repeated
 * member, any `crit`, no `alg`, no signature.
 */
export function decodeJws(text: string, maximumOctets = defaultMaximumOctets): DecodedJws {
  if (text.length > maximumOctets)
    throw malformedJws(`${text.length} characters exceed the limit of ${maximumOctets}`);
  const parts = text.split(".", 4);
  const [header = "", payload = "", signature = ""] = parts;
  if (parts.length !== 3) throw malformedJws("it has three parts, joined by dots");
  // An unsecured JWS (RFC 7518 §3.6) has none.
  if (signature === "") throw malformedJws("it has no signature");
  return {
    header: decodeHeader(decodePart("header", header)),
    payload: decodePart("payload", payload),
    signingInput: Buffer.from(`${header}.${payload}`, "latin1"),
    signature: decodePart("signature", signature),
  };
}

/** The row whose one signature algorithm is the key's; undefined for keys that no authority may have. */
function rowOf(key: SubjectPublicKey): AuthorityAlgorithm | undefined {
  const rows: readonly AuthorityAlgorithm[] = Object.values(authorityAlgorithms);
  return rows.find((row) => row.key.id === key.algorithm.id && row.modulusBits === key.modulusBits);
}

/** The signature as verifySignature takes it; undefined when its length is not the curve's (RFC 7518 §3.4). */
function nativeSignature(signature: Buffer, row: AuthorityAlgorithm): Buffer | undefined {
  const octets = row.key.coordinateOctets;
  if (octets === undefined) return signature;
  if (signature.length !== 2 * octets) return undefined;
  return encodeSequence(
    encodeUnsignedInteger(signature.subarray(0, octets)),
    encodeUnsignedInteger(signature.subarray(octets)),
  );
}

/**
 * True when `key` signed `jws`. The algorithm is the one of the key's row (RFC 8725 §3.1): false when the header
 * names any other, `none` included, or when no authority may have such a key.
 */
export async function verifyJws(jws: DecodedJws, key: SubjectPublicKey): Promise<boolean> {
  const row = rowOf(key);
  if (row === undefined || jws.header["alg"] !== jwkAlgorithm(row)) return false;
  const signature = nativeSignature(jws.signature, row);
  if (signature === undefined) return false;
  return await verifySignature(row.signature, jws.signingInput, key.keyObject, signature);
}
