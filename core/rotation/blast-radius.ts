/** Room: core/rotation. What a rollover that is not planned yet would touch, and when, for people who decide on it. */
import type { Fleet } from "../authority/issuer.ts";
import { trustAdoption } from "../distribution/adoption.ts";
import { dayOf, readCensus } from "../distribution/census-counts.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { isAppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import type { RolloverRecord } from "../records/rollover-record.ts";
import { rotationStandard } from "../standard/rotation.ts";
import { lastListAt, latestEnd } from "./drain.ts";
import type { GateId, PlannedStep, RolloverPlan } from "./views.ts";

const day = 86_400_000;

/** Each at its earliest: the ceremony today, and all gates as soon as their days are over. */
export function plannedSteps(fleet: Fleet, rollover: RolloverRecord, now: number): readonly PlannedStep[] {
  const { kind, fromId, emergency, publishedDays, activeDays } = rollover;
  const root = kind === "root";
  const active = now + publishedDays * day;
  const draining = active + activeDays * day;
  // A root waits for what stands below it: that goes by rollovers of its own.
  const retired = root ? undefined : emergency ? active : latestEnd(fleet, fromId, active);
  const at = (time: number | undefined) => (time === undefined ? {} : { at: isoSeconds(time) });
  const listed = root ? undefined : lastListAt({ kind, drainedAt: latestEnd(fleet, fromId, active) });
  const destroyed = listed === undefined ? undefined : listed + rotationStandard.deletionDays * day;
  const gateway: readonly GateId[] = fleet.gateway === undefined ? [] : ["gateway"];
  return [
    { state: "published", gates: ["ceremony"], by: "people", ...at(now) },
    { state: "active", gates: ["manifest", "days", "adoption", ...gateway], by: "system", ...at(active) },
    { state: "draining", gates: ["days"], by: "system", ...at(draining) },
    {
      state: "retired",
      gates: root ? ["children"] : emergency ? ["approval"] : ["drained"],
      by: emergency ? "people" : "system",
      ...at(retired),
    },
    {
      state: "destroyed",
      gates: root ? ["approval"] : ["drained", "approval"],
      by: "people",
      ...at(destroyed),
    },
  ];
}

async function devicesOf(app: KeylessApp, fleet: string): Promise<Pick<RolloverPlan, "devices">> {
  try {
    const { version, asOf, devices, versions } = await trustAdoption(app, { fleet });
    const upToDate = versions.find((one) => one.version === version)?.devices ?? 0;
    return { devices: { trusting: devices, upToDate, asOf } };
  } catch (error) {
    // Nothing was ever published.
    if (isAppError(error, "not_found")) return {};
    throw error;
  }
}

/** Authorities whose certificates are touched: the one that is replaced, and all below it. */
function touched({ authorities }: Fleet, fromId: string): ReadonlySet<string> {
  const below = authorities.filter(({ record }) => record.parentId === fromId);
  return new Set([fromId, ...below.map(({ record }) => record.authorityId)]);
}

/** Three reads, however many certificates there are. */
export async function blastRadius(
  app: KeylessApp,
  fleet: Fleet,
  { fromId }: RolloverRecord,
): Promise<Pick<RolloverPlan, "inForce" | "devices">> {
  const { fleet: name } = fleet.record;
  const { progress, counts } = await readCensus(app, name);
  const ids = touched(fleet, fromId);
  const today = dayOf(app.clock.now());
  const byProfile: Record<string, number> = {};
  let certificates = 0;
  for (const { value } of counts.filter((one) => ids.has(one.value.authorityId))) {
    for (const [ends, number] of value.days) {
      if (ends < today || number === 0) continue;
      certificates += number;
      byProfile[value.profile] = (byProfile[value.profile] ?? 0) + number;
    }
  }
  const asOf = isoSeconds(progress?.value.asOf ?? 0);
  return { inForce: { asOf, certificates, byProfile }, ...(await devicesOf(app, name)) };
}
