/**
 * Room: lambdas/http. Errors become HTTP here and nowhere else: RFC 9457 problem details, one row for each
 * code. A row without a code, or a code without a row, does not compile.
 */
import { AppError, type ErrorCode } from "../../core/errors.ts";
import type { HttpResult } from "./message.ts";

export interface Problem {
  readonly status: number;
  readonly title: string;
  /** False when the message is for operators of the service, not for its callers. */
  readonly detail?: false;
  /** Seconds for Retry-After when the error names none. */
  readonly retryAfter?: number;
  /** RFC 9110 §11.6.1: a 401 carries a challenge. */
  readonly challenge?: string;
}

const row = (status: number, title: string, extra: Omit<Problem, "status" | "title"> = {}): Problem => ({
  status,
  title,
  ...extra,
});
const hidden = { detail: false } as const;
// RFC 6750 §3: no error attribute when no credential was sent.
const bearer = 'Bearer realm="fleetkey"';
// RFC 9449 §7.1.
const dpop = 'DPoP realm="fleetkey", algs="ES256"';
const badProof = `${dpop}, error="invalid_dpop_proof"`;
const badBearer = `${bearer}, error="invalid_token"`;

// 400: could not be read. 422: was read, and is refused for what it says.
export const problems = {
  der_malformed: row(400, "DER is malformed"),
  der_too_large: row(413, "DER is too large"),
  der_too_deep: row(400, "DER is nested too deeply"),
  pem_malformed: row(400, "PEM is malformed"),
  jws_malformed: row(400, "JWS is malformed"),
  ocsp_malformed: row(400, "OCSP message is malformed"),
  certificate_malformed: row(400, "Certificate is malformed"),
  crl_malformed: row(400, "CRL is malformed"),
  trust_malformed: row(400, "Trust manifest is malformed"),
  trust_foreign: row(400, "Trust manifest is another's"),
  trust_rollback: row(400, "Trust manifest is older than the known one"),
  trust_truncated: row(400, "Trust manifests are missing"),
  trust_expired: row(400, "Trust manifest is not in force"),
  csr_malformed: row(400, "CSR is malformed"),
  csr_too_large: row(413, "CSR is too large"),
  csr_too_deep: row(400, "CSR is nested too deeply"),
  csr_version_unsupported: row(400, "CSR version is not supported"),
  csr_algorithm_unsupported: row(422, "CSR signature algorithm is not supported"),
  csr_signature_invalid: row(422, "CSR signature does not verify"),
  csr_attribute_duplicate: row(400, "CSR repeats an attribute"),
  csr_extension_duplicate: row(400, "CSR repeats an extension"),
  csr_extension_not_permitted: row(422, "CSR asks for an extension that is not permitted"),
  csr_subject_mismatch: row(422, "CSR names another subject"),
  csr_san_not_permitted: row(422, "CSR asks for a name that is not permitted"),
  csr_ca_requested: row(422, "CSR asks for an authority certificate"),
  csr_key_usage_not_permitted: row(422, "CSR asks for a key usage that is not permitted"),
  csr_extended_key_usage_not_permitted: row(422, "CSR asks for an extended key usage that is not permitted"),
  key_unsupported: row(422, "Key type is not supported"),
  key_malformed: row(422, "Key is malformed"),
  key_weak: row(422, "Key is weak"),
  key_reused: row(422, "Key has been certified before"),
  profile_unknown: row(422, "Profile is unknown"),
  profile_not_permitted: row(403, "Profile is not permitted"),
  algorithm_not_permitted: row(422, "Algorithm is not permitted"),
  name_not_permitted: row(422, "Name is not permitted"),
  validity_not_permitted: row(422, "Validity is not permitted"),
  lint_failed: row(500, "Certificate failed a check before signing", hidden),
  credential_missing: row(401, "Credential is missing", { challenge: bearer }),
  credential_invalid: row(401, "Credential is not valid", { challenge: badBearer }),
  credential_expired: row(401, "Credential has expired", { challenge: badBearer }),
  credential_spent: row(409, "Credential has been used"),
  client_certificate_required: row(401, "Client certificate is required", {
    challenge: 'ClientCertificate realm="fleetkey"',
  }),
  client_certificate_untrusted: row(403, "Client certificate is not trusted"),
  client_certificate_expired: row(403, "Client certificate has expired"),
  client_certificate_revoked: row(403, "Client certificate is revoked"),
  access_denied: row(403, "Access denied"),
  role_not_permitted: row(403, "Role does not permit this"),
  operator_not_active: row(403, "Operator is not active"),
  rate_limited: row(429, "Too many requests", { retryAfter: 60 }),
  token_invalid: row(401, "Token is not valid", { challenge: badBearer }),
  token_expired: row(401, "Token has expired", { challenge: badBearer }),
  issuer_unavailable: row(503, "Token issuer is not available", { ...hidden, retryAfter: 5 }),
  proof_missing: row(401, "Proof of possession is missing", { challenge: dpop }),
  proof_invalid: row(401, "Proof of possession is not valid", { challenge: badProof }),
  proof_replayed: row(401, "Proof of possession was used before", { challenge: badProof }),
  session_invalid: row(401, "Session is not valid", { challenge: dpop }),
  passkey_invalid: row(401, "Passkey is not valid", { challenge: dpop }),
  challenge_invalid: row(401, "Challenge is not valid", { challenge: dpop }),
  approval_required: row(403, "Approval is required"),
  approval_incomplete: row(403, "Approval is not complete"),
  approval_stale: row(403, "Approval is too old"),
  approval_mismatch: row(403, "Approval is for another operation"),
  approval_spent: row(409, "Approval has been used"),
  approval_repeated: row(409, "Approval needs another person"),
  credential_not_accepted: row(403, "Credential is not accepted by the fleet"),
  quota_exhausted: row(403, "Quota is exhausted"),
  device_unknown: row(403, "Device is not in the inventory"),
  device_not_active: row(403, "Device is not active"),
  enrollment_denied: row(403, "Enrolment was denied"),
  fleet_suspended: row(403, "Fleet is suspended"),
  configuration_changed: row(409, "Configuration was changed"),
  not_found: row(404, "Not found"),
  already_exists: row(409, "Already exists"),
  job_state_invalid: row(409, "The job is not in a state for this"),
  not_on_hold: row(409, "The certificate is not on hold"),
  already_revoked: row(409, "Already revoked"),
  authority_unavailable: row(503, "Authority is not available", { retryAfter: 60 }),
  key_overdue: row(503, "Key is past its cryptoperiod", { retryAfter: 3600 }),
  rollover_state_invalid: row(409, "The rollover is not in a state for this"),
  rollover_gate_closed: row(409, "The rollover may not advance yet"),
  ceremony_state_invalid: row(409, "The ceremony is not in a state for this"),
  ceremony_invalid: row(422, "What the ceremony brought is not valid"),
  server_certificate_mismatch: row(409, "The server certificate does not fit the one it replaces"),
  data_unreadable: row(422, "Data cannot be read"),
  purpose_not_permitted: row(403, "Purpose is not permitted"),
  subject_shredded: row(410, "Subject's keys were destroyed"),
  issuance_in_progress: row(409, "Issuance is in progress", { retryAfter: 1 }),
  issuance_closed: row(409, "Issuance was closed"),
  signature_invalid: row(500, "Signature did not verify", hidden),
  request_invalid: row(400, "Request is not valid"),
  request_too_large: row(413, "Request is too large"),
  media_type_unsupported: row(415, "Media type is not supported"),
  not_acceptable: row(406, "Not acceptable"),
  // Until somebody has followed the detail, asking again is in vain: seldom is enough.
  answer_too_large: row(503, "Answer is too large", { retryAfter: 3600 }),
  method_not_allowed: row(405, "Method is not allowed"),
  cursor_invalid: row(400, "Cursor is not valid"),
  store_condition_failed: row(409, "Conflicting change", { ...hidden, retryAfter: 1 }),
  store_limit_exceeded: row(500, "Internal error", hidden),
  store_unavailable: row(503, "Store is not available", { ...hidden, retryAfter: 5 }),
  key_not_found: row(500, "Internal error", hidden),
  key_store_locked: row(503, "Key store is locked", { ...hidden, retryAfter: 60 }),
  key_service_unavailable: row(503, "Key service is not available", { ...hidden, retryAfter: 5 }),
  key_offline: row(409, "Key is kept offline"),
  key_disabled: row(409, "Key is disabled"),
  key_rotation_exhausted: row(409, "Key was rotated too often"),
  certificate_not_held: row(404, "Certificate is not held"),
  certificate_manager_refused: row(422, "Certificate manager refuses"),
  certificate_manager_unavailable: row(503, "Certificate manager is not available", {
    ...hidden,
    retryAfter: 30,
  }),
  notice_not_permitted: row(500, "Internal error", hidden),
  notifier_unavailable: row(503, "Notices cannot be sent", { ...hidden, retryAfter: 5 }),
  task_unavailable: row(503, "The task cannot be started", { ...hidden, retryAfter: 5 }),
  configuration_invalid: row(500, "Internal error", hidden),
  internal: row(500, "Internal error", hidden),
} as const satisfies Record<ErrorCode, Problem>;

