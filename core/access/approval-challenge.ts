/**
 * Room: core/access. What people sign when they approve: a hash of approval and operation that changes every half
 * minute. A challenge cannot be known before its time, because it is made with a nonce that never leaves the service;
 * so whoever signed it did so then or later, and a recorded assertion is worth nothing once its time is over.
 */
import { hash } from "node:crypto";
import type { ApprovalRecord } from "../records/approval-record.ts";

const windowMilliseconds = 30_000;

type Subject = Pick<ApprovalRecord, "approvalId" | "operationDigest" | "nonce" | "createdAt" | "expiresAt">;

const windowStart = (time: number): number => Math.floor(time / windowMilliseconds) * windowMilliseconds;

function challengeOf({ approvalId, operationDigest, nonce }: Subject, start: number): string {
  const text = `fleetkey approval 1\n${approvalId}\n${operationDigest}\n${nonce}\n${start}`;
  return hash("sha256", text, "base64url");
}

/** The challenge to give out at `now`, milliseconds since the epoch. */
export function approvalChallenge(approval: Subject, now: number): string {
  return challengeOf(approval, windowStart(now));
}

/**
 * The earliest time at which `challenge` can have been signed, milliseconds since the epoch; undefined when it is no
 * challenge of this approval up to `now`.
 */
export function challengeSince(approval: Subject, challenge: string, now: number): number | undefined {
  const { createdAt, expiresAt } = approval;
  const last = windowStart(Math.min(now, expiresAt));
  for (let start = last; start >= windowStart(createdAt); start -= windowMilliseconds) {
    // Challenges are public once they are given out, so nothing is learned from how long this takes.
    if (challengeOf(approval, start) === challenge) return Math.max(start, createdAt);
  }
  return undefined;
}
