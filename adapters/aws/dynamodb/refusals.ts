/**
 * Room: adapters/aws. What DynamoDB and the way to it may answer instead of a result, as rows: the code, what it
 * means, and what to do. Messages are for operators and name the table, never a key or a value of an item.
 */
import type { AppError } from "../../../core/errors.ts";
import { type Failure, failureOf, type Refusal, refused } from "../service-failure.ts";

const unavailable = (meaning: string, retryAfter = 1): Refusal => ({
  code: "store_unavailable",
  meaning,
  retryAfter,
});
const misconfigured = (meaning: string): Refusal => ({ code: "configuration_invalid", meaning });

const throttled = unavailable(
  "throttled by DynamoDB; repeat the request, and raise the table's or the account's limit if this stays",
  2,
);
const faulty = unavailable("DynamoDB failed inside; repeat the request", 2);
const unanswered = unavailable("DynamoDB did not answer in time; repeat the request");
const conflicting = unavailable("other transactions hold its items; repeat the request");
const credentials = misconfigured(
  "DynamoDB does not take the credentials; check the function's role, region and clock",
);
const tooLarge: Refusal = {
  code: "store_limit_exceeded",
  meaning: "the request exceeds a size limit of DynamoDB; split it or store the bulk as an object",
};
const malformed: Refusal = {
  code: "internal",
  meaning: "DynamoDB does not take the request; compare the table's keys and indexes with the state stack's",
};

const refusals: Readonly<Record<string, Refusal>> = {
  ResourceNotFoundException: misconfigured(
    "no such table or index in this account and region; deploy the state stack, or correct the table's name",
  ),
  AccessDeniedException: misconfigured(
    "permission is missing, on the table, its index or the key that encrypts it; grant it to the function's role",
  ),
  KMSAccessDeniedException: misconfigured(
    "the key that encrypts the table cannot be used; enable it and let DynamoDB use it for this role",
  ),
  CredentialsProviderError: credentials,
  ExpiredTokenException: credentials,
  IncompleteSignatureException: credentials,
  InvalidSignatureException: credentials,
  MissingAuthenticationTokenException: credentials,
  UnrecognizedClientException: credentials,
  ThrottlingException: throttled,
  ThrottlingError: throttled,
  ProvisionedThroughputExceededException: throttled,
  ProvisionedThroughputExceeded: throttled,
  RequestLimitExceeded: throttled,
  TransactionConflict: conflicting,
  TransactionConflictException: conflicting,
  TransactionInProgressException: conflicting,
  InternalServerError: faulty,
  ServiceUnavailable: faulty,
  TimeoutError: unanswered,
  AbortError: unanswered,
  ItemCollectionSizeLimitExceeded: tooLarge,
  ItemCollectionSizeLimitExceededException: tooLarge,
};

/** DynamoDB says ValidationException of every request it cannot take; only its text tells sizes from the rest. */
const ofSize = /\bsize\b|\btoo large\b/i;

function rowOf(name: string, { status, network }: Failure, error: unknown): Refusal {
  const row = Object.hasOwn(refusals, name) ? refusals[name] : undefined;
  if (row !== undefined) return row;
  if (name === "ValidationException" || name === "ValidationError") {
    return ofSize.test(messageOf(error)) ? tooLarge : malformed;
  }
  if (status !== undefined && status >= 500) return faulty;
  if (status === 413) return tooLarge;
  // The network's failures come from Node with a code of their own; a mistake of ours has neither.
  if (status === undefined && network) {
    return unavailable(`${name} on the way to DynamoDB; look at the network and at name resolution`);
  }
  return { code: "internal", meaning: `${name}; this is not expected: please report it` };
}

function messageOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  if ("message" in error) return String(error.message);
  return "Message" in error ? String(error.Message) : "";
}

/**
 * The error of the port for a failure; errors that already belong to the port pass unchanged.
 * @param name Of the failure, when `error` itself does not say: the code of a cancellation reason.
 */
export function refusalOf(table: string, error: unknown, name?: string): AppError {
  const failure = failureOf(error);
  return refused(`item table ${table}`, rowOf(name ?? failure.name, failure, error), error);
}
