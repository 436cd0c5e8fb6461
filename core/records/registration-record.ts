/**
 * Room: core/records. What a device was registered with, besides its id: the hash of its key, or the identifier that
 * its maker gave it. Each is found by itself, in one read, however many devices the fleet has.
 */
import { hash } from "node:crypto";
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { type ProfileId, profiles } from "../standard/profiles.ts";
import { number, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

interface Registration {
  readonly deviceId: string;
  readonly profile: ProfileId;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** As the audit log names who registered it. */
  readonly createdBy: string;
}

/** A key that enrols its device once. */
export interface RegisteredKeyRecord extends Registration {
  /** SHA-256 of the SubjectPublicKeyInfo, lowercase hexadecimal. */
  readonly keyFingerprint: string;
  readonly state: "fresh" | "spent";
}

/** Which device a maker's identifier stands for. */
export interface MakerIdentityRecord extends Registration {
  /** Id of the fleet's trust entry for the maker. */
  readonly manufacturer: string;
}

export function registeredKeyKey(fleet: string, keyFingerprint: string): ItemKey {
  return { pk: `KEY#${fleet}#${keyFingerprint}`, sk: "KEY" };
}

/** `identifier`: as `makerIdentifier` gives it; the key holds its hash, since it may have any length and form. */
export function makerIdentityKey(fleet: string, manufacturer: string, identifier: string): ItemKey {
  return { pk: `MAKER#${fleet}#${manufacturer}#${hash("sha256", identifier)}`, sk: "MAKER" };
}

export function registeredKeyItem(fleet: string, record: RegisteredKeyRecord): NewItem {
  return { ...registeredKeyKey(fleet, record.keyFingerprint), attributes: { ...record } };
}

export function makerIdentityItem(fleet: string, identifier: string, record: MakerIdentityRecord): NewItem {
  return { ...makerIdentityKey(fleet, record.manufacturer, identifier), attributes: { ...record } };
}

function registration(item: Item): Registration {
  return {
    deviceId: text(item, "deviceId"),
    profile: word(item, "profile", Object.keys(profiles) as ProfileId[]),
    createdAt: number(item, "createdAt"),
    createdBy: text(item, "createdBy"),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function registeredKeyRecord(item: Item): Stored<RegisteredKeyRecord> {
  const value = {
    ...registration(item),
    keyFingerprint: text(item, "keyFingerprint"),
    state: word(item, "state", ["fresh", "spent"]),
  };
  return { version: item.version, value };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function makerIdentityRecord(item: Item): Stored<MakerIdentityRecord> {
  const value = { ...registration(item), manufacturer: text(item, "manufacturer") };
  return { version: item.version, value };
}
