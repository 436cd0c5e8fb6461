/**
 * Room: core/records. An OCSP answer that is kept (RFC 6960 §2.5). It lies in the certificate's own partition, so that
 * one query reads what is true and what was answered.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { bytes, number, text } from "./attributes.ts";
import { certificateKey, type Stored } from "./certificate-record.ts";

export interface OcspAnswerRecord {
  readonly fleet: string;
  /** Of the certificate that it is about, lowercase hexadecimal. */
  readonly serialNumber: string;
  /** How the CertID was written: each form has an answer of its own. */
  readonly form: string;
  /** What the answer says, to be compared with what is true now. */
  readonly status: string;
  /** Of the responder's certificate, lowercase hexadecimal. */
  readonly responderSerial: string;
  /** OCSPResponse, DER. */
  readonly body: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly nextUpdate: number;
  /** From when on another is signed in its place. */
  readonly refreshAt: number;
}

/** Partition of a certificate's record and of the answers about it. */
export const statusPartition = (fleet: string, serialNumber: string): string =>
  certificateKey(fleet, serialNumber).pk;

export const ocspAnswerSortKey = (form: string): string => `OCSP#${form}`;

export function ocspAnswerKey({
  fleet,
  serialNumber,
  form,
}: Pick<OcspAnswerRecord, "fleet" | "serialNumber" | "form">): ItemKey {
  return { pk: statusPartition(fleet, serialNumber), sk: ocspAnswerSortKey(form) };
}

/** In no index; a store may drop it once it is over. */
export function ocspAnswerItem(record: OcspAnswerRecord): NewItem {
  return {
    ...ocspAnswerKey(record),
    attributes: { ...record },
    expiresAt: Math.ceil(record.nextUpdate / 1000),
  };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function ocspAnswerRecord(item: Item): Stored<OcspAnswerRecord> {
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      serialNumber: text(item, "serialNumber"),
      form: text(item, "form"),
      status: text(item, "status"),
      responderSerial: text(item, "responderSerial"),
      body: bytes(item, "body"),
      nextUpdate: number(item, "nextUpdate"),
      refreshAt: number(item, "refreshAt"),
    },
  };
}
