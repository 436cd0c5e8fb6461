/**
 * Room: core/records. That an operator wants to read protected data, and that it was read: who, what for, under which
 * approval. The reason is in the person's own words, so it is sealed under the fleet's key; the message is kept as it
 * came, encrypted, so that what was approved is what is read. The plaintext is kept nowhere.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { bytes, number, optionalNumber, optionalText, present, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

/** requested: others were told, nothing is shown; read: the plaintext was shown, once. */
export const operatorDecryptionStates = ["requested", "read"] as const;
export type OperatorDecryptionState = (typeof operatorDecryptionStates)[number];

export interface OperatorDecryptionRecord {
  readonly fleet: string;
  /** 32 hexadecimal digits: 12 of the time in milliseconds, 20 random. */
  readonly decryptionId: string;
  readonly state: OperatorDecryptionState;
  readonly operatorId: string;
  /** Canonical JSON of the whole encryption context. */
  readonly context: string;
  readonly message: Uint8Array;
  /** A message of `MessageCipher` (`core/protection/sealed-field.ts`). */
  readonly sealedReason: Uint8Array;
  /** Milliseconds since the epoch, as all times here. */
  readonly requestedAt: number;
  readonly readAt?: number;
  readonly approvalId?: string;
}

export const operatorDecryptionPartition = (fleet: string): string => `OPERATORDECRYPTION#${fleet}`;

export function operatorDecryptionKey(fleet: string, decryptionId: string): ItemKey {
  return { pk: operatorDecryptionPartition(fleet), sk: decryptionId };
}

export function operatorDecryptionItem(record: OperatorDecryptionRecord): NewItem {
  return {
    ...operatorDecryptionKey(record.fleet, record.decryptionId),
    attributes: present({ ...record }),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function operatorDecryptionRecord(item: Item): Stored<OperatorDecryptionRecord> {
  const readAt = optionalNumber(item, "readAt");
  const approvalId = optionalText(item, "approvalId");
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      decryptionId: text(item, "decryptionId"),
      state: word(item, "state", operatorDecryptionStates),
      operatorId: text(item, "operatorId"),
      context: text(item, "context"),
      message: bytes(item, "message"),
      sealedReason: bytes(item, "sealedReason"),
      requestedAt: number(item, "requestedAt"),
      ...(readAt === undefined ? {} : { readAt }),
      ...(approvalId === undefined ? {} : { approvalId }),
    },
  };
}
