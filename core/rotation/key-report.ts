/** Room: core/rotation. Every key of a fleet for people: how old, how long it may be used, how it is, what comes next. */
import { getFleet } from "../authority/issuer.ts";
import { dayOf, readCensus } from "../distribution/census-counts.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import type { DataKeyState, KeylessApp } from "../ports.ts";
import type { CensusCount } from "../records/census-record.ts";
import type { KeyConditionsRecord } from "../records/key-conditions-record.ts";
import type { RolloverRecord } from "../records/rollover-record.ts";
import type { RotationTaskRecord } from "../records/rotation-task-record.ts";
import { type Profile, profiles } from "../standard/profiles.ts";
import { ageState, keyAge } from "./cryptoperiod.ts";
import { sinceOfDataKey } from "./data-key-duties.ts";
import { findKeyConditions } from "./key-conditions.ts";
import { type HeldKey, keyRing, stateOfKey } from "./key-ring.ts";
import type { CertificateLives, KeyReport, KeyView, NextKeyAction } from "./key-views.ts";
import { rotationTasks } from "./people.ts";
import { allRollovers } from "./rollover-store.ts";

const day = 86_400_000;

interface Known {
  readonly conditions?: KeyConditionsRecord;
  readonly rollovers: readonly RolloverRecord[];
  /** Open ones. */
  readonly tasks: readonly RotationTaskRecord[];
  readonly now: number;
}

interface Next {
  readonly action: NextKeyAction;
  readonly at?: number;
}

/** What people have to do about the key, where anything waits for them: the rollover of its authority too. */
function waitingFor({ tasks, rollovers }: Known, name: string): Next | undefined {
  const own = new Set([
    name,
    ...rollovers.filter((each) => each.fromId === name).map((each) => each.rolloverId),
  ]);
  const found = tasks.filter(({ subject }) => own.has(subject));
  const first = found.find(({ severity }) => severity === "critical") ?? found[0];
  if (first === undefined) return undefined;
  return { action: first.action, ...(first.dueAt === undefined ? {} : { at: first.dueAt }) };
}

const moves = new Set<RolloverRecord["state"]>(["planned", "published", "active", "draining"]);

function nextOf(key: HeldKey, known: Known): Next {
  const waiting = waitingFor(known, key.name);
  if (waiting !== undefined) return waiting;
  if (key.use !== "used") return { action: "none" };
  const { dueAt, refusedAt } = keyAge(key.kind, key.since);
  if (key.kind === "trustManifestSigner") return { action: "openCeremony", at: dueAt };
  const isAuthority = key.kind === "root" || key.kind === "issuing";
  const isMoving = known.rollovers.some(({ fromId, state }) => fromId === key.name && moves.has(state));
  // The task plans what is due; until it has, anybody may.
  if (isAuthority && !isMoving && known.now >= dueAt) return { action: "planRollover", at: refusedAt };
  return { action: "byItself", at: dueAt };
}

function ages(kind: HeldKey["kind"], since: number, now: number) {
  const { warnAt, dueAt, overdueAt, refusedAt } = keyAge(kind, since);
  return {
    since: isoSeconds(since),
    ageDays: Math.max(0, Math.floor((now - since) / day)),
    warnAt: isoSeconds(warnAt),
    dueAt: isoSeconds(dueAt),
    overdueAt: isoSeconds(overdueAt),
    refusedAt: isoSeconds(refusedAt),
  };
}

const nextMembers = ({ action, at }: Next): Pick<KeyView, "nextAction" | "nextAt"> => ({
  nextAction: action,
  ...(at === undefined ? {} : { nextAt: isoSeconds(at) }),
});

