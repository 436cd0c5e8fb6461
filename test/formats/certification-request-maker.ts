/** Makes certification requests, honest and crooked, for the tests of this folder. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import {
  type KeyAlgorithmId,
  type SignatureAlgorithm,
  signatureAlgorithms,
} from "../../core/formats/algorithms.ts";
import { assembleCertificationRequest, verifyCsr } from "../../core/formats/certification-request.ts";
import { tag } from "../../core/formats/der/tag.ts";
import {
  encodeContext,
  encodeOidElement,
  encodeSequence,
  encodeSetOf,
  encodeSmallInteger,
  encodeStringElement,
} from "../../core/formats/der/writer.ts";
import { encodeName, name } from "../../core/formats/name.ts";
import { type Extension, encodeExtensions, extension } from "../../core/formats/x509/extension.ts";
import { basicConstraints } from "../../core/formats/x509/extensions/basic-constraints.ts";
import { extendedKeyUsage } from "../../core/formats/x509/extensions/extended-key-usage.ts";
import { keyUsage } from "../../core/formats/x509/extensions/key-usage.ts";
import { subjectAltName } from "../../core/formats/x509/extensions/subject-alt-name.ts";

export const encodeUtf8String = (text: string): Buffer => encodeStringElement(tag.utf8String, text);

export interface Subject {
  readonly row: SignatureAlgorithm;
  readonly privateKey: KeyObject;
  readonly spki: Buffer;
}

interface KeyMaker {
  readonly row: SignatureAlgorithm;
  readonly make: () => { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
}

const makers: Readonly<Record<KeyAlgorithmId, KeyMaker>> = {
  "P-256": {
    row: signatureAlgorithms["ecdsa-with-SHA256"],
    make: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  },
  "P-384": {
    row: signatureAlgorithms["ecdsa-with-SHA384"],
    make: () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  },
  Ed25519: { row: signatureAlgorithms.Ed25519, make: () => generateKeyPairSync("ed25519") },
  RSA: {
    row: signatureAlgorithms.sha256WithRSAEncryption,
    make: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  },
  "ML-DSA-44": { row: signatureAlgorithms["ML-DSA-44"], make: () => generateKeyPairSync("ml-dsa-44") },
  "ML-DSA-65": { row: signatureAlgorithms["ML-DSA-65"], make: () => generateKeyPairSync("ml-dsa-65") },
  "ML-DSA-87": { row: signatureAlgorithms["ML-DSA-87"], make: () => generateKeyPairSync("ml-dsa-87") },
};

export const isSubjectAlgorithm = (id: string): id is KeyAlgorithmId => id in makers;
export const subjectAlgorithms: readonly KeyAlgorithmId[] = Object.keys(makers).filter(isSubjectAlgorithm);

/** A subject of a pair that node:crypto generated. */
export function subjectOf(
  row: SignatureAlgorithm,
  pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
): Subject {
  return { row, privateKey: pair.privateKey, spki: pair.publicKey.export({ type: "spki", format: "der" }) };
}

export function makeSubject(id: KeyAlgorithmId): Subject {
  const { row, make } = makers[id];
  return subjectOf(row, make());
}

export const deviceName = encodeName(name([["commonName", "pump-0001"]]));

export const usualExtensions: readonly Extension[] = [
  extension(
    subjectAltName,
    [{ kind: "uniformResourceIdentifier", value: "spiffe://fleet.example/fleet/a/device/pump-0001" }],
    false,
  ),
  extension(basicConstraints, { cA: false }, true),
  extension(keyUsage, new Set(["digitalSignature"] as const), true),
  extension(extendedKeyUsage, ["1.3.6.1.5.5.7.3.2"], false),
];

export const attribute = (oid: string, ...values: readonly Uint8Array[]): Buffer =>
  encodeSequence(encodeOidElement(oid), encodeSetOf(...values));

export const extensionRequest = (...extensions: readonly Extension[]): Buffer =>
  attribute("1.2.840.113549.1.9.14", encodeExtensions(extensions));

export interface InfoParts {
  readonly version?: Uint8Array;
  readonly subject?: Uint8Array;
  readonly spki: Uint8Array;
  /** Whole attributes, in the order they shall stand; `null` leaves the field out. */
  readonly attributes?: readonly Uint8Array[] | null;
}

/** CertificationRequestInfo of parts given as they are, right or wrong. */
export function requestInfo(parts: InfoParts): Buffer {
  const attributes = parts.attributes === null ? [] : [encodeContext(0, ...(parts.attributes ?? []))];
  return encodeSequence(
    parts.version ?? encodeSmallInteger(0),
    parts.subject ?? deviceName,
    parts.spki,
    ...attributes,
  );
}

/** The request around `info`, signed properly. */
export function signRequest(info: Uint8Array, subject: Subject, row = subject.row): Buffer {
  return assembleCertificationRequest(info, row, sign(row.digest, info, subject.privateKey));
}

/** A properly signed request of `subject`. */
export const makeRequest = (subject: Subject, parts: Omit<InfoParts, "spki"> = {}): Buffer =>
  signRequest(requestInfo({ ...parts, spki: subject.spki }), subject);

/** The code that refuses `der`, or "accepted"; anything but an AppError is thrown on. */
export async function verdictOn(der: Uint8Array): Promise<string> {
  try {
    await verifyCsr(der);
    return "accepted";
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}
