/** Room: core/records. Who answers for one issuing authority: the responder's key and its present certificate. */
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../formats/algorithms.ts";
import type { Item, NewItem } from "../ports.ts";
import { bytes, number, optionalNumber, optionalText, present, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface ResponderRecord {
  readonly fleet: string;
  readonly authorityId: string;
  /** 1 for the first certificate; one more with each that follows. */
  readonly period: number;
  readonly keyId: string;
  /** Name of that key. @default "ocsp-1" */
  readonly responderId?: string;
  /** When that key was first used. @default when the fleet was made */
  readonly keySince?: number;
  readonly algorithm: AuthorityAlgorithmId;
  /** DER, signed by the authority itself. */
  readonly certificate: Uint8Array;
  /** Lowercase hexadecimal. */
  readonly serialNumber: string;
  /** Milliseconds since the epoch, as all times here. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly renewAt: number;
}

/** All responders of a fleet: one query reads them. */
export const responderPartition = (fleet: string): string => `RESPONDERS#${fleet}`;

export function responderItem(record: ResponderRecord): NewItem {
  return { pk: responderPartition(record.fleet), sk: record.authorityId, attributes: present({ ...record }) };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function responderRecord(item: Item): Stored<ResponderRecord> {
  const optional = present({
    responderId: optionalText(item, "responderId"),
    keySince: optionalNumber(item, "keySince"),
  }) as Partial<ResponderRecord>;
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      authorityId: text(item, "authorityId"),
      period: number(item, "period"),
      keyId: text(item, "keyId"),
      algorithm: word(item, "algorithm", Object.keys(authorityAlgorithms) as AuthorityAlgorithmId[]),
      certificate: bytes(item, "certificate"),
      serialNumber: text(item, "serialNumber"),
      notBefore: number(item, "notBefore"),
      notAfter: number(item, "notAfter"),
      renewAt: number(item, "renewAt"),
      ...optional,
    },
  };
}
