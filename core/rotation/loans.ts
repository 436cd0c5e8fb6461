/**
 * Room: core/rotation. Roots' keys on loan to ceremonies. Which keys are to be lent is recorded before any is, so that
 * a run that died at any call leaves no loan of which nobody knows. Loans have names: asked for again, they are the
 * same. What is lent is taken back as soon as the ceremony has ended, or its hour is over.
 */
import { getFleet } from "../authority/issuer.ts";
import { isAppError } from "../errors.ts";
import type { RotationApp } from "../ports.ts";
import type { CeremonyRecord } from "../records/ceremony-record.ts";
import type { Stored } from "../records/certificate-record.ts";
import { isTrusted } from "../records/fleet-record.ts";
import { wake } from "../revocation/wake.ts";
import {
  ceremonyEntry,
  findCeremony,
  isOutstanding,
  isUnfinished,
  type Loan,
  loansOf,
  loanText,
  recent,
  writeCeremony,
} from "./ceremony-store.ts";
import { findRollover } from "./rollover-store.ts";
import { rootInForce } from "./signing-root.ts";

type Found = Stored<CeremonyRecord>;

const loanName = (ceremonyId: string, index: number): string => `ceremony-${ceremonyId}-${index}`;

/** A new root's key must be known before it can be lent: the signer of ceremonies finds it. */
async function waitsForKey(app: RotationApp, ceremony: CeremonyRecord): Promise<boolean> {
  const { fleet, rolloverId, successorKeyId } = ceremony;
  if (rolloverId === undefined || successorKeyId !== undefined) return false;
  const { kind, custody } = (await findRollover(app, { fleet, rolloverId })).value;
  return kind === "root" && custody !== "offline";
}

/** Every root that is trusted, since each ceremony signs the lists that are due, and the one that is to be made. */
async function keysToLend(app: RotationApp, ceremony: CeremonyRecord): Promise<readonly string[]> {
  const { authorities } = await getFleet(app, ceremony.fleet);
  const roots = authorities
    .filter(({ record }) => record.kind === "root" && isTrusted(record) && record.custody !== "offline")
    .map(({ record }) => record.keyId);
  const { successorKeyId } = ceremony;
  return [...new Set([...roots, ...(successorKeyId === undefined ? [] : [successorKeyId])])];
}

/** Tells, before anything is lent, that roots are about to be. */
async function begin(app: RotationApp, stored: Found): Promise<Found> {
  const { value } = stored;
  if (value.loans !== undefined) return stored;
  const keys = await keysToLend(app, value);
  await app.notifier.notify({
    event: "ceremony.opened",
    severity: "critical",
    fleet: value.fleet,
    subject: value.ceremonyId,
    measures: { roots: keys.length },
  });
  const loans = keys.map((keyId) => loanText({ keyId, loanId: "", token: "" }));
  return await writeCeremony(app, stored, { ...value, loans });
}

/**
 * Whether the ceremony can do without that key: what does not certify now signs a list at most, and in an emergency a new
 * root is made without the word of the one that is lost.
 */
async function isDispensable(app: RotationApp, ceremony: CeremonyRecord, keyId: string): Promise<boolean> {
  const { fleet, rolloverId, successorKeyId } = ceremony;
  if (keyId === successorKeyId) return false;
  if (rootInForce(await getFleet(app, fleet)).record.keyId !== keyId) return true;
  if (rolloverId === undefined) return false;
  const { value } = await findRollover(app, { fleet, rolloverId });
  return value.emergency && value.kind === "root";
}

async function lendOne(app: RotationApp, ceremony: CeremonyRecord, index: number, loan: Loan): Promise<Loan> {
  if (loan.loanId !== "") return loan;
  const { keyId } = loan;
  try {
    const { loanId, token = "" } = await app.custody.lend(keyId, loanName(ceremony.ceremonyId, index));
    return { keyId, loanId, token };
  } catch (error) {
    if (isAppError(error, "key_service_unavailable") || !(await isDispensable(app, ceremony, keyId)))
      throw error;
    app.log.warn("root_not_lent", { ceremony: ceremony.ceremonyId, code: (error as { code: string }).code });
    return loan;
  }
}

/** Ends it, told before: nothing is signed any more. */
async function end(
  app: RotationApp,
  stored: Found,
  state: "failed" | "expired",
  failure?: string,
): Promise<Found> {
  const { value } = stored;
  await app.notifier.notify({
    event: state === "failed" ? "ceremony.failed" : "ceremony.expired",
    severity: "warning",
    fleet: value.fleet,
    subject: value.ceremonyId,
  });
  const record: CeremonyRecord = {
    ...value,
    state,
    endedAt: app.clock.now(),
    ...(failure === undefined ? {} : { failure }),
  };
  const outcome = { result: "failure", reason: failure ?? state } as const;
  return await writeCeremony(
    app,
    stored,
    record,
    ceremonyEntry(app, record, "ceremony.ended", "system", outcome),
  );
}

