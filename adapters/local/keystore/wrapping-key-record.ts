/**
 * Room: adapters/local. One generation of a fleet's wrapping key as a file: what it is in the clear, its 32 octets
 * sealed under the master key and tied to all of that.
 */
import { createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { AppError } from "../../../core/errors.ts";
import { seal, unseal } from "./sealing.ts";
import { type GenerationName, generationFileName, generationKeyId } from "./wrapping-key-name.ts";

const formatVersion = 1;
/** AES-256. */
export const wrappingKeyOctets = 32;

/** Why it was made: the fleet had none, its time was over, or people asked. */
const causes = ["first", "automatic", "onDemand"] as const;
export type GenerationCause = (typeof causes)[number];

export interface GenerationRecord extends GenerationName {
  readonly keyId: string;
  readonly cause: GenerationCause;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface OpenGeneration extends GenerationRecord {
  readonly key: KeyObject;
}

const sealingContext = ({ keyId, cause, createdAt }: GenerationRecord): string[] => [
  "fleetkey-wrapping-key",
  String(formatVersion),
  keyId,
  cause,
  String(createdAt),
];

/** The file of a new generation, whose key is made here. */
export function newGenerationFile(
  masterKey: KeyObject,
  name: GenerationName,
  fields: Pick<GenerationRecord, "cause" | "createdAt">,
): Buffer {
  const record = { ...name, ...fields, keyId: generationKeyId(name) };
  const key = randomBytes(wrappingKeyOctets);
  try {
    const sealed = seal(masterKey, key, sealingContext(record)).toString("base64");
    const { keyId, cause, createdAt } = record;
    const stored = { version: formatVersion, keyId, cause, createdAt, sealed };
    return Buffer.from(`${JSON.stringify(stored, null, 2)}\n`, "utf8");
  } finally {
    key.fill(0);
  }
}

function changed(fileName: string, cause?: unknown): AppError {
  const message = `wrapping key file ${fileName} was changed, moved or damaged: it does not open; restore it from a backup`;
  return new AppError("key_store_locked", message, { cause });
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

const isCause = (value: unknown): value is GenerationCause => causes.some((cause) => cause === value);

/**
 * The generation in the octets of its file.
 * @throws AppError key_store_locked when any of it is not what it was sealed with, or another file's;
 * configuration_invalid when of a newer release.
 */
export function openGenerationFile(
  masterKey: KeyObject,
  name: GenerationName,
  content: Uint8Array,
): OpenGeneration {
  const fileName = generationFileName(name);
  const { version, keyId, cause, createdAt, sealed } = parseFields(content, fileName);
  if (typeof version === "number" && version > formatVersion) {
    const message = `wrapping key file ${fileName} has version ${version}, this release knows ${formatVersion}; run the release that wrote it`;
    throw new AppError("configuration_invalid", message);
  }
  if (keyId !== generationKeyId(name) || !isCause(cause)) throw changed(fileName);
  if (typeof createdAt !== "number" || typeof sealed !== "string") throw changed(fileName);
  const record = { ...name, keyId, cause, createdAt };
  const octets = unseal(masterKey, Buffer.from(sealed, "base64"), sealingContext(record));
  if (octets === undefined) throw changed(fileName);
  try {
    return { ...record, key: createSecretKey(octets) };
  } finally {
    octets.fill(0);
  }
}
