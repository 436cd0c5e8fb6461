/** Room: test/support. A device: a key of any subject algorithm, made by node:crypto, and its CSR. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { type SignatureAlgorithm, signatureAlgorithms } from "../../core/formats/algorithms.ts";
import {
  assembleCertificationRequest,
  encodeCertificationRequestInfo,
} from "../../core/formats/certification-request-encoder.ts";
import { name } from "../../core/formats/name.ts";
import type { Extension } from "../../core/formats/x509/extension.ts";

export interface DeviceKey {
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
  readonly signature: SignatureAlgorithm;
}

const rsa = (modulusLength: number) => generateKeyPairSync("rsa", { modulusLength });

const makers = {
  "P-256": [
    () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    signatureAlgorithms["ecdsa-with-SHA256"],
  ],
  "P-384": [
    () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
    signatureAlgorithms["ecdsa-with-SHA384"],
  ],
  Ed25519: [() => generateKeyPairSync("ed25519"), signatureAlgorithms.Ed25519],
  "RSA-2048": [() => rsa(2048), signatureAlgorithms.sha256WithRSAEncryption],
  "RSA-3072": [() => rsa(3072), signatureAlgorithms.sha256WithRSAEncryption],
  "RSA-4096": [() => rsa(4096), signatureAlgorithms.sha512WithRSAEncryption],
  "ML-DSA-44": [() => generateKeyPairSync("ml-dsa-44"), signatureAlgorithms["ML-DSA-44"]],
  "ML-DSA-65": [() => generateKeyPairSync("ml-dsa-65"), signatureAlgorithms["ML-DSA-65"]],
  "ML-DSA-87": [() => generateKeyPairSync("ml-dsa-87"), signatureAlgorithms["ML-DSA-87"]],
} as const;

export type DeviceAlgorithm = keyof typeof makers;
export const deviceAlgorithms = Object.keys(makers) as readonly DeviceAlgorithm[];

export function deviceKey(algorithm: DeviceAlgorithm = "P-256"): DeviceKey {
  const [make, signature] = makers[algorithm];
  const { privateKey, publicKey } = make();
  return { privateKey, spki: publicKey.export({ type: "spki", format: "der" }), signature };
}

export interface CsrContent {
  /** Common name; none when absent. */
  readonly commonName?: string;
  readonly extensions?: readonly Extension[];
}

/** DER, signed by the key itself. */
export function deviceCsr(key: DeviceKey, content: CsrContent = {}): Buffer {
  const { commonName, extensions = [] } = content;
  const info = encodeCertificationRequestInfo({
    subject: commonName === undefined ? [] : name([["commonName", commonName]]),
    subjectPublicKeyInfo: key.spki,
    extensions,
  });
  return assembleCertificationRequest(info, key.signature, sign(key.signature.digest, info, key.privateKey));
}
