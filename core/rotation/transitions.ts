/**
 * Room: core/rotation. What each transition of a rollover writes, as one transaction: the rollover, the authorities that
 * change with it, the fleet where its issuer changes, and the audit. Each is conditioned on all that it has read.
 * Whether it may happen is for `gates.ts`.
 */
import { auditEntry } from "../audit/entry.ts";
import { type Fleet, getFleet } from "../authority/issuer.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { type AuthorityState, fleetItem } from "../records/fleet-record.ts";
import type { RolloverRecord } from "../records/rollover-record.ts";
import { latestEnd } from "./drain.ts";
import { authorityMove, entered, type Move, moveOf, storedAuthority } from "./rollover-store.ts";

/** An act on the rollover for the audit. */
export function rolloverEntry(
  app: KeylessApp,
  { fleet, rolloverId }: RolloverRecord,
  action:
    | "rollover.planned"
    | "rollover.advanced"
    | "rollover.rolled-back"
    | "rollover.destruction-decided"
    | "rollover.destruction-cancelled",
  actor: string,
  reason?: string,
): WriteOperation {
  const act = { fleet, action, actor, subject: rolloverId, result: "success" } as const;
  return auditEntry(app, reason === undefined ? act : { ...act, reason });
}

async function authorityWrite(
  app: KeylessApp,
  fleet: string,
  authorityId: string,
  from: readonly AuthorityState[],
  state: AuthorityState,
): Promise<WriteOperation> {
  return authorityMove(await storedAuthority(app, fleet, authorityId), from, state, app.clock.now());
}

/** The fleet issues with `issuingAuthorityId` from now on. */
const issuerWrite = ({ record, version }: Fleet, issuingAuthorityId: string): WriteOperation => ({
  put: fleetItem({ ...record, issuingAuthorityId }),
  when: version,
});

/** published → active: the successor signs, and its predecessor signs lists alone. */
export async function activation(
  app: KeylessApp,
  stored: Stored<RolloverRecord>,
  actor: string,
): Promise<Move> {
  const { value } = stored;
  const { fleet: name, fromId, toId, kind } = value;
  const now = app.clock.now();
  const fleet = await getFleet(app, name);
  const issuing = kind === "issuing";
  const record: RolloverRecord = {
    ...entered(value, "active", now),
    activatedAt: now,
    ...(issuing ? { drainedAt: latestEnd(fleet, fromId, now) } : {}),
  };
  return moveOf(
    stored,
    record,
    await authorityWrite(app, name, toId, ["published"], "active"),
    await authorityWrite(app, name, fromId, ["active"], "draining"),
    ...(issuing ? [issuerWrite(fleet, toId)] : []),
    rolloverEntry(app, record, "rollover.advanced", actor, "active"),
  );
}

/** active → draining: it cannot be taken back any more. */
export function draining(app: KeylessApp, stored: Stored<RolloverRecord>, actor: string): Move {
  const record = entered(stored.value, "draining", app.clock.now());
  return moveOf(stored, record, rolloverEntry(app, record, "rollover.advanced", actor, "draining"));
}

/** draining (in an emergency also active) → retired: the predecessor leaves the trust. */
export async function retirement(
  app: KeylessApp,
  stored: Stored<RolloverRecord>,
  actor: string,
): Promise<Move> {
  const now = app.clock.now();
  const record: RolloverRecord = { ...entered(stored.value, "retired", now), retiredAt: now };
  return moveOf(
    stored,
    record,
    await authorityWrite(app, record.fleet, record.fromId, ["draining"], "retired"),
    rolloverEntry(app, record, "rollover.advanced", actor, "retired"),
  );
}

/** What the successor of a rollover that is taken back comes to, and its predecessor with it. */
async function undone(
  app: KeylessApp,
  { fleet: name, state, kind, fromId, toId }: RolloverRecord,
  fleet: Fleet,
): Promise<readonly WriteOperation[]> {
  if (state === "planned") return [];
  if (state === "published") return [await authorityWrite(app, name, toId, ["published"], "retired")];
  return [
    // What it has issued stays trusted until it ends.
    await authorityWrite(app, name, toId, ["active"], "draining"),
    await authorityWrite(app, name, fromId, ["draining"], "active"),
    ...(kind === "issuing" ? [issuerWrite(fleet, fromId)] : []),
  ];
}

/** planned, published, active → rolledBack. */
export async function takingBack(
  app: KeylessApp,
  stored: Stored<RolloverRecord>,
  actor: string,
): Promise<Move> {
  const { value } = stored;
  const now = app.clock.now();
  const fleet = await getFleet(app, value.fleet);
  const { drainedAt: _, ...rest } = entered(value, "rolledBack", now);
  const issued = value.state === "active";
  const drainedAt = value.kind === "issuing" ? latestEnd(fleet, value.toId, now) : now;
  const record: RolloverRecord = { ...rest, ...(issued ? { drainedAt } : { endedAt: now }) };
  return moveOf(
    stored,
    record,
    ...(await undone(app, value, fleet)),
    rolloverEntry(app, record, "rollover.rolled-back", actor, value.state),
  );
}

/** rolledBack, once what the successor has issued is over: it leaves the trust. */
export async function discarding(app: KeylessApp, stored: Stored<RolloverRecord>): Promise<Move> {
  const now = app.clock.now();
  const record: RolloverRecord = { ...stored.value, retiredAt: now, endedAt: now };
  return moveOf(
    stored,
    record,
    await authorityWrite(app, record.fleet, record.toId, ["draining"], "retired"),
    rolloverEntry(app, record, "rollover.advanced", "system", "retired"),
  );
}
