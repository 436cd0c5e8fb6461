/**
 * Room: core/records. One version of a fleet's trust manifest as it was signed. Readers name versions by the hash of
 * their text, so no other signature over the same words will do when the object is lost.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { bytes, number, text } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";
import { publicationPartition } from "./publication-record.ts";

export interface ManifestRecord {
  readonly fleet: string;
  readonly trustVersion: number;
  /** Compact JWS. */
  readonly text: string;
}

const prefix = "VERSION#";

/** Bounds of a query for all versions of a fleet, the first one first. */
export const manifestRange = { from: prefix, to: `${prefix}~` } as const;

export function manifestKey({
  fleet,
  trustVersion,
}: Pick<ManifestRecord, "fleet" | "trustVersion">): ItemKey {
  return { pk: publicationPartition(fleet), sk: `${prefix}${String(trustVersion).padStart(10, "0")}` };
}

/** What is signed is kept as octets: three quarters of its text, so that whatever was on record fits. */
export function manifestItem(record: ManifestRecord): NewItem {
  const [header = "", payload = "", signature = ""] = record.text.split(".");
  const { fleet, trustVersion } = record;
  const body = Buffer.from(payload, "base64url");
  return { ...manifestKey(record), attributes: { fleet, trustVersion, header, body, signature } };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function manifestRecord(item: Item): Stored<ManifestRecord> {
  const payload = Buffer.from(bytes(item, "body")).toString("base64url");
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      trustVersion: number(item, "trustVersion"),
      text: `${text(item, "header")}.${payload}.${text(item, "signature")}`,
    },
  };
}
