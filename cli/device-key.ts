/** Room: cli. Keys that a device makes for itself, and the CSR that proves it holds one. */
import { createPublicKey, generateKeyPair, type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import { type SignatureAlgorithm, signatureAlgorithms } from "../core/formats/algorithms.ts";
import {
  assembleCertificationRequest,
  encodeCertificationRequestInfo,
} from "../core/formats/certification-request.ts";
import { name } from "../core/formats/name.ts";
import { encodePem } from "../core/formats/pem.ts";

const generate = promisify(generateKeyPair);

interface DeviceKeyAlgorithm {
  /** Signs the CSR. */
  readonly signature: SignatureAlgorithm;
  readonly make: () => Promise<{ privateKey: KeyObject }>;
  /** True for a key of this row. */
  readonly matches: (key: KeyObject) => boolean;
}

function ec(
  namedCurve: "P-256" | "P-384",
  opensslName: string,
  signature: SignatureAlgorithm,
): DeviceKeyAlgorithm {
  return {
    signature,
    make: () => generate("ec", { namedCurve }),
    matches: (key) => key.asymmetricKeyDetails?.namedCurve === opensslName,
  };
}

function rsa(modulusLength: number): DeviceKeyAlgorithm {
  return {
    signature: signatureAlgorithms.sha256WithRSAEncryption,
    make: () => generate("rsa", { modulusLength, publicExponent: 65_537 }),
    matches: (key) =>
      key.asymmetricKeyType === "rsa" && key.asymmetricKeyDetails?.modulusLength === modulusLength,
  };
}

function mlDsa(
  type: "ml-dsa-44" | "ml-dsa-65" | "ml-dsa-87",
  signature: SignatureAlgorithm,
): DeviceKeyAlgorithm {
  return { signature, make: () => generate(type), matches: (key) => key.asymmetricKeyType === type };
}

export const deviceKeyAlgorithms = {
  "P-256": ec("P-256", "prime256v1", signatureAlgorithms["ecdsa-with-SHA256"]),
  "P-384": ec("P-384", "secp384r1", signatureAlgorithms["ecdsa-with-SHA384"]),
  Ed25519: {
    signature: signatureAlgorithms.Ed25519,
    make: () => generate("ed25519"),
    matches: (key) => key.asymmetricKeyType === "ed25519",
  },
  "RSA-2048": rsa(2048),
  "RSA-3072": rsa(3072),
  "RSA-4096": rsa(4096),
  "ML-DSA-44": mlDsa("ml-dsa-44", signatureAlgorithms["ML-DSA-44"]),
  "ML-DSA-65": mlDsa("ml-dsa-65", signatureAlgorithms["ML-DSA-65"]),
  "ML-DSA-87": mlDsa("ml-dsa-87", signatureAlgorithms["ML-DSA-87"]),
} as const satisfies Record<string, DeviceKeyAlgorithm>;

export type DeviceKeyAlgorithmId = keyof typeof deviceKeyAlgorithms;

export const deviceKeyAlgorithmIds = Object.keys(deviceKeyAlgorithms) as DeviceKeyAlgorithmId[];

/** The row a key belongs to, or undefined for a kind that fleetkey does not make. */
export function deviceKeyAlgorithmOf(key: KeyObject): DeviceKeyAlgorithmId | undefined {
  return deviceKeyAlgorithmIds.find((id) => deviceKeyAlgorithms[id].matches(key));
}

export interface DeviceKey {
  /** PKCS#8 PEM, not encrypted. */
  readonly privateKey: string;
  /** CERTIFICATE REQUEST PEM: subject CN={deviceId}, no extensions, since the profile sets them all. */
  readonly csr: string;
}

export async function makeDeviceKey(deviceId: string, algorithm: DeviceKeyAlgorithmId): Promise<DeviceKey> {
  const row: DeviceKeyAlgorithm = deviceKeyAlgorithms[algorithm];
  const { privateKey } = await row.make();
  return requestFor(deviceId, privateKey, row);
}

/** The key with a new request, whose subject is empty where `deviceId` is. */
export function requestFor(
  deviceId: string,
  privateKey: KeyObject,
  row: Pick<DeviceKeyAlgorithm, "signature">,
): DeviceKey {
  const info = encodeCertificationRequestInfo({
    subject: deviceId === "" ? [] : name([["commonName", deviceId]]),
    subjectPublicKeyInfo: createPublicKey(privateKey).export({ type: "spki", format: "der" }),
    extensions: [],
  });
  const csr = assembleCertificationRequest(info, row.signature, sign(row.signature.digest, info, privateKey));
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    csr: encodePem("CERTIFICATE REQUEST", csr),
  };
}
