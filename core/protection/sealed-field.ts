/**
 * Room: core/protection. Texts of people that the service keeps itself: sealed under the fleet's key, each bound to its
 * record and its field, by the very code that protects a backend's data.
 */
import type { EncryptionContext, ProtectionApp } from "../ports.ts";

export interface SealedPlace {
  readonly fleet: string;
  /** Kind of record, a word: `operator-decryption`. */
  readonly kind: string;
  /** Id of the record. */
  readonly record: string;
  readonly field: string;
}

type Cipher = Pick<ProtectionApp, "cipher">;

/** Purposes with this prefix are refused to callers, so nobody opens these through the API of data. */
const contextOf = ({ fleet, kind, record, field }: SealedPlace): EncryptionContext => ({
  fleet,
  purpose: `fleetkey-${kind}`,
  subject: record,
  field,
});

/** @throws AppError key_disabled, key_service_unavailable. */
export async function sealField(app: Cipher, place: SealedPlace, text: string): Promise<Buffer> {
  const wrapping = { kind: "fleet", fleet: place.fleet } as const;
  const plaintext = Buffer.from(text, "utf8");
  try {
    return await app.cipher.encrypt(wrapping, plaintext, contextOf(place));
  } finally {
    plaintext.fill(0);
  }
}

/** @throws AppError data_unreadable (of another place, or changed), key_disabled, key_service_unavailable. */
export async function openField(app: Cipher, place: SealedPlace, sealed: Uint8Array): Promise<string> {
  const wrapping = { kind: "fleet", fleet: place.fleet } as const;
  const plaintext = await app.cipher.decrypt(wrapping, sealed, contextOf(place));
  try {
    return plaintext.toString("utf8");
  } finally {
    plaintext.fill(0);
  }
}
