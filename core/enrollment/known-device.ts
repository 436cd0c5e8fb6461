/** Room: core/enrollment. All that is on record of one device beside its certificates, in one read. */
import type { Item, KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { isClaimedItem } from "../records/claim-record.ts";
import { type DeviceRecord, devicePartition, deviceRecord, isDeviceItem } from "../records/device-record.ts";
import { type HoldRecord, holdRecord, isHoldItem } from "../records/hold-record.ts";
import { readItems } from "../records/pages.ts";

export interface KnownDevice {
  /** Absent: the device is not in the inventory. */
  readonly device?: DeviceRecord;
  /** Absent: it is in good standing. */
  readonly hold?: Stored<HoldRecord>;
  /** Whether a claim enrolled it. */
  readonly claimed: boolean;
}

/** More than a device's partition ever holds. */
const maximumItems = 10;

/** @throws AppError name_not_permitted, see `canonicalText`. */
export async function findDevice(app: KeylessApp, fleet: string, deviceId: string): Promise<KnownDevice> {
  const items = await readItems(app, { pk: devicePartition(fleet, deviceId), limit: maximumItems });
  const find = (is: (item: Item) => boolean): Item | undefined => items.find(is);
  const device = find(isDeviceItem);
  const hold = find(isHoldItem);
  return {
    claimed: find(isClaimedItem) !== undefined,
    ...(device === undefined ? {} : { device: deviceRecord(device) }),
    ...(hold === undefined ? {} : { hold: holdRecord(hold) }),
  };
}
