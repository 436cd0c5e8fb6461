/**
 * Room: core/enrollment. One device: how it stands, and the operator's word on that. Good standing is the absence of a
 * hold, so that issuance asks for it in its own transaction; releasing a device deletes its hold.
 */

import { auditEntry } from "../audit/entry.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import {
  type CertificateRecord,
  certificateRecord,
  type Stored,
  subjectPartition,
} from "../records/certificate-record.ts";
import type { DeviceRecord } from "../records/device-record.ts";
import { type HoldRecord, type HoldState, holdItem, holdKey } from "../records/hold-record.ts";
import { isoSeconds, renewAfter } from "./answer.ts";
import { heldBack } from "./hold.ts";
import { findDevice } from "./known-device.ts";

export type DeviceState = "registered" | "active" | HoldState;

export interface DeviceView {
  readonly deviceId: string;
  /** active: it has had a certificate; registered: not yet. */
  readonly state: DeviceState;
  /** ISO 8601, UTC, as all times here. */
  readonly registeredAt: string;
  readonly stateSince?: string;
  /** The one issued last, unless it was revoked. */
  readonly currentCertificate?: {
    readonly serialNumber: string;
    readonly notAfter: string;
    readonly renewAfter: string;
  };
}

interface Standing {
  readonly device: DeviceRecord;
  readonly hold: Stored<HoldRecord> | undefined;
}

async function getStanding(app: KeylessApp, fleet: string, deviceId: string): Promise<Standing> {
  const { device, hold } = await findDevice(app, fleet, deviceId);
  if (device === undefined)
    throw new AppError("not_found", `there is no device "${deviceId}" in fleet "${fleet}"`);
  return { device, hold };
}

/** The certificate of the device that was issued last, whatever became of it. One query. */
export async function newestCertificate(
  app: KeylessApp,
  fleet: string,
  deviceId: string,
): Promise<CertificateRecord | undefined> {
  const pk = subjectPartition(fleet, "device", deviceId);
  const { items } = await app.items.query({ index: "byDevice", pk, limit: 1, descending: true });
  return items.map((item) => certificateRecord(item).value)[0];
}

function view({ device, hold }: Standing, certificate: CertificateRecord | undefined): DeviceView {
  const current =
    certificate?.state === "issued"
      ? {
          serialNumber: certificate.serialNumber,
          notAfter: isoSeconds(certificate.notAfter),
          renewAfter: renewAfter(certificate),
        }
      : undefined;
  return {
    deviceId: device.deviceId,
    state: hold?.value.state ?? (certificate === undefined ? "registered" : "active"),
    registeredAt: isoSeconds(device.createdAt),
    ...(hold === undefined ? {} : { stateSince: isoSeconds(hold.value.since) }),
    ...(current === undefined ? {} : { currentCertificate: current }),
  };
}

/** Two reads. @throws AppError not_found. */
export async function getDevice(app: KeylessApp, fleet: string, deviceId: string): Promise<DeviceView> {
  const [standing, certificate] = await Promise.all([
    getStanding(app, fleet, deviceId),
    newestCertificate(app, fleet, deviceId),
  ]);
  return view(standing, certificate);
}

export interface DeviceStateChange {
  readonly fleet: string;
  readonly deviceId: string;
  readonly state: "active" | "suspended" | "retired";
  /** Who sets it, as the audit log names it. */
  readonly actor: string;
}

/** The write that makes it so; none when it is so already. @throws AppError device_not_active (retired). */
function stateWrite(
  app: KeylessApp,
  { fleet, state, actor }: DeviceStateChange,
  { device, hold }: Standing,
): WriteOperation | undefined {
  const current = hold?.value.state ?? "active";
  if (current === state) return undefined;
  if (hold?.value.state === "retired") throw heldBack(hold.value);
  const { deviceId } = device;
  if (state !== "active") {
    const put = holdItem(fleet, { deviceId, state, since: app.clock.now(), actor });
    return { put, when: hold?.version ?? "absent" };
  }
  return hold === undefined ? undefined : { delete: holdKey(fleet, deviceId), when: hold.version };
}

const changeAttempts = 5;

/**
 * Counts at once, for every call and every issuance. Setting a state again changes nothing.
 * @throws AppError not_found, device_not_active (retired is for good), store_condition_failed.
 */
export async function setDeviceState(app: KeylessApp, change: DeviceStateChange): Promise<DeviceView> {
  const { fleet, deviceId, state, actor } = change;
  for (let attempt = 1; ; attempt += 1) {
    const standing = await getStanding(app, fleet, deviceId);
    const write = stateWrite(app, change, standing);
    if (write === undefined) return getDevice(app, fleet, deviceId);
    const act = {
      fleet,
      action: "device.state-changed",
      actor,
      subject: standing.device.deviceId,
      result: "success",
      reason: state,
    } as const;
    try {
      await app.items.transact([write, auditEntry(app, act)]);
      return await getDevice(app, fleet, deviceId);
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === changeAttempts) throw error;
    }
  }
}
