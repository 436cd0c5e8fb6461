/** Room: local. A fresh P-256 key with its certification request, for the listener and the first operator. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { signatureAlgorithms } from "../core/formats/algorithms.ts";
import {
  assembleCertificationRequest,
  encodeCertificationRequestInfo,
} from "../core/formats/certification-request-encoder.ts";

export interface KeyWithRequest {
  /** PKCS#8, PEM. */
  readonly privateKey: string;
  /** DER. */
  readonly csr: Uint8Array;
}

/** @param pem An existing P-256 key in PKCS#8; without one a new key is made. */
export function keyWithRequest(pem?: string): KeyWithRequest {
  const key: KeyObject =
    pem === undefined ? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey : createPrivateKey(pem);
  // The subject is empty: names come from the identity that the deployment vouches for.
  const info = encodeCertificationRequestInfo({
    subject: [],
    subjectPublicKeyInfo: createPublicKey(key).export({ type: "spki", format: "der" }),
    extensions: [],
  });
  const row = signatureAlgorithms["ecdsa-with-SHA256"];
  return {
    privateKey: key.export({ type: "pkcs8", format: "pem" }).toString(),
    csr: assembleCertificationRequest(info, row, sign("sha256", info, key)),
  };
}
