/**
 * Room: lambdas. What every function has from the process it runs in, whatever it serves: clock, random source,
 * log, verifier of identities, and a memory that lasts as long as the process.
 */
import { identityVerifier } from "../adapters/identity/identity-verifier.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { systemEntropy } from "../adapters/system/entropy.ts";
import { boundedMemo } from "../core/memo.ts";
import type { KeylessApp } from "../core/ports.ts";
import { createLog } from "./http/logger.ts";

/** Once for a process: two would not share their memory. */
export function functionRuntime(): Omit<KeylessApp, "items"> {
  return {
    clock: systemClock,
    entropy: systemEntropy,
    log: createLog(),
    memo: boundedMemo(),
    identities: identityVerifier(),
  };
}
