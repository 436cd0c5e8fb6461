/**
 * Room: core/records. One use of a root's key that two people have approved: what for, for how long, what became of it.
 * All of a fleet's stand in one partition, the newest last.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalNumber, optionalText, optionalTexts, present, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

/** rollover: certify a successor; trustSigner: certify the next signer of trust manifests; rootList: sign the roots' lists. */
export const ceremonyPurposes = ["rollover", "trustSigner", "rootList"] as const;
export type CeremonyPurpose = (typeof ceremonyPurposes)[number];

/**
 * approved: two people have, and the roots are not lent yet; open: they are; done: all is signed; failed: it cannot be
 * done, for the reason in `failure`; expired: its hour is over.
 */
export const ceremonyStates = ["approved", "open", "done", "failed", "expired"] as const;
export type CeremonyState = (typeof ceremonyStates)[number];

export interface CeremonyRecord {
  readonly fleet: string;
  /** 32 hexadecimal digits, the time first. */
  readonly ceremonyId: string;
  readonly purpose: CeremonyPurpose;
  /** service: roots in the key service; offline: what another machine signed was brought in. */
  readonly mode: "service" | "offline";
  readonly rolloverId?: string;
  /** The signer of trust manifests that is to be replaced. */
  readonly signerId?: string;
  readonly state: CeremonyState;
  /** The approval that it spent: who took part stands there. */
  readonly approvalId: string;
  readonly createdAt: number;
  readonly createdBy: string;
  /** Nothing is signed from then on. */
  readonly closesAt: number;
  /** Roots that are lent, as `{keyId}\n{loanId}\n{token}`, each empty where it is not known: it may be lent already. */
  readonly loans?: readonly string[];
  /** Of a rollover to a new root: its key, as the key service names it. Nothing is lent before it is known. */
  readonly successorKeyId?: string;
  /** When all was signed that it is for: what is left needs no lent key. */
  readonly signedAt?: number;
  /** Present once every loan is taken back. */
  readonly returnedAt?: number;
  readonly failure?: string;
  readonly endedAt?: number;
}

export const ceremonyPartition = (fleet: string): string => `CEREMONIES#${fleet}`;
export const ceremonyRecordKey = (fleet: string, ceremonyId: string): ItemKey => ({
  pk: ceremonyPartition(fleet),
  sk: ceremonyId,
});

export function ceremonyItem(record: CeremonyRecord): NewItem {
  return { ...ceremonyRecordKey(record.fleet, record.ceremonyId), attributes: present({ ...record }) };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function ceremonyRecord(item: Item): Stored<CeremonyRecord> {
  const optional = present({
    rolloverId: optionalText(item, "rolloverId"),
    signerId: optionalText(item, "signerId"),
    loans: optionalTexts(item, "loans"),
    successorKeyId: optionalText(item, "successorKeyId"),
    signedAt: optionalNumber(item, "signedAt"),
    returnedAt: optionalNumber(item, "returnedAt"),
    failure: optionalText(item, "failure"),
    endedAt: optionalNumber(item, "endedAt"),
  }) as Partial<CeremonyRecord>;
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      ceremonyId: text(item, "ceremonyId"),
      purpose: word(item, "purpose", ceremonyPurposes),
      mode: word(item, "mode", ["service", "offline"]),
      state: word(item, "state", ceremonyStates),
      approvalId: text(item, "approvalId"),
      createdAt: number(item, "createdAt"),
      createdBy: text(item, "createdBy"),
      closesAt: number(item, "closesAt"),
      ...optional,
    },
  };
}
