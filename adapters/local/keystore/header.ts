/**
 * Room: adapters/local. The key store's header file: how its master key is derived, and a value to check it.
 */
import { AppError } from "../../../core/errors.ts";

export const headerName = "keystore.json";
const formatVersion = 1;

/** Parameters of scrypt (RFC 7914). */
export interface KeyDerivation {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Uint8Array;
}

export interface Header {
  /** Absent when the master key is a file. */
  readonly derivation?: KeyDerivation;
  /** A constant sealed under the master key. */
  readonly check: Uint8Array;
}

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString("base64");

export function encodeHeader(header: Header): Buffer {
  const { derivation, check } = header;
  const stored = {
    version: formatVersion,
    ...(derivation === undefined ? {} : { scrypt: { ...derivation, salt: base64(derivation.salt) } }),
    check: base64(check),
  };
  return Buffer.from(`${JSON.stringify(stored, null, 2)}\n`, "utf8");
}

function damaged(cause?: unknown): AppError {
  const message = `key store header ${headerName} is damaged; restore it from a backup`;
  return new AppError("key_store_locked", message, { cause });
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function wholeNumber(fields: Fields, name: string, largest: number): number {
  const value = fields[name];
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= largest) return value;
  throw damaged();
}

function octets(fields: Fields, name: string): Buffer {
  const value = fields[name];
  if (typeof value !== "string") throw damaged();
  return Buffer.from(value, "base64");
}

/** @throws AppError key_store_locked when damaged; configuration_invalid when of a newer release. */
export function parseHeader(content: Uint8Array): Header {
  let stored: unknown;
  try {
    stored = JSON.parse(Buffer.from(content).toString("utf8"));
  } catch (cause) {
    throw damaged(cause);
  }
  if (!isFields(stored)) throw damaged();
  const version = stored["version"];
  if (typeof version === "number" && version > formatVersion) {
    const message = `key store has version ${version}, this release knows ${formatVersion}; run the release that wrote it`;
    throw new AppError("configuration_invalid", message);
  }
  const check = octets(stored, "check");
  const scrypt = stored["scrypt"];
  if (scrypt === undefined) return { check };
  if (!isFields(scrypt)) throw damaged();
  // Bounded, so that an edited header cannot ask for all memory: 128 · N · r octets.
  const derivation = {
    N: wholeNumber(scrypt, "N", 1_048_576),
    r: wholeNumber(scrypt, "r", 16),
    p: wholeNumber(scrypt, "p", 16),
    salt: octets(scrypt, "salt"),
  };
  return { check, derivation };
}
