/**
 * Room: core/rotation. What a rollover waits for in its present state, and whether it is there. Nothing is skipped: people
 * who advance a rollover by hand meet the same gates.
 */
import { hash } from "node:crypto";
import { type Fleet, getFleet } from "../authority/issuer.ts";
import { trustSigners } from "../distribution/known-signers.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { decodeCertificate } from "../formats/x509/certificate.ts";
import type { KeylessApp } from "../ports.ts";
import { isTrusted } from "../records/fleet-record.ts";
import type { RolloverRecord, RolloverState } from "../records/rollover-record.ts";
import { lastListAt } from "./drain.ts";
import { findKeyConditions } from "./key-conditions.ts";
import { adoptionSurvey } from "./survey.ts";
import type { GateView } from "./views.ts";

const day = 86_400_000;

export interface NextStep {
  readonly state: RolloverState;
  readonly gates: readonly GateView[];
}

/** A gate that time alone opens, `days` after `since`; never while that is unknown. */
function daysGate(since: number | undefined, days: number, now: number): GateView {
  if (since === undefined) return { gate: "days", holds: days === 0, have: 0, want: days };
  const at = since + days * day;
  const have = Math.max(0, Math.floor((now - since) / day));
  return { gate: "days", holds: now >= at, have, want: days, at: isoSeconds(at) };
}

/** RFC 9810 §4.4: whoever relies on the fleet must have the new authority before it is needed. */
async function adoptionGate(app: KeylessApp, rollover: RolloverRecord): Promise<GateView> {
  const want = rollover.adoptionPercent;
  if (want === 0) return { gate: "adoption", holds: true, want };
  const known =
    rollover.trustVersion === undefined ? undefined : await adoptionSurvey(app, rollover.fleet, rollover);
  if (known === undefined) return { gate: "adoption", holds: false, want };
  const { active, adopted } = known;
  // Nobody has to be waited for in a fleet without active devices.
  const have = active === 0 ? 100 : Math.floor((adopted * 1000) / active) / 10;
  return { gate: "adoption", holds: have >= want, have, want };
}

async function publishedGates(app: KeylessApp, fleet: Fleet, rollover: RolloverRecord): Promise<NextStep> {
  const { trustVersion, namedAt, publishedDays, toId } = rollover;
  const { gateway } = fleet;
  const letsIn = gateway === undefined || gateway.authorityIds.includes(toId);
  return {
    state: "active",
    gates: [
      { gate: "manifest", holds: trustVersion !== undefined },
      daysGate(namedAt, publishedDays, app.clock.now()),
      await adoptionGate(app, rollover),
      ...(gateway === undefined ? [] : [{ gate: "gateway", holds: letsIn } as const]),
    ],
  };
}

/** The DER of a name or key as something to compare. */
const digest = (raw: Uint8Array): string => hash("sha256", raw);

/**
 * What stands below the root `rootId`: issuing authorities, and signers of trust manifests that it certified.
 * @param signingOnly Those alone that sign what is new: the rest goes with a root that is lost to us.
 */
export async function childrenOf(
  app: KeylessApp,
  fleet: Fleet,
  rootId: string,
  signingOnly = false,
): Promise<number> {
  const below = fleet.authorities.filter(
    ({ record }) =>
      record.parentId === rootId && isTrusted(record) && !(signingOnly && record.state === "draining"),
  ).length;
  const root = fleet.authorities.find(({ record }) => record.authorityId === rootId);
  if (root === undefined) return below;
  const subject = digest(root.certificate.tbs.subjectRaw);
  const signers = (await trustSigners(app, fleet.record.fleet)).filter(
    ({ value }) =>
      value.state !== "former" && digest(decodeCertificate(value.certificate).tbs.issuerRaw) === subject,
  );
  return below + signers.length;
}

/** In an emergency people need not wait for what goes by itself. */
async function drainingGates(app: KeylessApp, fleet: Fleet, rollover: RolloverRecord): Promise<NextStep> {
  const state = "retired";
  const { kind, emergency, fromId, drainedAt = Number.POSITIVE_INFINITY } = rollover;
  if (kind === "root") {
    const have = await childrenOf(app, fleet, fromId);
    const gate = emergency ? "approval" : "children";
    return { state, gates: [{ gate, holds: have === 0, have, want: 0 }] };
  }
  const at = Number.isFinite(drainedAt) ? { at: isoSeconds(drainedAt) } : {};
  const gate = emergency ? "approval" : "drained";
  return { state, gates: [{ gate, holds: app.clock.now() >= drainedAt, ...at }] };
}

/** A key that is gone signs no list, whatever is needed. */
async function isGone(app: KeylessApp, fleet: Fleet, authorityId: string): Promise<boolean> {
  const { keyId } = fleet.authorities.find(({ record }) => record.authorityId === authorityId)?.record ?? {};
  const known = (await findKeyConditions(app, fleet.record.fleet))?.value.keys ?? [];
  return known.some((key) => key.keyId === keyId && key.condition === "destroyed");
}

async function retiredGates(app: KeylessApp, fleet: Fleet, rollover: RolloverRecord): Promise<NextStep> {
  const at = lastListAt(rollover);
  const isOver = app.clock.now() >= at;
  const holds = isOver || (await isGone(app, fleet, rollover.fromId));
  return {
    state: "destroyed",
    gates: [
      ...(rollover.kind === "root" ? [] : [{ gate: "drained", holds, at: isoSeconds(at) } as const]),
      { gate: "approval", holds: rollover.destructionApprovedAt !== undefined },
    ],
  };
}

/**
 * Undefined where nothing follows.
 * @throws AppError not_found (no such fleet), and what the survey's reading throws.
 */
export async function nextStep(
  app: KeylessApp,
  rollover: RolloverRecord,
  known?: Fleet,
): Promise<NextStep | undefined> {
  const { state, activatedAt, activeDays } = rollover;
  const fleet = async () => known ?? (await getFleet(app, rollover.fleet));
  switch (state) {
    case "planned":
      return { state: "published", gates: [{ gate: "ceremony", holds: false }] };
    case "published":
      return await publishedGates(app, await fleet(), rollover);
    case "active":
      return { state: "draining", gates: [daysGate(activatedAt, activeDays, app.clock.now())] };
    case "draining":
      return await drainingGates(app, await fleet(), rollover);
    case "retired":
      return await retiredGates(app, await fleet(), rollover);
    case "destroyed":
    case "rolledBack":
      return undefined;
  }
}

/** Of a retirement that two people decide on in an emergency: nothing that signs may stand below a root that goes. */
export async function emergencyGates(
  app: KeylessApp,
  { fleet, kind, fromId }: RolloverRecord,
): Promise<readonly GateView[]> {
  if (kind === "issuing") return [];
  const have = await childrenOf(app, await getFleet(app, fleet), fromId, true);
  return [{ gate: "children", holds: have === 0, have, want: 0 }];
}

export const allHold = (gates: readonly GateView[]): boolean => gates.every(({ holds }) => holds);
