/**
 * Room: core/records. A re-encryption: every subject key of a fleet goes under the wrapping key and the form of context
 * in force. Progress is kept by part of the fleet's keys and place in it; what was done once is found done. The id
 * begins with its time, so that a fleet's newest come first; an open one stands in the index `open`.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalNumber, optionalText, present, text, word } from "./attributes.ts";
import { type Stored, timeKey } from "./certificate-record.ts";

/** moving → verifying → done; back to moving where the verification found a key left; cancelled from the first two. */
export const reencryptionStates = ["moving", "verifying", "done", "cancelled"] as const;
export type ReencryptionState = (typeof reencryptionStates)[number];

export interface ReencryptionRecord {
  readonly fleet: string;
  /** 32 hexadecimal digits: 12 of the time in milliseconds, 20 random. */
  readonly jobId: string;
  readonly state: ReencryptionState;
  /** Milliseconds since the epoch, as all times here. Keys wrapped before are moved. */
  readonly createdAt: number;
  readonly createdBy: string;
  /** The wrapping key that all are to be under. */
  readonly targetKeyId: string;
  readonly contextVersion: number;
  readonly endedAt?: number;
  /** Keys that were moved, found as they should be, found unreadable; of the present pass: looked at. */
  readonly moved: number;
  readonly unchanged: number;
  readonly unreadable: number;
  readonly verified: number;
  /** Part of the keys at work, and the sort key after which it goes on. */
  readonly part: string;
  readonly after?: string;
  /** In a row; 0 after a success. The last one's code, and when to try again. */
  readonly failures: number;
  readonly lastFailure?: string;
  readonly nextAt?: number;
}

export const reencryptionPartition = (fleet: string): string => `REENCRYPTION#${fleet}`;
/** Index open: the jobs of all fleets that have work to do, the oldest first. */
export const openReencryptionsPartition = "REENCRYPTIONS";

export function reencryptionKey(fleet: string, jobId: string): ItemKey {
  return { pk: reencryptionPartition(fleet), sk: jobId };
}

export const isReencryptionOpen = ({ state }: Pick<ReencryptionRecord, "state">): boolean =>
  state === "moving" || state === "verifying";

export function reencryptionItem(record: ReencryptionRecord): NewItem {
  const { fleet, jobId, createdAt } = record;
  const sk = `${timeKey(createdAt)}#${fleet}#${jobId}`;
  return {
    ...reencryptionKey(fleet, jobId),
    attributes: present({ ...record }),
    ...(isReencryptionOpen(record) ? { indexes: { open: { pk: openReencryptionsPartition, sk } } } : {}),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function reencryptionRecord(item: Item): Stored<ReencryptionRecord> {
  const optional = present({
    endedAt: optionalNumber(item, "endedAt"),
    after: optionalText(item, "after"),
    lastFailure: optionalText(item, "lastFailure"),
    nextAt: optionalNumber(item, "nextAt"),
  }) as Partial<ReencryptionRecord>;
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      jobId: text(item, "jobId"),
      state: word(item, "state", reencryptionStates),
      createdAt: number(item, "createdAt"),
      createdBy: text(item, "createdBy"),
      targetKeyId: text(item, "targetKeyId"),
      contextVersion: number(item, "contextVersion"),
      moved: number(item, "moved"),
      unchanged: number(item, "unchanged"),
      unreadable: number(item, "unreadable"),
      verified: number(item, "verified"),
      part: text(item, "part"),
      failures: number(item, "failures"),
      ...optional,
    },
  };
}
