/** Room: cli. What cannot be trusted, as a Failure with an exit of its own: nothing was changed or is relied upon. */
import { type ErrorCode, isAppError } from "../core/errors.ts";
import { Failure } from "./failure.ts";

const tellSecurity =
  "nothing was changed; tell the security team, and check --url and the network in between";

const remedies: Partial<Readonly<Record<ErrorCode, string>>> = {
  trust_foreign:
    "nothing was changed; check --url, --fleet and the fingerprint with the service's operators before you go on",
  trust_rollback: tellSecurity,
  trust_truncated:
    "nothing was changed; try again, or at another place; if it stays so, tell the security team, and begin anew from --fingerprint HEX with another file",
  trust_expired:
    "nothing was changed; check this machine's clock, then fetch again: fleetkey trust pull --manifest FILE",
  trust_malformed:
    "nothing was changed; check that --url names a Fleetkey service, and what stands in between",
};

/** `message` says what of it is not as it must be. */
export function untrusted(code: string, message: string, remedy: string, cause?: unknown): Failure {
  return new Failure("untrusted", code, message, { remedy, cause });
}

/** Runs `work`; what it finds not to be trusted becomes a Failure of this kind. `remedy` beats that of the code. */
export async function judging<T>(work: () => Promise<T>, remedy?: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isAppError(error)) throw error;
    const known = Object.hasOwn(remedies, error.code) ? remedies[error.code] : undefined;
    throw untrusted(error.code, error.message, remedy ?? known ?? tellSecurity, error);
  }
}
