/** Room: protect. What the service refuses, as the errors of this package: its own codes and texts, where it gives them. */
import { AppError, type ErrorCode } from "../core/errors.ts";

/** Codes that the routes of data keys answer; whatever else comes is told by its status. */
const passedOn = [
  "request_invalid",
  "request_too_large",
  "name_not_permitted",
  "credential_missing",
  "credential_invalid",
  "credential_expired",
  "client_certificate_required",
  "client_certificate_untrusted",
  "client_certificate_expired",
  "client_certificate_revoked",
  "access_denied",
  "token_invalid",
  "token_expired",
  "proof_missing",
  "proof_invalid",
  "rate_limited",
  "fleet_suspended",
  "not_found",
  "data_unreadable",
  "purpose_not_permitted",
  "subject_shredded",
  "key_not_found",
  "key_disabled",
  "key_service_unavailable",
  "store_unavailable",
] as const satisfies readonly ErrorCode[];

const longestDetail = 500;

export interface Refused {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** A problem (RFC 9457), or whatever something in between has answered. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
}

/** For an answer that is no problem of the service. */
function codeOf(status: number): ErrorCode {
  if (status === 429) return "rate_limited";
  if (status === 401 || status === 403) return "access_denied";
  return status >= 500 ? "key_service_unavailable" : "request_invalid";
}

export function refusal({ status, retryAfter, json = {} }: Refused): AppError {
  const { code, detail } = json;
  const known = passedOn.find((each) => each === code);
  const told = known !== undefined && typeof detail === "string" && detail.length <= longestDetail;
  const message = told ? detail : `the service answered ${status}; look at its log for this time`;
  const seconds = Number(retryAfter);
  const options = Number.isFinite(seconds) && seconds > 0 ? { retryAfter: seconds } : {};
  return new AppError(known ?? codeOf(status), message, options);
}
