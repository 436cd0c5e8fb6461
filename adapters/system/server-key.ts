/**
 * Room: adapters/system. Fresh keys for servers, made off the event loop and kept nowhere. What a caller overwrites is
 * the key's text; what OpenSSL and the runtime copied meanwhile is freed, not overwritten: neither offers that.
 */
import { generateKeyPair, type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import { type SignatureAlgorithm, signatureAlgorithms } from "../../core/formats/algorithms.ts";
import type { ServerKey, ServerKeyAlgorithm, ServerKeys } from "../../core/ports.ts";

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface Row {
  readonly generate: () => Promise<KeyPair>;
  readonly signature: SignatureAlgorithm;
}

const generate = promisify(generateKeyPair);
const signOnThreadPool = promisify(
  (
    digest: string | null,
    message: Uint8Array,
    key: KeyObject,
    done: (error: Error | null, signature: Buffer) => void,
  ) => sign(digest, message, key, done),
);

// FIPS 186-5 §5.4: e = 65537.
const publicExponent = 65_537;

const ec = (namedCurve: "P-256" | "P-384", signature: SignatureAlgorithm): Row => ({
  generate: () => generate("ec", { namedCurve }),
  signature,
});

const rsa = (modulusLength: number): Row => ({
  generate: () => generate("rsa", { modulusLength, publicExponent }),
  signature: signatureAlgorithms.sha256WithRSAEncryption,
});

const rows: Readonly<Record<ServerKeyAlgorithm, Row>> = {
  "P-256": ec("P-256", signatureAlgorithms["ecdsa-with-SHA256"]),
  "P-384": ec("P-384", signatureAlgorithms["ecdsa-with-SHA384"]),
  "RSA-2048": rsa(2048),
  "RSA-3072": rsa(3072),
  "RSA-4096": rsa(4096),
};

async function make(algorithm: ServerKeyAlgorithm): Promise<ServerKey> {
  const { generate: pair, signature } = rows[algorithm];
  const { publicKey, privateKey } = await pair();
  return {
    publicKey: publicKey.export({ type: "spki", format: "der" }),
    privateKey: Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" })),
    sign: (message) => signOnThreadPool(signature.digest, message, privateKey),
  };
}

export const systemServerKeys: ServerKeys = { make };
