/**
 * Room: core. What every KeyCustody refuses before it asks its service, so that what works with one works with all: the
 * waiting time of KMS (API reference, ScheduleKeyDeletion), and names of loans that a grant can have.
 */
import { AppError } from "./errors.ts";

export const custodyLimits = {
  /** Days from the decision to the end of a key. */
  deletionDays: { shortest: 7, longest: 30 },
} as const;

const loanNamePattern = /^[a-z0-9-]{1,128}$/;

/** @throws AppError request_invalid. */
export function checkDeletionDays(days: number): void {
  const { shortest, longest } = custodyLimits.deletionDays;
  if (Number.isInteger(days) && days >= shortest && days <= longest) return;
  throw new AppError(
    "request_invalid",
    `deletion after ${days} days is refused; give a whole number of days from ${shortest} to ${longest}`,
  );
}

/** @throws AppError request_invalid. */
export function checkLoanName(name: string): void {
  if (loanNamePattern.test(name)) return;
  throw new AppError(
    "request_invalid",
    `loan name of ${name.length} characters is refused; limit 1 to 128 lowercase letters, digits and hyphens`,
  );
}
