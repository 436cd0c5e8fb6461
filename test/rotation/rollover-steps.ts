/** Room: test. The acts of people on a rollover, each with an approval of its own. */
import { expect } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import type { RolloverState } from "../../core/records/rollover-record.ts";
import { advanceRollover } from "../../core/rotation/advance.ts";
import { openCeremony } from "../../core/rotation/ceremony.ts";
import { rollbackRollover } from "../../core/rotation/rollback.ts";
import { getRollover } from "../../core/rotation/rollover.ts";
import { planRollover } from "../../core/rotation/rollover-plan.ts";
import type { AdvanceRequest, PreviewRequest, RolloverView } from "../../core/rotation/views.ts";
import { approved, day, name, type RolloverApp, type RolloverFleet, settle } from "./rollover-fleet.ts";

type Kind = PreviewRequest["kind"];

export const view = (app: RolloverApp, rolloverId: string) => getRollover(app, { fleet: name, rolloverId });

export async function plan(
  app: RolloverApp,
  kind: Kind,
  more: Partial<PreviewRequest> = {},
): Promise<RolloverView> {
  const people = await approved(app, { critical: "authorityRotation", what: "plan" });
  const { fleet: _, ...rest } = { fleet: name, ...more };
  return await planRollover(app, { ...people, ...rest, kind });
}

export async function ceremony(app: RolloverApp, rolloverId: string) {
  const people = await approved(app, { critical: "authorityUse", what: rolloverId });
  return await openCeremony(app, { ...people, purpose: "rollover", rolloverId });
}

export async function advance(
  app: RolloverApp,
  rolloverId: string,
  to: RolloverState,
  more: Pick<AdvanceRequest, "emergency"> = {},
) {
  const critical = to === "destroyed" ? "keyDestruction" : "authorityRotation";
  const people = await approved(app, { critical, what: rolloverId });
  return await advanceRollover(app, { ...people, rolloverId, to, ...more });
}

export async function rollBack(app: RolloverApp, rolloverId: string) {
  const people = await approved(app, { critical: "authorityRotation", what: rolloverId });
  return await rollbackRollover(app, { ...people, rolloverId });
}

/** States of the fleet's authorities, by id. */
export async function authorities(app: RolloverApp): Promise<Readonly<Record<string, string>>> {
  const fleet = await getFleet(app, name);
  return Object.fromEntries(fleet.authorities.map(({ record }) => [record.authorityId, record.state]));
}

export const issuer = async (app: RolloverApp) => (await getFleet(app, name)).record.issuingAuthorityId;

/** Plans a rollover and brings it to `state` on its ordinary way. */
export async function bringTo(fleet: RolloverFleet, kind: Kind, state: RolloverState): Promise<string> {
  const { app } = fleet;
  const { rolloverId } = await plan(app, kind);
  await onwards(fleet, rolloverId, state);
  return rolloverId;
}

/** From where it is. */
export async function onwards(fleet: RolloverFleet, rolloverId: string, state: RolloverState): Promise<void> {
  const { app } = fleet;
  for (let step = 0; step < 8; step += 1) {
    await settle(app);
    const now = await view(app, rolloverId);
    if (now.state === state) return;
    if (now.state === "planned") await ceremony(app, rolloverId);
    else if (now.state === "published") fleet.advance((now.kind === "root" ? 31 : 8) * day);
    else if (now.state === "active") fleet.advance((now.kind === "root" ? 8 : 2) * day);
    else if (now.state === "draining") fleet.advance(400 * day);
    else if (now.state === "retired") {
      // Its last list is to be over.
      fleet.advance(40 * day);
      await advance(app, rolloverId, "destroyed");
    }
  }
  expect((await view(app, rolloverId)).state).toBe(state);
}
