/** Room: core/rotation. What people have to do about wrapping keys: how they rotate, how often they can still be asked to. */
import type { DataKeyState } from "../ports.ts";
import type { RotationTaskRecord } from "../records/rotation-task-record.ts";
import { cryptoperiods } from "../standard/cryptoperiods.ts";
import { rotationStandard } from "../standard/rotation.ts";
import { ageState, keyAge } from "./cryptoperiod.ts";

type DataKeyDuty = Pick<RotationTaskRecord, "action" | "subject" | "severity" | "dueAt">;

const { warnFrom } = rotationStandard.onDemandRotations;

/** From when its age counts: the material that wraps now. */
export const sinceOfDataKey = ({ createdAt, lastRotationAt }: DataKeyState): number =>
  Math.max(createdAt, lastRotationAt ?? 0);

/** A shorter period than the standard's is as good: what rotates by itself is counted by no limit. */
const rotatesInTime = ({ rotationDays }: DataKeyState): boolean =>
  rotationDays !== undefined && rotationDays <= cryptoperiods.keyEncryption.originatorDays;

function rotationDuty(key: DataKeyState): readonly DataKeyDuty[] {
  const { name, onDemandRotations, onDemandLimit } = key;
  const isExhausted = onDemandRotations >= onDemandLimit;
  // Asked for as often as it can be: what rotates by itself goes on, but nobody can hasten it in need.
  if (rotatesInTime(key) && onDemandRotations < Math.min(warnFrom, onDemandLimit)) return [];
  return [{ action: "inspectRotation", subject: name, severity: isExhausted ? "critical" : "warning" }];
}

function ageDuty(key: DataKeyState, now: number): readonly DataKeyDuty[] {
  const age = keyAge("keyEncryption", sinceOfDataKey(key));
  // Due and overdue at one moment: what rotates by itself does so within the grace.
  if (ageState(age, now) !== "refused") return [];
  return [{ action: "replaceKey", subject: key.name, severity: "critical", dueAt: age.refusedAt }];
}

export function dataKeyDuties(keys: readonly DataKeyState[], now: number): readonly DataKeyDuty[] {
  return keys.flatMap((key): readonly DataKeyDuty[] => {
    const { name, condition, deletionAt } = key;
    const dueAt = deletionAt === undefined ? {} : { dueAt: deletionAt };
    if (condition !== "enabled")
      return [{ action: "inspectKey", subject: name, severity: "critical", ...dueAt }];
    return [...rotationDuty(key), ...ageDuty(key, now)];
  });
}
