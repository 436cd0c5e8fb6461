/**
 * Room: adapters/aws. What S3 and the way to it may answer instead of a result, as rows: the code, what it means, and
 * what to do. Messages are for operators and name the bucket, never a key. Source: S3 API reference, error responses.
 */
import type { AppError } from "../../../core/errors.ts";
import { failureOf, type Refusal, type RefusalTable, refusalIn, refused } from "../service-failure.ts";

const unavailable = (meaning: string, retryAfter = 1): Refusal => ({
  code: "store_unavailable",
  meaning,
  retryAfter,
});
const misconfigured = (meaning: string): Refusal => ({ code: "configuration_invalid", meaning });

const throttled = unavailable("throttled by S3; repeat the request", 2);
const faulty = unavailable("S3 failed inside; repeat the request", 2);
const unanswered = unavailable("S3 did not answer in time; repeat the request");
const damaged = unavailable("the octets did not arrive as they were sent; repeat the request");
// Whether the condition holds is not known until the other request is done.
const conflicting = unavailable("another request for this object is under way; repeat the request");
const credentials = misconfigured(
  "S3 does not take the credentials; check the function's role, region and clock",
);
const elsewhere = misconfigured("the bucket is in another region; give the function its bucket's region");
const encryption = misconfigured(
  "the key that encrypts the bucket cannot be used; enable it and let S3 use it for this role",
);
const forbidden = misconfigured(
  "permission is missing, on its objects or on the key that encrypts them; grant s3:GetObject, s3:PutObject, " +
    "and s3:ListBucket, without which S3 says the same of an object that is not there",
);
const condition: Refusal = {
  code: "store_condition_failed",
  meaning: "the object is not as expected; read it and decide anew",
};
const tooLarge: Refusal = {
  code: "store_limit_exceeded",
  meaning: "S3 takes neither key nor object of this size; shorten the key or split the object",
};

const refusals: Readonly<Record<string, Refusal>> = {
  NoSuchBucket: misconfigured(
    "no such bucket; deploy the state stack, or correct the bucket's name in the function's environment",
  ),
  InvalidBucketName: misconfigured("not the name of a bucket; correct it in the function's environment"),
  AccessDenied: forbidden,
  AllAccessDisabled: forbidden,
  PermanentRedirect: elsewhere,
  AuthorizationHeaderMalformed: elsewhere,
  IllegalLocationConstraintException: elsewhere,
  CredentialsProviderError: credentials,
  ExpiredToken: credentials,
  InvalidAccessKeyId: credentials,
  InvalidToken: credentials,
  RequestTimeTooSkewed: credentials,
  SignatureDoesNotMatch: credentials,
  "KMS.DisabledException": encryption,
  "KMS.KMSInvalidStateException": encryption,
  "KMS.NotFoundException": encryption,
  PreconditionFailed: condition,
  ConditionalRequestConflict: conflicting,
  OperationAborted: conflicting,
  SlowDown: throttled,
  Throttling: throttled,
  ThrottlingException: throttled,
  TooManyRequestsException: throttled,
  "KMS.ThrottlingException": throttled,
  InternalError: faulty,
  ServiceUnavailable: faulty,
  RequestTimeout: unanswered,
  TimeoutError: unanswered,
  AbortError: unanswered,
  BadDigest: damaged,
  XAmzContentSHA256Mismatch: damaged,
  XAmzContentChecksumMismatch: damaged,
  EntityTooLarge: tooLarge,
  KeyTooLongError: tooLarge,
};

/** What a status means whose name is not in the table; HEAD has no body, so no name either. */
const statuses: Readonly<Record<number, Refusal>> = {
  301: elsewhere,
  403: forbidden,
  409: conflicting,
  412: condition,
  413: tooLarge,
  429: throttled,
};

const table: RefusalTable = {
  service: "S3",
  byName: refusals,
  byStatus: statuses,
  faulty,
  unavailable,
};

/** The error of the port for a failure; errors that already belong to the port pass unchanged. */
export function refusalOf(bucket: string, cause: unknown): AppError {
  return refused(`bucket ${bucket}`, refusalIn(table, failureOf(cause)), cause);
}

/** What a put says whose condition does not hold. */
export const conditionFailed = (bucket: string, cause?: unknown): AppError =>
  refused(`bucket ${bucket}`, condition, cause);

/** True when S3 says that there is no such object (and not: no such bucket). */
export function isAbsent(cause: unknown): boolean {
  const { name, status } = failureOf(cause);
  return name === "NoSuchKey" || name === "NotFound" || (status === 404 && name !== "NoSuchBucket");
}
