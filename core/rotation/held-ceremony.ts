/**
 * Room: core/rotation. The signer of ceremonies: the only task beside deployments that signs with roots, and only with
 * those that are lent to it. A ceremony is signed, then told and recorded for good, then ended.
 */
import { type Ceremony, conclude } from "../bootstrap/ceremony.ts";
import { type ErrorCode, isAppError } from "../errors.ts";
import { allFleets } from "../fleets/directory.ts";
import type { CeremonyApp, Notice } from "../ports.ts";
import type { CeremonyRecord } from "../records/ceremony-record.ts";
import type { Stored } from "../records/certificate-record.ts";
import { publishRootList } from "../revocation/root-list.ts";
import { wake } from "../revocation/wake.ts";
import { ceremonyEntry, isUnfinished, recent, writeCeremony } from "./ceremony-store.ts";
import { ceremonyTranscript } from "./ceremony-transcript.ts";
import { signPurpose, withLoans } from "./ceremony-work.ts";
import { tendOffline } from "./offline/tending.ts";
import { findRollover } from "./rollover-store.ts";

type Found = Stored<CeremonyRecord>;

export interface CeremonyReport {
  /** Ended, with all that they were for. */
  readonly held: number;
  /** Ended without, or left to the next run. */
  readonly failed: number;
}

/** prepared: it can be lent what it needs; ended: it failed for good; waits: nothing has changed. */
type Outcome = "held" | "prepared" | "ended" | "waits";

/** Worth another try while the hour lasts. */
const passing: readonly ErrorCode[] = [
  "key_service_unavailable",
  "store_unavailable",
  "store_condition_failed",
  "notifier_unavailable",
  "issuance_in_progress",
];

const codeOf = (error: unknown): ErrorCode => (isAppError(error) ? error.code : "internal");

/** Finds a new root's key, so that it can be lent; on AWS a deployment has made it, elsewhere it is made here. */
async function findSuccessorKey(app: CeremonyApp, stored: Found): Promise<Outcome> {
  const { value } = stored;
  const { fleet, rolloverId, successorKeyId } = value;
  if (rolloverId === undefined || successorKeyId !== undefined) return "waits";
  const rollover = (await findRollover(app, { fleet, rolloverId })).value;
  if (rollover.kind !== "root" || rollover.custody === "offline") return "waits";
  const { keyId } = await app.keys.createKey(`${fleet}-${rollover.toId}`, rollover.algorithm);
  await writeCeremony(app, stored, { ...value, successorKeyId: keyId });
  return "prepared";
}

/** A list that cannot be signed keeps no ceremony from its end: people are told of lists that are due anyhow. */
async function signDueLists(
  app: CeremonyApp,
  { fleet, ceremonyId, closesAt }: CeremonyRecord,
): Promise<void> {
  try {
    await publishRootList(app, fleet);
  } catch (error) {
    const code = codeOf(error);
    if (passing.includes(code) && app.clock.now() < closesAt) throw error;
    app.log.error("root_lists_not_signed", { fleet, ceremony: ceremonyId, code });
  }
}

function noticeOf({ fleet, ceremonyId }: CeremonyRecord, transcript: Ceremony): Notice {
  const { signatures, participants = [], lists = [] } = transcript;
  const measures = {
    certificates: signatures.length,
    people: participants.length,
    lists: lists.length,
  };
  return { event: "ceremony.held", severity: "critical", fleet, subject: ceremonyId, measures };
}

async function finish(app: CeremonyApp, stored: Found): Promise<void> {
  const { value } = stored;
  const transcript = await ceremonyTranscript(app, value);
  await conclude(app, transcript, noticeOf(value, transcript));
  const record: CeremonyRecord = { ...value, state: "done", endedAt: app.clock.now() };
  const entry = ceremonyEntry(app, record, "ceremony.ended", "system", { reason: "done" });
  await writeCeremony(app, stored, record, entry);
}

async function fail(app: CeremonyApp, stored: Found, failure: ErrorCode): Promise<void> {
  const { value } = stored;
  const { fleet, ceremonyId: subject } = value;
  await app.notifier.notify({ event: "ceremony.failed", severity: "warning", fleet, subject });
  const record: CeremonyRecord = { ...value, state: "failed", failure, endedAt: app.clock.now() };
  const entry = ceremonyEntry(app, record, "ceremony.ended", "system", {
    result: "failure",
    reason: failure,
  });
  await writeCeremony(app, stored, record, entry);
}

async function hold(app: CeremonyApp, stored: Found): Promise<Outcome> {
  if (stored.value.state === "approved") return await findSuccessorKey(app, stored);
  const roots = withLoans(app, stored.value);
  const signed = stored.value.signedAt === undefined ? await signPurpose(roots, stored) : stored;
  if (signed.value.purpose !== "rootList") await signDueLists(roots, signed.value);
  await finish(app, signed);
  return "held";
}

/** Of a failure that another try would meet again. Not of one after all was signed: the rest is told and recorded yet. */
async function judge(app: CeremonyApp, { value }: Found, error: unknown): Promise<Outcome> {
  const code = codeOf(error);
  app.log.error("ceremony_failed", { fleet: value.fleet, ceremony: value.ceremonyId, code });
  if (passing.includes(code)) return "waits";
  const now = (await recent(app, value.fleet)).find((one) => one.value.ceremonyId === value.ceremonyId);
  if (now === undefined || !isUnfinished(now.value) || now.value.signedAt !== undefined) return "waits";
  try {
    await fail(app, now, code);
    return "ended";
  } catch (other) {
    app.log.error("ceremony_not_ended", { ceremony: value.ceremonyId, code: codeOf(other) });
    return "waits";
  }
}

/** Its hour lasts, or all is signed and the rest is left. */
const isToHold = (ceremony: CeremonyRecord, now: number): boolean =>
  ceremony.mode === "service" &&
  isUnfinished(ceremony) &&
  (ceremony.signedAt !== undefined || now < ceremony.closesAt);

async function holdOf(app: CeremonyApp, fleet: string): Promise<CeremonyReport> {
  const now = app.clock.now();
  const outcomes: Outcome[] = [];
  let failed = 0;
  for (const stored of (await recent(app, fleet)).filter(({ value }) => isToHold(value, now))) {
    try {
      outcomes.push(await hold(app, stored));
    } catch (error) {
      failed += 1;
      outcomes.push(await judge(app, stored, error));
    }
  }
  // Of what waits the schedule reminds: the two tasks must not wake each other all the time.
  if (outcomes.some((outcome) => outcome !== "waits")) await wake(app, "rotate");
  const held = outcomes.filter((outcome) => outcome === "held").length;
  if (held > 0) await wake(app, "publish");
  return { held, failed };
}

/**
 * Every open ceremony of every fleet, each in its own attempt. Idempotent; two at once sign the same once, and tell at
 * most twice. Wakes the tasks that take the roots back and publish what was signed.
 * @throws AppError store_unavailable when the fleets cannot be listed.
 */
export async function holdCeremonies(app: CeremonyApp): Promise<CeremonyReport> {
  const report = { held: 0, failed: 0 };
  for (const fleet of await allFleets(app)) {
    const { held, failed } = await holdOf(app, fleet);
    await tendOffline(app, fleet);
    report.held += held;
    report.failed += failed;
  }
  if (report.held + report.failed > 0) app.log.info("ceremonies_held", { ...report });
  return report;
}
