/**
 * Room: adapters/aws. What KMS and the way to it may answer instead of a result, as rows: the code, what it means,
 * and what to do. Messages are for operators; the edge shows them to no caller.
 */
import { AppError, type ErrorCode } from "../../../core/errors.ts";

interface Refusal {
  readonly code: Extract<
    ErrorCode,
    "key_not_found" | "key_service_unavailable" | "configuration_invalid" | "internal"
  >;
  /** Follows `{permission} on {key}: `. */
  readonly meaning: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

const absent = (meaning: string): Refusal => ({ code: "key_not_found", meaning });
const misconfigured = (meaning: string): Refusal => ({ code: "configuration_invalid", meaning });
const unavailable = (retryAfter: number, meaning: string): Refusal => ({
  code: "key_service_unavailable",
  meaning,
  retryAfter,
});

const soon = 2;
// What only a person can change: repeating the call at once gains nothing.
const later = 300;

const throttled = unavailable(
  soon,
  "throttled by KMS; repeat the request, and raise the quota of requests a second if this stays",
);
const faulty = unavailable(soon, "KMS failed inside; repeat the request");

const refusals: Readonly<Record<string, Refusal>> = {
  NotFoundException: absent("no such key in this account and region; check the key id and the stage"),
  InvalidArnException: absent("not the ARN of a key in this partition; check the key id and the stage"),
  DisabledException: unavailable(
    later,
    "the key is disabled; enable it, or rotate to another authority. A retry alone changes nothing",
  ),
  KMSInvalidStateException: unavailable(
    later,
    "the key's state forbids it, as when its deletion is scheduled; cancel the deletion and enable the key, " +
      "or rotate to another authority. A retry alone changes nothing",
  ),
  // Key policies and grants reach all of KMS within five minutes.
  AccessDeniedException: unavailable(
    60,
    "permission is missing, or the key does not exist in this region; grant it to the function's role. " +
      "A policy or grant made just now takes up to five minutes",
  ),
  InvalidGrantTokenException: misconfigured(
    "a grant token is not valid; leave it out or make the grant anew",
  ),
  InvalidGrantIdException: misconfigured("not the id of a grant; look for who changed stored loans"),
  // RotateKeyOnDemand: a rotation of this key runs, or begins within 20 minutes.
  ConflictException: unavailable(1_200, "another rotation of the key is under way; wait until it is over"),
  InvalidKeyUsageException: misconfigured(
    "the key is of another spec or usage than its key id says; look for who changed stored key ids",
  ),
  UnsupportedOperationException: misconfigured(
    "KMS in this region does not offer it; choose another algorithm for this authority",
  ),
  ValidationException: misconfigured(
    "KMS does not take the request; this region may lack the algorithm: choose another one for this authority",
  ),
  InvalidAliasNameException: misconfigured("KMS does not take the alias; choose another one"),
  TagException: misconfigured("KMS does not take the key's tags; choose a shorter alias"),
  ThrottlingException: throttled,
  LimitExceededException: unavailable(
    later,
    "a quota of KMS is used up; delete what is unused or raise the quota",
  ),
  KMSInternalException: faulty,
  KeyUnavailableException: faulty,
  DependencyTimeoutException: faulty,
  TimeoutError: unavailable(soon, "KMS did not answer in time; repeat the request"),
  AbortError: unavailable(soon, "KMS did not answer in time, retries included; repeat the request"),
};

const unknown = (name: string): Refusal =>
  unavailable(5, `${name}; look at the network, the credentials of the function and the state of KMS`);

/** The name that KMS or the SDK gave to a failure. */
export function refusalName(error: unknown): string {
  if (!(error instanceof Error)) return "a failure without a name";
  // What Node says of a broken connection: its name is "Error", its code says more.
  return error.name === "Error" && "code" in error ? String(error.code) : error.name;
}

/**
 * @param permission As policies name it: `kms:Sign`.
 * @param key ARN or alias of the key that was asked for.
 */
export function refusalOf(permission: string, key: string, cause: unknown): AppError {
  const name = refusalName(cause);
  const row = Object.hasOwn(refusals, name) ? refusals[name] : undefined;
  const { code, meaning, retryAfter } = row ?? unknown(name);
  const options = retryAfter === undefined ? { cause } : { cause, retryAfter };
  return new AppError(code, `${permission} on ${key}: ${meaning}`, options);
}
