/**
 * Room: core. Values of data protection that ports, policy and clients share; no more than types, so that whoever
 * imports them imports nothing.
 */

/**
 * What a ciphertext is bound to: authenticated, and in the clear beside it. `fleet`, `purpose` and `subject` are
 * always there; every value is opaque (`core/policy/encryption-context.ts`).
 */
export type EncryptionContext = Readonly<Record<string, string>>;
