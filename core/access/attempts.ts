/**
 * Room: core/access. Failed attempts of one identity: after ten in a quarter of an hour it waits
 * (`accessLimits.failedAttempts`). An identity is a text that only its owner can use up: `operator:{id}`,
 * `passkey:{credential id}`, `claim:{id}`, `pipeline:{trust entry}`. Never count against a name that a stranger may
 * merely write down, or he locks its owner out.
 */
import { AppError, type ErrorCode, isAppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import { type AttemptRecord, attemptItem, attemptKey, attemptRecord } from "../records/attempt-record.ts";
import type { Stored } from "../records/certificate-record.ts";
import { accessLimits } from "../standard/access.ts";

const { maximum, windowSeconds } = accessLimits.failedAttempts;

type Attempts = Stored<AttemptRecord>;

async function readAttempts(app: KeylessApp, fleet: string, identity: string): Promise<Attempts | undefined> {
  const item = await app.items.get(attemptKey(fleet, identity));
  return item === undefined ? undefined : attemptRecord(item);
}

/** The window that runs now; one that is over counts nothing. */
function windowOf(app: KeylessApp, attempts: Attempts | undefined): AttemptRecord {
  const now = app.clock.now();
  if (attempts !== undefined && now < attempts.value.until) return attempts.value;
  return { failures: 0, until: now + windowSeconds * 1000 };
}

/**
 * Call it before a proof is verified. One read.
 * @throws AppError rate_limited, with the seconds until the window ends.
 */
export async function assertNotLocked(app: KeylessApp, fleet: string, identity: string): Promise<void> {
  const window = windowOf(app, await readAttempts(app, fleet, identity));
  if (window.failures < maximum) return;
  throw new AppError(
    "rate_limited",
    `${maximum} failed attempts in ${windowSeconds} s, the limit; wait until the window ends`,
    { retryAfter: Math.max(1, Math.ceil((window.until - app.clock.now()) / 1000)) },
  );
}

/**
 * Call it when a proof did not hold. One read and one write; attempts at once are all counted, up to the limit.
 * It writes, so a function that only reads the store has no use for it.
 */
export async function countFailure(app: KeylessApp, fleet: string, identity: string): Promise<void> {
  for (;;) {
    const attempts = await readAttempts(app, fleet, identity);
    // Whoever lost the race below has seen another failure counted, so this ends after `maximum` rounds.
    const window = windowOf(app, attempts);
    if (window.failures >= maximum) return;
    const put = attemptItem(fleet, identity, { ...window, failures: window.failures + 1 });
    try {
      await app.items.transact([{ put, when: attempts?.version ?? "absent" }]);
      return;
    } catch (error) {
      if (!isAppError(error, "store_condition_failed")) throw error;
    }
  }
}

/**
 * `attempt`, unless the identity is locked; an AppError of one of `codes` is counted as a failure and thrown on.
 * @throws AppError rate_limited, and whatever `attempt` throws.
 */
export async function limitFailures<Value>(
  app: KeylessApp,
  limited: { readonly fleet: string; readonly identity: string; readonly codes: readonly ErrorCode[] },
  attempt: () => Promise<Value>,
): Promise<Value> {
  const { fleet, identity, codes } = limited;
  await assertNotLocked(app, fleet, identity);
  try {
    return await attempt();
  } catch (error) {
    if (isAppError(error) && codes.includes(error.code)) await countFailure(app, fleet, identity);
    throw error;
  }
}
