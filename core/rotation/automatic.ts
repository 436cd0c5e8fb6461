/** Room: core/rotation. What the task does next with a rollover as it stands: one move, or nothing. */

import { getFleet } from "../authority/issuer.ts";
import { decodeManifest } from "../distribution/manifest-decoding.ts";
import { findPublication } from "../distribution/trust-version.ts";
import type { RotationApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { RolloverRecord } from "../records/rollover-record.ts";
import { destruction, recovery } from "./destruction.ts";
import { countedEnd } from "./drain.ts";
import { renewalAsked, revoked } from "./emergency.ts";
import { allHold, childrenOf, nextStep } from "./gates.ts";
import { type Move, moveOf } from "./rollover-store.ts";
import { told } from "./telling.ts";
import { activation, discarding, draining, retirement } from "./transitions.ts";

type Found = Stored<RolloverRecord>;

async function gatesHold(app: RotationApp, { value }: Found): Promise<boolean> {
  const next = await nextStep(app, value);
  return next !== undefined && allHold(next.gates);
}

/** Notes the version of the trust that names the successor, once it is in its place. */
async function named(app: RotationApp, stored: Found): Promise<Move | undefined> {
  const { value } = stored;
  const found = await findPublication(app, value.fleet);
  if (found === undefined || found.value.placedVersion !== found.value.trustVersion) return undefined;
  const { roots, authorities } = decodeManifest(Buffer.from(found.value.payload));
  const names = [...roots, ...authorities].map(({ authorityId }) => authorityId);
  if (!names.includes(value.toId)) return undefined;
  const { trustVersion } = found.value;
  return moveOf(stored, { ...value, trustVersion, namedAt: app.clock.now() });
}

async function published(app: RotationApp, stored: Found): Promise<Move | undefined> {
  if (stored.value.trustVersion === undefined) return await named(app, stored);
  return (await gatesHold(app, stored)) ? await activation(app, stored, "system") : undefined;
}

async function active(app: RotationApp, stored: Found): Promise<Move | undefined> {
  return (await gatesHold(app, stored)) ? draining(app, stored, "system") : undefined;
}

/** Brings the end forward to that of the last certificate, as soon as all are counted. */
async function drainedSooner(app: RotationApp, stored: Found): Promise<Move | undefined> {
  const { value } = stored;
  const { fleet, fromId, kind, activatedAt, drainedAt } = value;
  if (kind === "root" || activatedAt === undefined || drainedAt === undefined) return undefined;
  const end = await countedEnd(app, { fleet, authorityId: fromId, since: activatedAt });
  return end === undefined || end >= drainedAt ? undefined : moveOf(stored, { ...value, drainedAt: end });
}

async function drains(app: RotationApp, stored: Found): Promise<Move | undefined> {
  const sooner = await drainedSooner(app, stored);
  if (sooner !== undefined) return sooner;
  return (await gatesHold(app, stored)) ? await retirement(app, stored, "system") : undefined;
}

async function retired(app: RotationApp, stored: Found): Promise<Move | undefined> {
  const { destructionApprovedAt, destructionCancelledAt } = stored.value;
  if (destructionApprovedAt !== undefined) return await destruction(app, stored);
  return destructionCancelledAt === undefined ? undefined : await recovery(app, stored);
}

function destroyed(app: RotationApp, stored: Found): Move | undefined {
  const { deletionAt = Number.POSITIVE_INFINITY, endedAt } = stored.value;
  const now = app.clock.now();
  return endedAt !== undefined || now < deletionAt
    ? undefined
    : moveOf(stored, { ...stored.value, endedAt: now });
}

async function takenBack(app: RotationApp, stored: Found): Promise<Move | undefined> {
  const { fleet, kind, toId, drainedAt, endedAt } = stored.value;
  if (endedAt !== undefined || drainedAt === undefined || app.clock.now() < drainedAt) return undefined;
  if (kind === "root" && (await childrenOf(app, await getFleet(app, fleet), toId)) > 0) return undefined;
  return await discarding(app, stored);
}

/** What an emergency asks for beside the replacement. */
async function urgent(app: RotationApp, stored: Found): Promise<Move | undefined> {
  const { emergency, kind, activatedAt, windowsAt, state, revokedAt } = stored.value;
  if (!emergency || activatedAt === undefined || state === "rolledBack") return undefined;
  if (kind === "issuing" && windowsAt === undefined) return await renewalAsked(app, stored);
  if (state === "retired" && revokedAt === undefined) return await revoked(app, stored);
  return undefined;
}

/** Undefined when nothing is to be done now. @throws AppError the ports' codes. */
export async function automaticMove(app: RotationApp, stored: Found): Promise<Move | undefined> {
  const first = (await told(app, stored)) ?? (await urgent(app, stored));
  if (first !== undefined) return first;
  switch (stored.value.state) {
    case "planned":
      return undefined;
    case "published":
      return await published(app, stored);
    case "active":
      return await active(app, stored);
    case "draining":
      return await drains(app, stored);
    case "retired":
      return await retired(app, stored);
    case "destroyed":
      return destroyed(app, stored);
    case "rolledBack":
      return await takenBack(app, stored);
  }
}
