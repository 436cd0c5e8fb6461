/**
 * Room: adapters/encryption. The AWS Encryption SDK for JavaScript, loaded when it is first needed: it brings the
 * client of KMS with it, and a server that protects nothing should not wait for it.
 */
import type * as Sdk from "@aws-crypto/client-node";

export type EncryptionSdk = typeof Sdk;

/** In a bundle a CommonJS module is its default and nothing else; Node names its members besides. */
export async function encryptionSdk(): Promise<EncryptionSdk> {
  const loaded: object = await import("@aws-crypto/client-node");
  return ("default" in loaded ? loaded.default : loaded) as EncryptionSdk;
}
