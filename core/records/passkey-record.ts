/**
 * Room: core/records. A passkey of an operator: public, all of it. The key is the hash of the credential's id, so that
 * one credential is registered once in a fleet, whoever shows it.
 */
import { hash } from "node:crypto";
import type { Item, ItemKey, NewItem, Passkey } from "../ports.ts";
import { bytes, number, text } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface PasskeyRecord extends Passkey {
  readonly fleet: string;
  readonly operatorId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** `credentialId` in base64url, as the browser gives it. */
export function passkeyKey(fleet: string, credentialId: string): ItemKey {
  return { pk: `PASSKEY#${fleet}#${hash("sha256", credentialId)}`, sk: "PASSKEY" };
}

export function passkeyItem(record: PasskeyRecord): NewItem {
  return { ...passkeyKey(record.fleet, record.credentialId), attributes: { ...record } };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function passkeyRecord(item: Item): Stored<PasskeyRecord> {
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      operatorId: text(item, "operatorId"),
      credentialId: text(item, "credentialId"),
      publicKey: bytes(item, "publicKey"),
      signCount: number(item, "signCount"),
      relyingPartyId: text(item, "relyingPartyId"),
      createdAt: number(item, "createdAt"),
    },
  };
}
