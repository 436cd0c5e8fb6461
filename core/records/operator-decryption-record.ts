/**
 * Room: core/records. That an operator read protected data: who, what for, under which approval. The reason is in the
 * person's own words, so it is sealed under the fleet's key; the message itself is not kept, its digest is.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { bytes, number, text } from "./attributes.ts";

export interface OperatorDecryptionRecord {
  readonly fleet: string;
  /** 32 hexadecimal digits: 12 of the time in milliseconds, 20 random. */
  readonly decryptionId: string;
  readonly operatorId: string;
  readonly purpose: string;
  readonly subject: string;
  /** SHA-256 of the message, lowercase hexadecimal. */
  readonly messageDigest: string;
  readonly approvalId: string;
  /** A message of `MessageCipher` (`core/protection/sealed-field.ts`). */
  readonly sealedReason: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export const operatorDecryptionPartition = (fleet: string): string => `OPERATORDECRYPTION#${fleet}`;

export function operatorDecryptionKey(fleet: string, decryptionId: string): ItemKey {
  return { pk: operatorDecryptionPartition(fleet), sk: decryptionId };
}

export function operatorDecryptionItem(record: OperatorDecryptionRecord): NewItem {
  return { ...operatorDecryptionKey(record.fleet, record.decryptionId), attributes: { ...record } };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function operatorDecryptionRecord(item: Item): OperatorDecryptionRecord {
  return {
    fleet: text(item, "fleet"),
    decryptionId: text(item, "decryptionId"),
    operatorId: text(item, "operatorId"),
    purpose: text(item, "purpose"),
    subject: text(item, "subject"),
    messageDigest: text(item, "messageDigest"),
    approvalId: text(item, "approvalId"),
    sealedReason: bytes(item, "sealedReason"),
    createdAt: number(item, "createdAt"),
  };
}
