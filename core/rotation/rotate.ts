/**
 * Room: core/rotation. One run of the rotation over all fleets: roots go back and are lent, what is due is planned,
 * rollovers go on, keys are looked at, and what waits for people is opened and closed. Idempotent, and safe beside
 * other runs.
 */
import { type Fleet, getFleet } from "../authority/issuer.ts";
import { isAppError } from "../errors.ts";
import { allFleets } from "../fleets/directory.ts";
import type { DataKeyState, RotationApp } from "../ports.ts";
import { ceremonyPartition, ceremonyRecord } from "../records/ceremony-record.ts";
import type { CrlRecord } from "../records/crl-record.ts";
import { readItems } from "../records/pages.ts";
import { findListRecord } from "../revocation/list-record.ts";
import { completeShard } from "../revocation/shard.ts";
import { wake } from "../revocation/wake.ts";
import { advanceRollovers } from "./advance.ts";
import { isDue } from "./cryptoperiod.ts";
import { grantRotations } from "./data-keys.ts";
import { dutiesOf } from "./duties.ts";
import { inspectKeys } from "./key-conditions.ts";
import { tellAges } from "./key-notices.ts";
import { type HeldKey, keyRing } from "./key-ring.ts";
import type { RotationOptions, RotationReport } from "./key-views.ts";
import { lendRoots, returnRoots } from "./loans.ts";
import { missingSigner, offlineRoot } from "./offline/signer-need.ts";
import { reconcileTasks } from "./reconcile.ts";
import { planDueRollover } from "./rollover-plan.ts";
import { allRollovers } from "./rollover-store.ts";

type Counts = { -readonly [Name in keyof RotationReport]: RotationReport[Name] };

/** More than are held at one time. */
const lastCeremonies = 100;

const endOf = ({ until }: RotationOptions): number => until ?? Number.POSITIVE_INFINITY;

/** One step that fails keeps no other from being done. */
async function attempt(
  app: RotationApp,
  report: Counts,
  step: string,
  act: () => Promise<void>,
  fleet?: string,
): Promise<void> {
  try {
    await act();
  } catch (error) {
    const code = isAppError(error) ? error.code : "internal";
    app.log.error("rotation_failed", { step, code, ...(fleet === undefined ? {} : { fleet }) });
    report.failed += 1;
  }
}

/** The wrapping keys, listed once a run, when first asked for. */
function listedOnce(app: RotationApp): () => Promise<readonly DataKeyState[]> {
  let listed: Promise<readonly DataKeyState[]> | undefined;
  return () => {
    listed ??= app.dataKeys.list();
    return listed;
  };
}

async function planDue(app: RotationApp, fleet: Fleet, keys: readonly HeldKey[]): Promise<number> {
  const now = app.clock.now();
  let planned = 0;
  for (const kind of ["root", "issuing"] as const) {
    const isWanted = keys.some(
      (key) => key.kind === kind && key.use === "used" && isDue(kind, key.since, now),
    );
    if (isWanted && (await planDueRollover(app, fleet, kind)) !== undefined) planned += 1;
  }
  return planned;
}

/** The lists of roots that relying parties may still read. */
async function rootLists(app: RotationApp, { record, authorities }: Fleet): Promise<readonly CrlRecord[]> {
  const roots = authorities.filter(
    ({ record: { kind, state } }) => kind === "root" && (state === "active" || state === "draining"),
  );
  const found = await Promise.all(
    roots.map(({ record: { authorityId } }) =>
      findListRecord(app, { fleet: record.fleet, authorityId, crlShard: completeShard }),
    ),
  );
  return found.flatMap((list) =>
    list === undefined || list.value.publishedNumber === 0 ? [] : [list.value],
  );
}

/** Keys as they are, people told of their ages, tasks opened and closed. */
async function tendPeople(
  app: RotationApp,
  name: string,
  report: Counts,
  listDataKeys: () => Promise<readonly DataKeyState[]>,
): Promise<void> {
  const fleet = await getFleet(app, name);
  const keys = await keyRing(app, fleet);
  const conditions = await inspectKeys(app, fleet, keys, listDataKeys);
  report.notices += await tellAges(app, name, keys, conditions.dataKeys);
  const [rollovers, ceremonies, lists, missing] = await Promise.all([
    allRollovers(app, name),
    readItems(app, { pk: ceremonyPartition(name), descending: true, limit: lastCeremonies }),
    rootLists(app, fleet),
    offlineRoot(fleet) === undefined ? undefined : missingSigner(app, name),
  ]);
  const duties = dutiesOf({
    fleet,
    keys,
    rollovers: rollovers.map(({ value }) => value),
    ceremonies: ceremonies.map((item) => ceremonyRecord(item).value),
    rootLists: lists,
    conditions,
    ...(missing === undefined ? {} : { missingSigner: missing }),
    now: app.clock.now(),
  });
  const { tasks, notices } = await reconcileTasks(app, name, duties);
  report.tasks += tasks;
  report.notices += notices;
}

/** What is signed elsewhere is asked for, and what came back is finished, whoever has died over it. */
async function wakeCeremony(app: RotationApp, name: string): Promise<void> {
  if (offlineRoot(await getFleet(app, name)) !== undefined) await wake(app, "ceremony");
}

async function rotateFleet(
  app: RotationApp,
  name: string,
  report: Counts,
  options: RotationOptions,
  listDataKeys: () => Promise<readonly DataKeyState[]>,
): Promise<void> {
  const step = async (called: string, act: () => Promise<void>) => {
    if (app.clock.now() < endOf(options)) await attempt(app, report, called, act, name);
  };
  await step("return-roots", async () => {
    report.loans += await returnRoots(app, name);
  });
  await step("plan", async () => {
    const fleet = await getFleet(app, name);
    report.rollovers += await planDue(app, fleet, await keyRing(app, fleet));
  });
  await step("rollovers", async () => {
    report.rollovers += await advanceRollovers(app, name, options.until);
  });
  await step("lend-roots", async () => {
    report.loans += await lendRoots(app, name);
  });
  await step("offline", () => wakeCeremony(app, name));
  await step("people", () => tendPeople(app, name, report, listDataKeys));
}

/** Each run begins with another one: what a short run does not reach, the next ones do. */
async function fleetsInTurn(app: RotationApp): Promise<readonly string[]> {
  const names = await allFleets(app);
  const first = Buffer.from(app.entropy.bytes(4)).readUInt32BE() % Math.max(1, names.length);
  return [...names.slice(first), ...names.slice(0, first)];
}

/**
 * Roots go back first, and nothing waits for a fleet whose step fails.
 * @throws AppError store_unavailable when the fleets cannot be listed.
 */
export async function rotate(app: RotationApp, options: RotationOptions = {}): Promise<RotationReport> {
  const report: Counts = { loans: 0, rollovers: 0, tasks: 0, notices: 0, rotated: 0, failed: 0 };
  const listDataKeys = listedOnce(app);
  for (const name of await fleetsInTurn(app)) {
    if (app.clock.now() >= endOf(options)) break;
    await rotateFleet(app, name, report, options, listDataKeys);
  }
  await attempt(app, report, "data-keys", async () => {
    report.rotated += await grantRotations(app, listDataKeys);
  });
  const changed = Object.values(report).some((count) => count > 0);
  if (options.logEveryRun === true || changed) app.log.info("rotated", { ...report });
  return report;
}