async function lendAll(app: RotationApp, stored: Found): Promise<number> {
  const begun = await begin(app, stored);
  const loans: Loan[] = [];
  try {
    for (const [index, loan] of loansOf(begun.value).entries())
      loans.push(await lendOne(app, begun.value, index, loan));
  } catch (error) {
    // Worth another try at the next run, until the hour is over.
    if (!isAppError(error) || error.code === "key_service_unavailable") throw error;
    await end(app, begun, "failed", error.code);
    return 0;
  }
  const record: CeremonyRecord = { ...begun.value, state: "open", loans: loans.map(loanText) };
  try {
    await writeCeremony(app, begun, record, ceremonyEntry(app, record, "ceremony.opened", "system"));
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) await undo(app, record, loans);
    throw error;
  }
  return loans.length;
}

/** What was lent while another run ended the ceremony. Where that one lent the same, it stays lent. */
async function undo(app: RotationApp, ceremony: CeremonyRecord, loans: readonly Loan[]): Promise<void> {
  const { value } = await findCeremony(app, ceremony);
  if (isUnfinished(value)) return;
  await takeAllBack(app, ceremony, loans);
}

/** One that fails keeps no other from being served; the first failure is thrown at the end. */
async function each(
  app: RotationApp,
  fleet: string,
  wanted: (ceremony: CeremonyRecord) => boolean,
  act: (stored: Found) => Promise<number>,
): Promise<number> {
  const failures: unknown[] = [];
  let sum = 0;
  for (const stored of (await recent(app, fleet)).filter(({ value }) => wanted(value))) {
    try {
      sum += await act(stored);
    } catch (error) {
      // Another run is at the same.
      if (!isAppError(error, "store_condition_failed")) failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return sum;
}

/**
 * Lends the roots to ceremonies that two people have approved, and wakes their signer, again for those that it has not
 * ended.
 * @returns Keys lent now. @throws AppError key_service_unavailable, store_unavailable, notifier_unavailable.
 */
export async function lendRoots(app: RotationApp, fleet: string): Promise<number> {
  let waiting = false;
  const isWaiting = (value: CeremonyRecord): boolean =>
    value.mode === "service" &&
    isUnfinished(value) &&
    (value.signedAt !== undefined || app.clock.now() < value.closesAt);
  try {
    return await each(app, fleet, isWaiting, async (stored) => {
      waiting = true;
      if (stored.value.state === "open" || (await waitsForKey(app, stored.value))) return 0;
      return await lendAll(app, stored);
    });
  } finally {
    if (waiting) await wake(app, "ceremony");
  }
}

/** A loan whose name alone is known is asked for once more, to learn which it is. */
async function takeBack(
  app: RotationApp,
  { ceremonyId }: CeremonyRecord,
  index: number,
  loan: Loan,
): Promise<void> {
  const { keyId } = loan;
  try {
    const loanId =
      loan.loanId === "" ? (await app.custody.lend(keyId, loanName(ceremonyId, index))).loanId : loan.loanId;
    await app.custody.endLoan(keyId, loanId);
  } catch (error) {
    // Nobody signs with a key that is gone, or on its way.
    if (!isAppError(error, "key_not_found") && !isAppError(error, "key_disabled")) throw error;
  }
}

/** One that cannot be taken back keeps no other out; the first failure is thrown at the end. */
async function takeAllBack(
  app: RotationApp,
  ceremony: CeremonyRecord,
  loans: readonly Loan[],
): Promise<void> {
  const taken = loans.map((loan, index) => takeBack(app, ceremony, index, loan));
  const failure = (await Promise.allSettled(taken)).find((one) => one.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}

async function returnAll(app: RotationApp, stored: Found): Promise<number> {
  const { value } = stored;
  // When all is signed, what is left to be told needs no key, and has its time.
  const over = isUnfinished(value) && value.signedAt === undefined;
  const ended = over ? await end(app, stored, "expired") : stored;
  if (!isOutstanding(ended.value)) return 0;
  const loans = loansOf(ended.value);
  await takeAllBack(app, ended.value, loans);
  const record: CeremonyRecord = {
    ...ended.value,
    loans: loans.map((loan) => loanText({ ...loan, token: "" })),
    returnedAt: app.clock.now(),
  };
  await writeCeremony(app, ended, record, ceremonyEntry(app, record, "ceremony.roots-returned", "system"));
  return loans.length;
}

/**
 * Takes back what ended ceremonies were lent, and ends those whose hour is over.
 * @returns Keys taken back. @throws AppError key_service_unavailable, store_unavailable, notifier_unavailable.
 */
export async function returnRoots(app: RotationApp, fleet: string): Promise<number> {
  const now = app.clock.now();
  const isOver = (value: CeremonyRecord): boolean =>
    isUnfinished(value)
      ? value.mode === "service" &&
        now >= value.closesAt &&
        (value.signedAt === undefined || isOutstanding(value))
      : isOutstanding(value);
  return await each(app, fleet, isOver, (stored) => returnAll(app, stored));
}
