/** Room: core/rotation. Rollovers and authorities as the store has them, each with the version that a change of it is conditioned on. */
import type { Fleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import {
  type AuthorityRecord,
  type AuthorityState,
  authorityItem,
  authorityRecord,
} from "../records/fleet-record.ts";
import { readItems } from "../records/pages.ts";
import {
  type RolloverRecord,
  type RolloverState,
  rolloverItem,
  rolloverKey,
  rolloverPartition,
  rolloverRecord,
} from "../records/rollover-record.ts";
import { rootInForce } from "./signing-root.ts";
import type { RolloverName } from "./views.ts";

/** More than a fleet ever has: a root every few years, an issuing authority every other. */
const maximumRollovers = 1_000;

/** 32 hexadecimal digits, the time first. */
export const idForm = /^[0-9a-f]{32}$/;

/** An id of rollovers and ceremonies: later ones are greater. */
export function drawId(app: Pick<KeylessApp, "entropy">, now: number): string {
  return now.toString(16).padStart(12, "0") + Buffer.from(app.entropy.bytes(10)).toString("hex");
}

/** All that the fleet ever had, the oldest first. */
export async function allRollovers(
  app: KeylessApp,
  fleet: string,
): Promise<readonly Stored<RolloverRecord>[]> {
  const items = await readItems(app, { pk: rolloverPartition(fleet), limit: maximumRollovers });
  return items.map(rolloverRecord);
}

/** @throws AppError not_found: also for a rollover of another fleet. */
export async function findRollover(
  app: KeylessApp,
  { fleet, rolloverId }: RolloverName,
): Promise<Stored<RolloverRecord>> {
  const item = idForm.test(rolloverId) ? await app.items.get(rolloverKey(fleet, rolloverId)) : undefined;
  if (item !== undefined) return rolloverRecord(item);
  throw new AppError("not_found", "no rollover of this fleet has that id; list them");
}

/** States in which a kind has room for no second rollover. */
export const isOpen = ({ state }: RolloverRecord): boolean =>
  state === "planned" || state === "published" || state === "active";

/** @throws AppError authority_unavailable. */
export async function storedAuthority(
  app: KeylessApp,
  fleet: string,
  authorityId: string,
): Promise<Stored<AuthorityRecord>> {
  const { pk, sk } = authorityItem({ fleet, authorityId } as AuthorityRecord);
  const item = await app.items.get({ pk, sk });
  if (item !== undefined) return { value: authorityRecord(item), version: item.version };
  throw new AppError("authority_unavailable", `fleet "${fleet}" has no authority "${authorityId}"`);
}

/** @throws AppError authority_unavailable: it is in another state than `from`. */
export function authorityMove(
  { value, version }: Stored<AuthorityRecord>,
  from: readonly AuthorityState[],
  state: AuthorityState,
  now: number,
): WriteOperation {
  if (from.includes(value.state))
    return { put: authorityItem({ ...value, state, changedAt: now }), when: version };
  throw new AppError(
    "authority_unavailable",
    `authority "${value.authorityId}" is ${value.state}, not ${from.join(" or ")}; its rollover cannot go on`,
  );
}

/** A rollover as it is to be, and all that is written with it. */
export interface Move {
  readonly record: RolloverRecord;
  readonly writes: readonly WriteOperation[];
}

export function moveOf(
  { version }: Stored<RolloverRecord>,
  record: RolloverRecord,
  ...others: readonly WriteOperation[]
): Move {
  return { record, writes: [{ put: rolloverItem(record), when: version }, ...others] };
}

/** In `state` from `now` on. */
export const entered = (record: RolloverRecord, state: RolloverState, now: number): RolloverRecord => ({
  ...record,
  state,
  enteredAt: now,
});

/** The authority that a rollover of this kind replaces. @throws AppError authority_unavailable. */
export function predecessor(fleet: Fleet, kind: RolloverRecord["kind"]): AuthorityRecord {
  if (kind === "root") return rootInForce(fleet).record;
  const wanted = fleet.record.issuingAuthorityId;
  const found = fleet.authorities.find(({ record }) => record.authorityId === wanted);
  if (found !== undefined) return found.record;
  throw new AppError("authority_unavailable", `fleet "${fleet.record.fleet}" has no authority "${wanted}"`);
}
