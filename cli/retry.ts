/** Room: cli. Another attempt where one may help: after a broken connection, 429 or 503. */
import { setTimeout as wait } from "node:timers/promises";
import { Failure, type Transience } from "./failure.ts";

export interface RetryPolicy {
  readonly attempts: number;
  /** Which failures are worth another attempt. */
  readonly after: readonly Transience[];
  /** Milliseconds before the second attempt; doubles each time, up to `maximumDelay`. */
  readonly firstDelay: number;
  readonly maximumDelay: number;
  /** The longest Retry-After, in milliseconds, that is waited for; a longer one ends the attempts. */
  readonly patience: number;
}

/** For a person who waits: give up soon, and at once when nobody listens. */
export const interactiveRetries: RetryPolicy = {
  attempts: 4,
  after: ["busy", "reset"],
  firstDelay: 200,
  maximumDelay: 5_000,
  patience: 15_000,
};

/** For a production line: outlast a restart of the service. */
export const unattendedRetries: RetryPolicy = {
  attempts: 8,
  after: ["busy", "reset", "unreachable"],
  firstDelay: 250,
  maximumDelay: 30_000,
  patience: 300_000,
};

/**
 * Runs `operation` until it succeeds or retrying is pointless, and throws its last failure. The service's
 * Retry-After is kept to, with a jitter that doubles; without one the delay doubles, with jitter, so that a
 * thousand devices do not come back at once. Interrupted, it stops waiting and throws what it has.
 */
export async function retrying<T>(
  policy: RetryPolicy,
  operation: () => Promise<T>,
  interrupted?: AbortSignal,
  random: () => number = Math.random,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      if (!isWorthRetrying(error, policy) || attempt >= policy.attempts) throw error;
      const delay = delayBefore(attempt, error.retryAfter, policy, random);
      await wait(delay, undefined, interrupted === undefined ? {} : { signal: interrupted }).catch(
        () => undefined,
      );
      if (interrupted?.aborted === true) throw error;
    }
  }
}

function isWorthRetrying(error: unknown, policy: RetryPolicy): error is Failure {
  if (!(error instanceof Failure) || error.transience === undefined) return false;
  return policy.after.includes(error.transience) && (error.retryAfter ?? 0) <= policy.patience;
}

function delayBefore(
  attempt: number,
  retryAfter: number | undefined,
  policy: RetryPolicy,
  random: () => number,
) {
  const backoff = policy.firstDelay * 2 ** (attempt - 1);
  if (retryAfter === undefined) return Math.min(backoff * (0.5 + random() / 2), policy.maximumDelay);
  // All who were refused at once read the same Retry-After; spread wider each time, they fall below the limit.
  return retryAfter + random() * Math.min(backoff, policy.maximumDelay);
}

/** RFC 9110 §10.2.3: seconds, or an HTTP date; milliseconds from now, or undefined if neither. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  // Every HTTP-date begins with the day's name; Date.parse alone would read "-3" as a year.
  const date = /^[A-Z][a-z]+,? /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