function signingKey(key: HeldKey, known: Known): KeyView {
  const { kind, name, keyId, algorithm, use, custody, since } = key;
  const found = known.conditions?.keys.find((each) => each.keyId === keyId);
  return {
    kind,
    name,
    ...(keyId === undefined ? {} : { keyId }),
    ...(algorithm === undefined ? {} : { algorithm }),
    use,
    custody,
    ...ages(kind, since, known.now),
    state: stateOfKey(key, known.now),
    ...(found === undefined ? {} : { condition: found.condition }),
    ...(found?.deletionAt === undefined ? {} : { deletionAt: isoSeconds(found.deletionAt) }),
    ...nextMembers(nextOf(key, known)),
  };
}

function wrappingKey(fleet: string, key: DataKeyState, known: Known): KeyView {
  const { name, keyId, condition, deletionAt, rotationDays, nextRotationAt } = key;
  const since = sinceOfDataKey(key);
  const byItself: Next = {
    action: "byItself",
    ...(nextRotationAt === undefined ? {} : { at: nextRotationAt }),
  };
  return {
    kind: "keyEncryption",
    name,
    // The whole deployment's are named to nobody.
    ...(name.startsWith(`${fleet}-`) ? { keyId } : {}),
    use: "used",
    custody: "service",
    ...ages("keyEncryption", since, known.now),
    state: ageState(keyAge("keyEncryption", since), known.now),
    condition,
    ...(deletionAt === undefined ? {} : { deletionAt: isoSeconds(deletionAt) }),
    ...(rotationDays === undefined ? {} : { rotationDays }),
    onDemandRotations: key.onDemandRotations,
    onDemandLimit: key.onDemandLimit,
    ...nextMembers(waitingFor(known, name) ?? byItself),
  };
}

/** Whoever holds the key makes a fresh one with each certificate. */
const heldByOthers: readonly Profile[] = [
  profiles.device,
  profiles.quarantine,
  profiles.server,
  profiles.operator,
  profiles.claim,
  profiles.backend,
];

function livesOf(profile: Profile, counts: readonly CensusCount[], today: number): CertificateLives {
  const days = counts
    .filter((count) => count.profile === profile.id)
    .flatMap((count) => [...count.days])
    .filter(([at, certificates]) => at >= today && certificates > 0);
  const first = Math.min(...days.map(([at]) => at));
  return {
    profile: profile.id,
    cryptoperiodDays: profile.maximumDays,
    unexpired: days.reduce((sum, [, certificates]) => sum + certificates, 0),
    ...(Number.isFinite(first) ? { firstEndsOn: new Date(first * day).toISOString().slice(0, 10) } : {}),
  };
}

/** Some seven reads, however many certificates there are. @throws AppError not_found (fleet). */
export async function keyReport(
  app: KeylessApp,
  { fleet: name }: { readonly fleet: string },
): Promise<KeyReport> {
  const fleet = await getFleet(app, name);
  const [keys, rollovers, tasks, conditions, census] = await Promise.all([
    keyRing(app, fleet),
    allRollovers(app, name),
    rotationTasks(app, name),
    findKeyConditions(app, name),
    readCensus(app, name),
  ]);
  const now = app.clock.now();
  const known: Known = {
    rollovers: rollovers.map(({ value }) => value),
    tasks: tasks.map(({ value }) => value).filter(({ closedAt }) => closedAt === undefined),
    now,
    ...(conditions === undefined ? {} : { conditions: conditions.value }),
  };
  const counts = census.counts.map(({ value }) => value);
  const wrapping = conditions?.value.dataKeys ?? [];
  return {
    fleet: name,
    reportedAt: isoSeconds(now),
    ...(conditions === undefined ? {} : { conditionsAsOf: isoSeconds(conditions.value.asOf) }),
    keys: [
      ...keys.map((key) => signingKey(key, known)),
      ...wrapping.map((key) => wrappingKey(name, key, known)),
    ],
    certificates: heldByOthers.map((profile) => livesOf(profile, counts, dayOf(now))),
    certificatesAsOf: isoSeconds(census.progress?.value.asOf ?? 0),
  };
}
