/** Room: core/enrollment. What holds a device back, for those who look: an issuance asks in its transaction instead. */
import { AppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { type HoldRecord, holdKey, holdRecord } from "../records/hold-record.ts";

/** The hold on a device, undefined for one in good standing. One read. */
export async function findHold(
  app: KeylessApp,
  fleet: string,
  deviceId: string,
): Promise<Stored<HoldRecord> | undefined> {
  const item = await app.items.get(holdKey(fleet, deviceId));
  return item === undefined ? undefined : holdRecord(item);
}

/** Why a device with this hold is refused. */
export function heldBack({ state }: Pick<HoldRecord, "state">): AppError {
  const remedy = state === "retired" ? "it does not come back" : "ask the fleet's operators to release it";
  return new AppError("device_not_active", `the device is ${state}; ${remedy}`);
}
