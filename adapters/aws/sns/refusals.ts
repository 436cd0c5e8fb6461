/**
 * Room: adapters/aws. What SNS and the way to it may answer instead of a result, as rows: the code, what it means, and
 * what to do. Messages name the topic, never the notice. Source: SNS API reference, Publish.
 */
import type { AppError } from "../../../core/errors.ts";
import { failureOf, type Refusal, type RefusalTable, refusalIn, refused } from "../service-failure.ts";

const unavailable = (meaning: string, retryAfter = 2): Refusal => ({
  code: "notifier_unavailable",
  meaning,
  retryAfter,
});
const misconfigured = (meaning: string): Refusal => ({ code: "configuration_invalid", meaning });

const throttled = unavailable("throttled by SNS; repeat the request");
const faulty = unavailable("SNS failed inside; repeat the request");
const unanswered = unavailable("SNS did not answer in time; repeat the request");
const credentials = misconfigured(
  "SNS does not take the credentials; check the function's role, region and clock",
);
const absent = misconfigured("no such topic; deploy the state stack, or correct the topic's ARN");
const forbidden = misconfigured(
  "permission is missing, on the topic or on the key that encrypts it; grant sns:Publish, kms:Decrypt and " +
    "kms:GenerateDataKey to the function's role",
);
const encryption = misconfigured(
  "the key that encrypts the topic cannot be used; enable it and let SNS use it for this role",
);
const malformed = misconfigured("SNS takes neither topic nor notice; correct the topic's ARN");

const refusals: Readonly<Record<string, Refusal>> = {
  NotFoundException: absent,
  NotFound: absent,
  AuthorizationErrorException: forbidden,
  AuthorizationError: forbidden,
  AccessDenied: forbidden,
  AccessDeniedException: forbidden,
  InvalidParameterException: malformed,
  InvalidParameterValueException: malformed,
  ValidationException: malformed,
  KMSAccessDeniedException: forbidden,
  KMSDisabledException: encryption,
  KMSInvalidStateException: encryption,
  KMSNotFoundException: encryption,
  KMSOptInRequired: encryption,
  InvalidSecurityException: credentials,
  CredentialsProviderError: credentials,
  ExpiredToken: credentials,
  ExpiredTokenException: credentials,
  InvalidClientTokenId: credentials,
  SignatureDoesNotMatch: credentials,
  KMSThrottlingException: throttled,
  Throttling: throttled,
  ThrottlingException: throttled,
  ThrottledException: throttled,
  InternalErrorException: faulty,
  InternalFailure: faulty,
  ServiceUnavailable: faulty,
  TimeoutError: unanswered,
  AbortError: unanswered,
};

const table: RefusalTable = {
  service: "SNS",
  byName: refusals,
  byStatus: { 403: forbidden, 429: throttled },
  faulty,
  unavailable,
};

/** The error of the port for a failure; errors that already belong to the port pass unchanged. */
export function refusalOf(topicArn: string, cause: unknown): AppError {
  return refused(`topic ${topicArn}`, refusalIn(table, failureOf(cause)), cause);
}
