/**
 * Room: adapters/local. Private keys at rest: AES-256-GCM (NIST SP 800-38D) under the master key.
 */
import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from "node:crypto";

const cipher = "aes-256-gcm";
// SP 800-38D §8.2.2: 96 random bits are safe for 2^32 keys under one master key.
const nonceOctets = 12;
const tagOctets = 16;

/** Ties a sealed value to what it is stored beside: a swapped or edited neighbour does not open. */
function associatedData(context: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(context), "utf8");
}

/** nonce || ciphertext || tag. */
export function seal(masterKey: KeyObject, plaintext: Uint8Array, context: readonly string[]): Buffer {
  const nonce = randomBytes(nonceOctets);
  const sealing = createCipheriv(cipher, masterKey, nonce, { authTagLength: tagOctets });
  sealing.setAAD(associatedData(context));
  return Buffer.concat([nonce, sealing.update(plaintext), sealing.final(), sealing.getAuthTag()]);
}

/** The plaintext; undefined when the key, the context or any octet is not the one it was sealed with. */
export function unseal(
  masterKey: KeyObject,
  sealed: Uint8Array,
  context: readonly string[],
): Buffer | undefined {
  if (sealed.length < nonceOctets + tagOctets) return undefined;
  const nonce = sealed.subarray(0, nonceOctets);
  const opening = createDecipheriv(cipher, masterKey, nonce, { authTagLength: tagOctets });
  opening.setAAD(associatedData(context));
  opening.setAuthTag(sealed.subarray(-tagOctets));
  const plaintext = opening.update(sealed.subarray(nonceOctets, -tagOctets));
  try {
    return Buffer.concat([plaintext, opening.final()]);
  } catch {
    return undefined;
  } finally {
    plaintext.fill(0);
  }
}
