/**
 * Room: adapters/encryption. The AWS Encryption SDK for JavaScript, loaded when it is first needed: it brings the
 * client of KMS with it, and a server that protects nothing should not wait for it.
 */
import type * as Sdk from "@aws-crypto/client-node";

export type EncryptionSdk = typeof Sdk;

export const encryptionSdk = (): Promise<EncryptionSdk> => import("@aws-crypto/client-node");
