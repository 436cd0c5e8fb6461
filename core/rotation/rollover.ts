/** Room: core/rotation. Rollovers as they are found, shown and listed. */
import { type Fleet, getFleet } from "../authority/issuer.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { AppError } from "../errors.ts";
import type { Item, KeylessApp } from "../ports.ts";
import { readItems } from "../records/pages.ts";
import { type RolloverRecord, rolloverPartition, rolloverRecord } from "../records/rollover-record.ts";
import { childrenOf, nextStep } from "./gates.ts";
import { findRollover, idForm, isOpen } from "./rollover-store.ts";
import type { ListRequest, RolloverList, RolloverName, RolloverView } from "./views.ts";

const shown = [
  "publishedAt",
  "namedAt",
  "activatedAt",
  "drainedAt",
  "retiredAt",
  "destructionApprovedAt",
  "deletionAt",
  "endedAt",
] as const;
type ShownTime = (typeof shown)[number];

/** ISO 8601 of those of `names` that the record has. */
export function isoTimes<Name extends string>(
  record: Readonly<Partial<Record<Name, number>>>,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const entries = names.flatMap((name) => {
    const time = record[name];
    return time === undefined ? [] : [[name, isoSeconds(time)] as const];
  });
  return Object.fromEntries(entries) as Partial<Record<Name, string>>;
}

async function mayRollBack(app: KeylessApp, fleet: Fleet, rollover: RolloverRecord): Promise<boolean> {
  if (!isOpen(rollover)) return false;
  if (rollover.kind === "issuing" || rollover.state !== "active") return true;
  return (await childrenOf(app, fleet, rollover.toId)) === 0;
}

/** The rollover as people see it. @throws AppError not_found (no such fleet). */
export async function rolloverView(
  app: KeylessApp,
  record: RolloverRecord,
  known?: Fleet,
): Promise<RolloverView> {
  const fleet = known ?? (await getFleet(app, record.fleet));
  const next = await nextStep(app, record, fleet);
  const { rolloverId, kind, state, fromId, toId, algorithm, custody, emergency, trustVersion } = record;
  return {
    rolloverId,
    kind,
    state,
    from: fromId,
    to: toId,
    algorithm,
    custody,
    emergency,
    createdAt: isoSeconds(record.createdAt),
    createdBy: record.createdBy,
    enteredAt: isoSeconds(record.enteredAt),
    ...isoTimes<ShownTime>(record, shown),
    ...(trustVersion === undefined ? {} : { trustVersion }),
    ...(next === undefined ? {} : { next }),
    mayRollBack: await mayRollBack(app, fleet, record),
  };
}

/** @throws AppError not_found: also for a rollover of another fleet. */
export async function getRollover(app: KeylessApp, name: RolloverName): Promise<RolloverView> {
  return rolloverView(app, (await findRollover(app, name)).value);
}

/** A page of records, newest first, and the id of the first that is not in it. */
export async function pageOf<Value>(
  app: KeylessApp,
  pk: string,
  { limit, cursor }: ListRequest,
  read: (item: Item) => { readonly value: Value },
): Promise<{ readonly values: readonly Value[]; readonly cursor?: string }> {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new AppError("request_invalid", `limit ${limit} is outside 1 to 1000; follow the cursor for more`);
  // A cursor is the id of the first that has not been shown.
  if (cursor !== undefined && !idForm.test(cursor))
    throw new AppError("cursor_invalid", "the cursor is not one that this list gave; start without one");
  const from = cursor === undefined ? {} : { to: cursor };
  const items = await readItems(app, { pk, descending: true, limit: limit + 1, ...from });
  const values = items.slice(0, limit).map((item) => read(item).value);
  const next = items[limit];
  return next === undefined ? { values } : { values, cursor: next.sk };
}

/** @throws AppError not_found (no such fleet), request_invalid (limit), cursor_invalid. */
export async function listRollovers(app: KeylessApp, request: ListRequest): Promise<RolloverList> {
  const fleet = await getFleet(app, request.fleet);
  const page = await pageOf(app, rolloverPartition(request.fleet), request, rolloverRecord);
  const rollovers: RolloverView[] = [];
  for (const record of page.values) rollovers.push(await rolloverView(app, record, fleet));
  return page.cursor === undefined ? { rollovers } : { rollovers, cursor: page.cursor };
}
