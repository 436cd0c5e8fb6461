/**
 * Room: adapters/aws. What Certificate Manager and the way to it may answer instead of a result, as rows: the code, what
 * it means, and what to do. Source: ACM API reference, ImportCertificate, DescribeCertificate, DeleteCertificate.
 */
import { AppError } from "../../../core/errors.ts";
import { failureOf, type Refusal, type RefusalTable, refusalIn } from "../service-failure.ts";

const unavailable = (meaning: string, retryAfter = 30): Refusal => ({
  code: "certificate_manager_unavailable",
  meaning,
  retryAfter,
});
const refused = (meaning: string): Refusal => ({ code: "certificate_manager_refused", meaning });
const misconfigured = (meaning: string): Refusal => ({ code: "configuration_invalid", meaning });

const throttled = unavailable("throttled by Certificate Manager; try again later");
const faulty = unavailable("Certificate Manager failed inside; try again later");
const unanswered = unavailable("Certificate Manager did not answer in time; try again later");
const absent: Refusal = {
  code: "certificate_not_held",
  meaning: "is not in Certificate Manager; import a new one",
};
const malformed = refused(
  "is not taken: key type or size differ from what it replaces, or certificate, chain and key do not fit together",
);
const forbidden = misconfigured(
  "permission is missing; grant acm:ImportCertificate, acm:DescribeCertificate, acm:DeleteCertificate and acm:AddTagsToCertificate to the function's role",
);
const credentials = misconfigured(
  "Certificate Manager does not take the credentials; check the function's role, region and clock",
);

const refusals: Readonly<Record<string, Refusal>> = {
  ResourceNotFoundException: absent,
  ResourceInUseException: refused("is in use; take it off every listener first"),
  RequestInProgressException: unavailable("Certificate Manager is at work on it; try again later"),
  LimitExceededException: refused(
    "reached a quota of Certificate Manager; remove certificates, or ask AWS for a higher quota",
  ),
  InvalidArnException: refused("is no ARN of a certificate in this region"),
  InvalidParameterException: malformed,
  InvalidTagException: refused("has a tag that Certificate Manager does not take"),
  TooManyTagsException: refused("has more tags than Certificate Manager takes"),
  TagPolicyException: refused("has a tag that the organisation's policy refuses"),
  ValidationException: malformed,
  ConflictException: unavailable("Certificate Manager is changing it; try again later"),
  AccessDenied: forbidden,
  AccessDeniedException: forbidden,
  CredentialsProviderError: credentials,
  ExpiredToken: credentials,
  ExpiredTokenException: credentials,
  InvalidClientTokenId: credentials,
  InvalidSignatureException: credentials,
  SignatureDoesNotMatch: credentials,
  UnrecognizedClientException: credentials,
  Throttling: throttled,
  ThrottlingException: throttled,
  TooManyRequestsException: throttled,
  InternalFailure: faulty,
  ServiceUnavailable: faulty,
  TimeoutError: unanswered,
  AbortError: unanswered,
};

const table: RefusalTable = {
  service: "Certificate Manager",
  byName: refusals,
  byStatus: { 403: forbidden, 429: throttled },
  faulty,
  unavailable,
};

/**
 * The error of the port for a failure. The service's own error is left behind: a message about what it could not read
 * may quote it, and that may be a private key.
 */
export function refusalOf(what: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const failure = failureOf(cause);
  const { code, meaning, retryAfter } = refusalIn(table, failure);
  return new AppError(code, `${what}: ${meaning}`, {
    cause: new Error(failure.name),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}
