/**
 * Room: core/records. What travels to a machine without a network and what came back, as documents. All of a fleet's
 * stand in one partition: the present request of a rollover, that of the fleet itself, and every answer that was taken.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalNumber, optionalText, present, text } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface OfflineRequestRecord {
  readonly fleet: string;
  /** Absent of the fleet's own, as in the document. */
  readonly rolloverId?: string;
  /** Its one text, see `core/rotation/offline/request.ts`, and the SHA-256 of that, hexadecimal. */
  readonly document: string;
  readonly sha256: string;
  /** The key service's name for the key of an issuing authority. */
  readonly keyId?: string;
  /** The same for the key of the next signer of trust manifests. */
  readonly signerKeyId?: string;
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly answeredAt?: number;
}

export interface OfflineAnswerRecord {
  readonly fleet: string;
  readonly rolloverId?: string;
  /** Of the request that it answers. */
  readonly requestSha256: string;
  readonly document: string;
  readonly ceremonyId: string;
  readonly importedAt: number;
  readonly importedBy: string;
  /** When its lists and its record were put where they last; absent while that has to be done. */
  readonly placedAt?: number;
}

/** The next signer cannot be asked for: a deployment has to make its key first. One item a fleet. */
export interface MissingSignerRecord {
  readonly fleet: string;
  /** Absent once none is missing any more: the item stays, since no task may delete one. */
  readonly signerId?: string;
}

export const offlinePartition = (fleet: string): string => `OFFLINE#${fleet}`;

/** In the place of a rollover's id, which is hexadecimal. */
const ofFleet = "FLEET";

export const offlineRequestKey = (fleet: string, rolloverId: string = ofFleet): ItemKey => ({
  pk: offlinePartition(fleet),
  sk: `REQUEST#${rolloverId}`,
});

export const missingSignerKey = (fleet: string): ItemKey => ({
  pk: offlinePartition(fleet),
  sk: "MISSINGSIGNER",
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
  const sk = `${answerPrefix}${record.rolloverId ?? ofFleet}#${record.requestSha256}`;
  return { pk: offlinePartition(record.fleet), sk, attributes: present({ ...record }) };
}

export function missingSignerItem(record: MissingSignerRecord): NewItem {
  return { ...missingSignerKey(record.fleet), attributes: present({ ...record }) };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function missingSignerRecord(item: Item): Stored<MissingSignerRecord> {
  const signerId = optionalText(item, "signerId");
  return {
    version: item.version,
    value: { fleet: text(item, "fleet"), ...(signerId === undefined ? {} : { signerId }) },
  };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function offlineRequestRecord(item: Item): Stored<OfflineRequestRecord> {
  const optional = present({
    rolloverId: optionalText(item, "rolloverId"),
    keyId: optionalText(item, "keyId"),
    signerKeyId: optionalText(item, "signerKeyId"),
    answeredAt: optionalNumber(item, "answeredAt"),
  }) as Partial<OfflineRequestRecord>;
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      document: text(item, "document"),
      sha256: text(item, "sha256"),
      createdAt: number(item, "createdAt"),
      expiresAt: number(item, "expiresAt"),
      ...optional,
    },
  };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function offlineAnswerRecord(item: Item): Stored<OfflineAnswerRecord> {
  const rolloverId = optionalText(item, "rolloverId");
  const placedAt = optionalNumber(item, "placedAt");
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      ...(rolloverId === undefined ? {} : { rolloverId }),
      requestSha256: text(item, "requestSha256"),
      document: text(item, "document"),
      ceremonyId: text(item, "ceremonyId"),
      importedAt: number(item, "importedAt"),
      importedBy: text(item, "importedBy"),
      ...(placedAt === undefined ? {} : { placedAt }),
    },
  };
}
