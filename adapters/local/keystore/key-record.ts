/**
 * Room: adapters/local. One private key as a file: what it is in the clear, the PKCS #8 sealed.
 */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { AppError } from "../../../core/errors.ts";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../../core/formats/algorithms.ts";
import type { KeyDescription } from "../../../core/ports.ts";
import { seal, unseal } from "./sealing.ts";

const formatVersion = 1;

export interface KeyRecord extends KeyDescription {
  readonly alias: string;
  /** PKCS #8 PrivateKeyInfo under the master key, tied to all other fields. */
  readonly sealed: Uint8Array;
}

// No alias has a dot or starts with one, so no two aliases share a file and none names the header.
export function keyFileName(alias: string): string {
  return `key.${alias.replaceAll("/", ".")}.json`;
}

export function isKeyFile(name: string): boolean {
  return name.startsWith("key.") && name.endsWith(".json");
}

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString("base64");

function sealingContext(record: Omit<KeyRecord, "sealed">): string[] {
  return [
    "fleetkey-key",
    String(formatVersion),
    record.keyId,
    record.alias,
    record.algorithm,
    base64(record.publicKey),
  ];
}

export function sealRecord(
  masterKey: KeyObject,
  fields: Omit<KeyRecord, "sealed">,
  privateKey: KeyObject,
): KeyRecord {
  const plaintext = privateKey.export({ format: "der", type: "pkcs8" });
  try {
    return { ...fields, sealed: seal(masterKey, plaintext, sealingContext(fields)) };
  } finally {
    plaintext.fill(0);
  }
}

export function encodeRecord(record: KeyRecord): Buffer {
  const { keyId, alias, algorithm } = record;
  const octets = { publicKey: base64(record.publicKey), sealed: base64(record.sealed) };
  const stored = { version: formatVersion, keyId, alias, algorithm, ...octets };
  return Buffer.from(`${JSON.stringify(stored, null, 2)}\n`, "utf8");
}

function changed(fileName: string, cause?: unknown): AppError {
  const message = `key file ${fileName} was changed, moved or damaged: it does not open; restore it from a backup`;
  return new AppError("key_store_locked", message, { cause });
}

function isAlgorithm(value: unknown): value is AuthorityAlgorithmId {
  return typeof value === "string" && Object.hasOwn(authorityAlgorithms, value);
}

function parseFields(content: Uint8Array, fileName: string): Readonly<Record<string, unknown>> {
  try {
    const stored: unknown = JSON.parse(Buffer.from(content).toString("utf8"));
    if (typeof stored === "object" && stored !== null) return { ...stored };
  } catch (cause) {
    throw changed(fileName, cause);
  }
  throw changed(fileName);
}

/**
 * The record in the octets of a key file; nothing in it is to be believed before `openRecord`.
 * @throws AppError key_store_locked when damaged; configuration_invalid when of a newer release.
 */
export function parseRecord(content: Uint8Array, fileName: string): KeyRecord {
  const { version, keyId, alias, algorithm, publicKey, sealed } = parseFields(content, fileName);
  if (typeof version === "number" && version > formatVersion) {
    const message = `key file ${fileName} has version ${version}, this release knows ${formatVersion}; run the release that wrote it`;
    throw new AppError("configuration_invalid", message);
  }
  if (typeof keyId !== "string" || typeof alias !== "string" || !isAlgorithm(algorithm))
    throw changed(fileName);
  if (typeof publicKey !== "string" || typeof sealed !== "string") throw changed(fileName);
  const octets = { publicKey: Buffer.from(publicKey, "base64"), sealed: Buffer.from(sealed, "base64") };
  return { keyId, alias, algorithm, ...octets };
}

/**
 * The private key of `record`.
 * @throws AppError key_store_locked when any field is not the one it was sealed with.
 */
export function openRecord(masterKey: KeyObject, record: KeyRecord, fileName: string): KeyObject {
  const plaintext = unseal(masterKey, record.sealed, sealingContext(record));
  if (plaintext === undefined) throw changed(fileName);
  try {
    return createPrivateKey({ key: plaintext, format: "der", type: "pkcs8" });
  } finally {
    plaintext.fill(0);
  }
}

/** No key file begins with a zero octet but one whose destruction was cut short. */
export function isOverwritten(content: Uint8Array): boolean {
  return content[0] === 0;
}

/** Whether a key file holds `keyId`: the alias may have passed to another key. @throws as `parseRecord`. */
export function isKeyFileOf(content: Uint8Array, keyId: string, fileName: string): boolean {
  return !isOverwritten(content) && parseRecord(content, fileName).keyId === keyId;
}
