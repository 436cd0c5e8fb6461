/** Room: core/rotation. How old a key is by the security standard, and the wall that one past its grace does not pass. */
import { AppError } from "../errors.ts";
import { type RotatedKeyKind, rotationThresholds } from "../standard/rotation.ts";

const day = 86_400_000;

/** See `keyAgeStates`; a key whose place another has taken is none of these. */
export type AgeState = "ok" | "warn" | "due" | "overdue" | "refused";

/** When a key comes into each state; milliseconds since the epoch. */
export interface KeyAge {
  readonly since: number;
  readonly warnAt: number;
  readonly dueAt: number;
  readonly overdueAt: number;
  readonly refusedAt: number;
}

/** @param since When it was first used; milliseconds since the epoch. */
export function keyAge(kind: RotatedKeyKind, since: number): KeyAge {
  const { warnDays, dueDays, overdueDays, refusedDays } = rotationThresholds[kind];
  const at = (days: number): number => since + days * day;
  return {
    since,
    warnAt: at(warnDays),
    dueAt: at(dueDays),
    overdueAt: at(overdueDays),
    refusedAt: at(refusedDays),
  };
}

/** Each state begins at its very moment: a key is refused from `refusedAt` on. */
export function ageState({ warnAt, dueAt, overdueAt, refusedAt }: KeyAge, now: number): AgeState {
  if (now >= refusedAt) return "refused";
  if (now >= overdueAt) return "overdue";
  if (now >= dueAt) return "due";
  return now >= warnAt ? "warn" : "ok";
}

export const isDue = (kind: RotatedKeyKind, since: number, now: number): boolean =>
  now >= keyAge(kind, since).dueAt;

/** What ends the state of being refused. */
const remedies: Readonly<Record<RotatedKeyKind, string>> = {
  root: "plan the rollover of the root, and hold a ceremony",
  issuing: "plan a rollover of the issuing authority, and hold a ceremony",
  ocspResponder: "deploy the next responder key",
  trustManifestSigner: "hold a ceremony for the next signer",
  keyEncryption: "rotate it",
};

/**
 * SP 800-57 Part 1 r5 §5.3.6: past its cryptoperiod and its grace a key signs nothing more.
 * @param what Names the key in the message: `authority "issuing-1"`.
 * @throws AppError key_overdue.
 */
export function assertInCryptoperiod(kind: RotatedKeyKind, since: number, now: number, what: string): void {
  if (ageState(keyAge(kind, since), now) !== "refused") return;
  const days = Math.floor((now - since) / day);
  throw new AppError(
    "key_overdue",
    `${what} is ${days} d old, limit ${rotationThresholds[kind].refusedDays} d; ${remedies[kind]}`,
  );
}