/** RFC 9457 §3. `code` is stable; programs branch on it, people read the rest. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail?: string;
  /** Names the request in the service's log. */
  readonly instance: string;
}

/** What is not an AppError was not expected: it is `internal`, whatever it says of itself. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof AppError ? error.code : "internal";
}

export function problemDetails(
  code: ErrorCode,
  detail: string | undefined,
  requestId: string,
): ProblemDetails {
  const problem: Problem = problems[code];
  return {
    type: `urn:fleetkey:problem:${code}`,
    title: problem.title,
    status: problem.status,
    code,
    ...(problem.detail === false || detail === undefined ? {} : { detail }),
    instance: `urn:fleetkey:request:${encodeURIComponent(requestId)}`,
  };
}

/** The answer to `error`; `headers` are added to it (Allow, for one). */
export function problemResult(
  error: unknown,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): HttpResult {
  const code = codeOf(error);
  const problem: Problem = problems[code];
  const known = error instanceof AppError ? error : undefined;
  const retryAfter = known?.retryAfter ?? problem.retryAfter;
  return {
    statusCode: problem.status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...(retryAfter === undefined ? {} : { "retry-after": String(Math.max(1, Math.ceil(retryAfter))) }),
      ...(problem.challenge === undefined ? {} : { "www-authenticate": problem.challenge }),
      ...headers,
    },
    body: JSON.stringify(problemDetails(code, known?.message, requestId)),
  };
}
