/**
 * Room: core/records. The destruction of the keys of a subject or of a whole fleet: decided by two people, done by a
 * task, ended with a certificate of destruction. The id begins with its time, so that a fleet's newest come first; an
 * open one stands in the index `open`.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalNumber, optionalText, present, text, word } from "./attributes.ts";
import { type Stored, timeKey } from "./certificate-record.ts";

/** decided: nothing is readable through the service any more, and the task has keys to destroy; done: none is left. */
export const shredStates = ["decided", "done"] as const;
export type ShredState = (typeof shredStates)[number];

export const shredReasons = ["erasure-request", "retention-ended", "incident", "decommissioned"] as const;
export type ShredReason = (typeof shredReasons)[number];

export interface ShredRecord {
  readonly fleet: string;
  /** 32 hexadecimal digits: 12 of the time in milliseconds, 20 random. */
  readonly shredId: string;
  readonly state: ShredState;
  readonly scope: "subject" | "fleet";
  /** Present with scope `subject` alone. */
  readonly subject?: string;
  readonly reason: ShredReason;
  /** Milliseconds since the epoch, as all times here. */
  readonly decidedAt: number;
  /** Who executed the decision, `operator:…`, and the approval of both. */
  readonly decidedBy: string;
  readonly approvalId: string;
  /** Keys destroyed so far. */
  readonly destroyed: number;
  readonly endedAt?: number;
  /** Of a fleet: when its wrapping keys are gone for good. */
  readonly wrappingKeysGoneAt?: number;
  /** Canonical JSON of the certificate of destruction, and its SHA-256; present when done. */
  readonly certificate?: string;
  readonly certificateDigest?: string;
  readonly failures: number;
  readonly lastFailure?: string;
}

export const shredPartition = (fleet: string): string => `SHRED#${fleet}`;
/** Index open: what is to be destroyed, in all fleets, the oldest first. */
export const openShredsPartition = "SHREDS";

export function shredKey(fleet: string, shredId: string): ItemKey {
  return { pk: shredPartition(fleet), sk: shredId };
}

export function shredItem(record: ShredRecord): NewItem {
  const { fleet, shredId, decidedAt, state } = record;
  const sk = `${timeKey(decidedAt)}#${fleet}#${shredId}`;
  return {
    ...shredKey(fleet, shredId),
    attributes: present({ ...record }),
    ...(state === "decided" ? { indexes: { open: { pk: openShredsPartition, sk } } } : {}),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function shredRecord(item: Item): Stored<ShredRecord> {
  const optional = present({
    subject: optionalText(item, "subject"),
    endedAt: optionalNumber(item, "endedAt"),
    wrappingKeysGoneAt: optionalNumber(item, "wrappingKeysGoneAt"),
    certificate: optionalText(item, "certificate"),
    certificateDigest: optionalText(item, "certificateDigest"),
    lastFailure: optionalText(item, "lastFailure"),
  }) as Partial<ShredRecord>;
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      shredId: text(item, "shredId"),
      state: word(item, "state", shredStates),
      scope: word(item, "scope", ["subject", "fleet"]),
      reason: word(item, "reason", shredReasons),
      decidedAt: number(item, "decidedAt"),
      decidedBy: text(item, "decidedBy"),
      approvalId: text(item, "approvalId"),
      destroyed: number(item, "destroyed"),
      failures: number(item, "failures"),
      ...optional,
    },
  };
}
