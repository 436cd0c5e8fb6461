/**
 * Room: core/enrollment. One row of an inventory upload: what it is allowed to say, the items that it wants, and what
 * becomes of it where some of them are there already.
 */

import type { Fleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import { checkDeviceId } from "../policy/identifiers.ts";
import type { Item, KeylessApp, NewItem } from "../ports.ts";
import { deviceItem, deviceRecord } from "../records/device-record.ts";
import {
  makerIdentityItem,
  makerIdentityRecord,
  registeredKeyItem,
  registeredKeyRecord,
} from "../records/registration-record.ts";
import type { ProfileId } from "../standard/profiles.ts";
import { checkDeviceName } from "./device-name.ts";
import { deviceProfile } from "./device-profile.ts";

export interface DeviceRegistration {
  readonly deviceId: string;
  /** @default "device" */
  readonly profile?: ProfileId;
  /** SHA-256 of the SubjectPublicKeyInfo, 64 lowercase hexadecimal digits: that key enrols the device once. */
  readonly publicKeySha256?: string;
  /** The identifier that a maker's certificates give the device: see `identifyManufacturer`. */
  readonly manufacturer?: { readonly id: string; readonly serialNumber: string };
}

export interface Registrar {
  readonly fleet: Fleet;
  /** As the audit log names it. */
  readonly actor: string;
  /** @default all that are for devices */
  readonly permittedProfiles?: readonly ProfileId[];
}

interface WantedItem {
  readonly item: NewItem;
  /** Why what is there already is not the same; undefined when it is. */
  readonly conflict: (found: Item) => string | undefined;
}

/** A row that may be stored. */
export interface PlannedRow {
  /** Index in the upload, from 0. */
  readonly row: number;
  readonly wanted: readonly WantedItem[];
}

const keyHash = /^[0-9a-f]{64}$/;
const makerSerial = /^[ -~]{1,128}$/;

function checkedProfile(registrar: Registrar, asked: ProfileId = "device"): ProfileId {
  const { id } = deviceProfile(asked);
  const { permittedProfiles: permitted } = registrar;
  if (permitted === undefined || permitted.includes(id)) return id;
  throw new AppError(
    "profile_not_permitted",
    `profile "${id}" is not for this caller; the fleet lets it use ${permitted.join(", ") || "none"}`,
  );
}

function checkDevice({ fleet }: Registrar, deviceId: string): void {
  const decision = checkDeviceId(deviceId);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
  checkDeviceName(fleet.configuration, deviceId);
}

function wantedDevice(fleet: string, row: DeviceRegistration, createdAt: number): WantedItem {
  const { deviceId, profile } = row;
  return {
    item: deviceItem(fleet, { deviceId, createdAt, ...(profile === undefined ? {} : { profile }) }),
    conflict: (found) => {
      const device = deviceRecord(found);
      if (device.deviceId !== deviceId)
        return `device "${device.deviceId}" has this id in other letters; use its spelling`;
      if (profile === undefined || device.profile === undefined || device.profile === profile)
        return undefined;
      return `the device is registered for profile "${device.profile}"; leave the profile out`;
    },
  };
}

type Origin = {
  readonly deviceId: string;
  readonly profile: ProfileId;
  readonly createdAt: number;
  readonly createdBy: string;
};

const differs = (what: string, found: Origin, wanted: Origin): string | undefined =>
  found.deviceId === wanted.deviceId && found.profile === wanted.profile
    ? undefined
    : `the ${what} is registered for another device or profile; each is one device's`;

function wantedKey(fleet: string, keyFingerprint: string, origin: Origin): WantedItem {
  if (!keyHash.test(keyFingerprint))
    throw new AppError("request_invalid", "publicKeySha256 must be 64 lowercase hexadecimal digits");
  return {
    item: registeredKeyItem(fleet, { ...origin, keyFingerprint, state: "fresh" }),
    conflict: (found) => differs("key", registeredKeyRecord(found).value, origin),
  };
}

function wantedMaker(
  { fleet: { record, configuration } }: Registrar,
  { id, serialNumber }: NonNullable<DeviceRegistration["manufacturer"]>,
  origin: Origin,
): WantedItem {
  if (!configuration.manufacturers.some((each) => each.id === id))
    throw new AppError("request_invalid", "manufacturer.id is none of the fleet's; configure it first");
  if (!makerSerial.test(serialNumber))
    throw new AppError("request_invalid", "manufacturer.serialNumber must be 1 to 128 printable ASCII");
  return {
    item: makerIdentityItem(record.fleet, serialNumber, { ...origin, manufacturer: id }),
    conflict: (found) => differs("manufacturer's identifier", makerIdentityRecord(found).value, origin),
  };
}

/** @throws AppError name_not_permitted, profile_not_permitted, request_invalid. */
export function planRow(
  app: KeylessApp,
  registrar: Registrar,
  registration: DeviceRegistration,
  row: number,
): PlannedRow {
  const { deviceId, publicKeySha256, manufacturer } = registration;
  checkDevice(registrar, deviceId);
  const profile = checkedProfile(registrar, registration.profile);
  const createdAt = app.clock.now();
  const origin = { deviceId, profile, createdAt, createdBy: registrar.actor };
  const { fleet } = registrar.fleet.record;
  return {
    row,
    wanted: [
      wantedDevice(fleet, registration, createdAt),
      ...(publicKeySha256 === undefined ? [] : [wantedKey(fleet, publicKeySha256, origin)]),
      ...(manufacturer === undefined ? [] : [wantedMaker(registrar, manufacturer, origin)]),
    ],
  };
}

/** Each lost race is another upload that wrote what this row wants, and a row wants three items at most. */
const rowAttempts = 4;

/**
 * Stores what is missing of one row, all of it or nothing.
 * @throws AppError already_exists: something of it is there and is another's; store_condition_failed.
 */
export async function registerRow(
  app: KeylessApp,
  { wanted }: PlannedRow,
): Promise<"registered" | "unchanged"> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await Promise.all(wanted.map(({ item: { pk, sk } }) => app.items.get({ pk, sk })));
    for (const [index, item] of found.entries()) {
      const conflict = item && wanted[index]?.conflict(item);
      if (conflict !== undefined) throw new AppError("already_exists", conflict);
    }
    const missing = wanted.filter((_, index) => found[index] === undefined);
    if (missing.length === 0) return "unchanged";
    try {
      await app.items.transact(missing.map(({ item }) => ({ put: item, when: "absent" })));
      return "registered";
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === rowAttempts) throw error;
    }
  }
}
