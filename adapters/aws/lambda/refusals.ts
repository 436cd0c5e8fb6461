/**
 * Room: adapters/aws. What Lambda and the way to it may answer instead of keeping an event, as rows: the code, what it
 * means, and what to do. Source: Lambda API reference, Invoke.
 */
import type { AppError } from "../../../core/errors.ts";
import { failureOf, type Refusal, type RefusalTable, refusalIn, refused } from "../service-failure.ts";

const unavailable = (meaning: string, retryAfter = 2): Refusal => ({
  code: "task_unavailable",
  meaning,
  retryAfter,
});
const misconfigured = (meaning: string): Refusal => ({ code: "configuration_invalid", meaning });

const throttled = unavailable("throttled by Lambda; repeat the request, or wait for the schedule");
const faulty = unavailable("Lambda failed inside; repeat the request, or wait for the schedule");
const unanswered = unavailable("Lambda did not answer in time; repeat the request, or wait for the schedule");
const busy = unavailable("the function is being changed; repeat the request, or wait for the schedule", 10);
const credentials = misconfigured(
  "Lambda does not take the credentials; check the function's role, region and clock",
);
const absent = misconfigured("no such function; deploy the API stack, or correct the name");
const forbidden = misconfigured("permission is missing; grant lambda:InvokeFunction to the function's role");
const encryption = misconfigured(
  "the key that encrypts the function's environment cannot be used; enable it and let the function's role use it",
);
const malformed = misconfigured("Lambda takes neither name nor event; correct the function's name");

const refusals: Readonly<Record<string, Refusal>> = {
  ResourceNotFoundException: absent,
  AccessDenied: forbidden,
  AccessDeniedException: forbidden,
  InvalidParameterValueException: malformed,
  InvalidRequestContentException: malformed,
  ValidationException: malformed,
  KMSAccessDeniedException: encryption,
  KMSDisabledException: encryption,
  KMSInvalidStateException: encryption,
  KMSNotFoundException: encryption,
  CredentialsProviderError: credentials,
  ExpiredToken: credentials,
  ExpiredTokenException: credentials,
  InvalidSignatureException: credentials,
  SignatureDoesNotMatch: credentials,
  UnrecognizedClientException: credentials,
  ResourceConflictException: busy,
  ResourceNotReadyException: busy,
  ThrottlingException: throttled,
  TooManyRequestsException: throttled,
  ServiceException: faulty,
  ServiceUnavailableException: faulty,
  TimeoutError: unanswered,
  AbortError: unanswered,
};

const table: RefusalTable = {
  service: "Lambda",
  byName: refusals,
  byStatus: { 403: forbidden, 429: throttled },
  faulty,
  unavailable,
};

/** The error of the port for a failure; errors that already belong to the port pass unchanged. */
export function refusalOf(functionName: string, cause: unknown): AppError {
  return refused(`function ${functionName}`, refusalIn(table, failureOf(cause)), cause);
}
