/**
 * Room: core/enrollment. What every certificate of a device asks of the store besides its credential: that nothing
 * holds the device, and that one of its places of this hour is free. Both are conditions of the transaction that
 * records the intent. An hour has as many places as the fleet allows issuances; each is an item of its own, taken by
 * its absence, so that no counter is read or contended for.
 */

import { AppError } from "../errors.ts";
import { canonicalText } from "../formats/name.ts";
import type { App, ItemKey, KeylessApp, WriteOperation } from "../ports.ts";
import type { CertificateRecord } from "../records/certificate-record.ts";
import { holdKey } from "../records/hold-record.ts";
import { readItems } from "../records/pages.ts";
import { findHold, heldBack } from "./hold.ts";

const hour = 3_600_000;

export interface GuardedDevice {
  readonly fleet: string;
  readonly deviceId: string;
  readonly issuancesPerHour: number;
  /** The place to try first: one that is free unless others ask at the same time. */
  readonly firstPlace: number;
  /** The quarantine that this issuance is for: written by it, or known to it. @default none */
  readonly quarantine?: WriteOperation;
}

/**
 * The place that is free after those that a certificate and its successors took: a device that renews one after
 * another never meets a taken one. `presented` is the certificate to renew.
 */
export function placeAfter(
  app: KeylessApp,
  presented: Pick<CertificateRecord, "createdAt" | "place" | "renewals">,
): number {
  const { createdAt, place = 0, renewals = 0 } = presented;
  const sameHour = Math.floor(createdAt / hour) === Math.floor(app.clock.now() / hour);
  return sameHour ? place + 1 + renewals : renewals;
}

function placePartition(fleet: string, deviceId: string, start: number): string {
  return `ISSUANCES#${fleet}#${canonicalText(deviceId)}#${new Date(start).toISOString().slice(0, 13)}`;
}

const placeName = (index: number): string => String(index).padStart(4, "0");

function takePlace(pk: string, index: number, start: number): WriteOperation {
  const key: ItemKey = { pk, sk: placeName(index) };
  return { put: { ...key, attributes: {}, expiresAt: (start + 2 * hour) / 1000 }, when: "absent" };
}

/** Uniform enough to spread callers at once; nothing depends on more. */
const randomPlace = (app: KeylessApp, places: number): number =>
  Buffer.from(app.entropy.bytes(4)).readUInt32BE() % places;

async function freePlace(app: KeylessApp, pk: string, places: number): Promise<number | undefined> {
  const taken = new Set((await readItems(app, { pk, limit: places })).map(({ sk }) => sk));
  const free = Array.from({ length: places }, (_, index) => index).filter(
    (each) => !taken.has(placeName(each)),
  );
  return free[randomPlace(app, Math.max(1, free.length))];
}

/** One attempt after another, each with a place that was free a moment ago. */
export class DeviceGuards {
  readonly #app: App;
  readonly #device: GuardedDevice;
  readonly #start: number;
  readonly #standing: WriteOperation;
  readonly #partition: string;
  #place: number;

  constructor(app: App, device: GuardedDevice) {
    this.#app = app;
    this.#device = device;
    this.#start = Math.floor(app.clock.now() / hour) * hour;
    const { fleet, deviceId, quarantine } = device;
    this.#standing = quarantine ?? { check: holdKey(fleet, deviceId), when: "absent" };
    this.#partition = placePartition(fleet, deviceId, this.#start);
    this.#place = device.firstPlace % device.issuancesPerHour;
  }

  get operations(): readonly [WriteOperation, WriteOperation] {
    return [this.#standing, takePlace(this.#partition, this.#place, this.#start)];
  }

  /** The place that `operations` takes. */
  get place(): number {
    return this.#place;
  }

  /**
   * The failure when conditions of these operations did not hold; after undefined, `operations` name another place
   * to try. `failed` are indexes among `operations`.
   */
  async refusal(failed: readonly number[]): Promise<AppError | undefined> {
    if (failed.includes(0)) return this.#holdRefusal();
    if (!failed.includes(1)) return undefined;
    const place = await freePlace(this.#app, this.#partition, this.#device.issuancesPerHour);
    if (place === undefined) return this.#exhausted();
    this.#place = place;
    return undefined;
  }

  async #holdRefusal(): Promise<AppError> {
    const { fleet, deviceId } = this.#device;
    const hold = await findHold(this.#app, fleet, deviceId);
    // Released, or put into quarantine, between the transaction and this look.
    if (hold === undefined || this.#device.quarantine !== undefined)
      return new AppError(
        "issuance_in_progress",
        "the device's state just changed; repeat the same request",
        {
          retryAfter: 1,
        },
      );
    return heldBack(hold.value);
  }

  #exhausted(): AppError {
    const { issuancesPerHour } = this.#device;
    return new AppError(
      "rate_limited",
      `the device had ${issuancesPerHour} certificates in this hour, the fleet's limit; wait for the next hour`,
      { retryAfter: Math.ceil((this.#start + hour - this.#app.clock.now()) / 1000) },
    );
  }
}
