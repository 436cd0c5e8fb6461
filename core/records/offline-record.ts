/**
 * Room: core/records. What travels to a machine without a network and what came back, as documents. All of a fleet's
 * stand in one partition: the present request of a rollover, and every answer that was taken.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalNumber, optionalText, present, text } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface OfflineRequestRecord {
  readonly fleet: string;
  readonly rolloverId: string;
  /** Its one text, see `core/rotation/offline/request.ts`, and the SHA-256 of that, hexadecimal. */
  readonly document: string;
  readonly sha256: string;
  /** The key service's name for the key of an issuing authority. */
  readonly keyId?: string;
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly answeredAt?: number;
}

export interface OfflineAnswerRecord {
  readonly fleet: string;
  readonly rolloverId: string;
  /** Of the request that it answers. */
  readonly requestSha256: string;
  readonly document: string;
  readonly ceremonyId: string;
  readonly importedAt: number;
  readonly importedBy: string;
  /** When its lists and its record were put where they last; absent while that has to be done. */
  readonly placedAt?: number;
}

export const offlinePartition = (fleet: string): string => `OFFLINE#${fleet}`;

export const offlineRequestKey = (fleet: string, rolloverId: string): ItemKey => ({
  pk: offlinePartition(fleet),
  sk: `REQUEST#${rolloverId}`,
});

const answerPrefix = "ANSWER#";
/** Bounds of the answers' sort keys: of one rollover, or of all. */
export const answerRange = (rolloverId = ""): { readonly from: string; readonly to: string } => ({
  from: `${answerPrefix}${rolloverId}`,
  to: `${answerPrefix}${rolloverId}~`,
});

export function offlineRequestItem(record: OfflineRequestRecord): NewItem {
  return { ...offlineRequestKey(record.fleet, record.rolloverId), attributes: present({ ...record }) };
}

export function offlineAnswerItem(record: OfflineAnswerRecord): NewItem {
  const sk = `${answerPrefix}${record.rolloverId}#${record.requestSha256}`;
  return { pk: offlinePartition(record.fleet), sk, attributes: present({ ...record }) };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function offlineRequestRecord(item: Item): Stored<OfflineRequestRecord> {
  const keyId = optionalText(item, "keyId");
  const answeredAt = optionalNumber(item, "answeredAt");
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      rolloverId: text(item, "rolloverId"),
      document: text(item, "document"),
      sha256: text(item, "sha256"),
      createdAt: number(item, "createdAt"),
      expiresAt: number(item, "expiresAt"),
      ...(keyId === undefined ? {} : { keyId }),
      ...(answeredAt === undefined ? {} : { answeredAt }),
    },
  };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function offlineAnswerRecord(item: Item): Stored<OfflineAnswerRecord> {
  const placedAt = optionalNumber(item, "placedAt");
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      rolloverId: text(item, "rolloverId"),
      requestSha256: text(item, "requestSha256"),
      document: text(item, "document"),
      ceremonyId: text(item, "ceremonyId"),
      importedAt: number(item, "importedAt"),
      importedBy: text(item, "importedBy"),
      ...(placedAt === undefined ? {} : { placedAt }),
    },
  };
}
