/**
 * Room: core. The one error class of the product and the closed union of its codes.
 * HTTP status lives at the edge (`lambdas/http/problems.ts`), never here.
 */

export type ErrorCode =
  // DER, PEM, JWS and OCSP
  | "der_malformed"
  | "der_too_large"
  | "der_too_deep"
  | "pem_malformed"
  | "jws_malformed"
  | "ocsp_malformed"
  | "certificate_malformed"
  | "crl_malformed"
  // trust manifests
  | "trust_malformed"
  | "trust_foreign"
  | "trust_rollback"
  | "trust_truncated"
  | "trust_expired"
  // certification requests
  | "csr_malformed"
  | "csr_too_large"
  | "csr_too_deep"
  | "csr_version_unsupported"
  | "csr_algorithm_unsupported"
  | "csr_signature_invalid"
  | "csr_attribute_duplicate"
  | "csr_extension_duplicate"
  | "csr_extension_not_permitted"
  | "csr_subject_mismatch"
  | "csr_san_not_permitted"
  | "csr_ca_requested"
  | "csr_key_usage_not_permitted"
  | "csr_extended_key_usage_not_permitted"
  // subject public keys
  | "key_unsupported"
  | "key_malformed"
  | "key_weak"
  | "key_reused"
  // policy and lint
  | "profile_unknown"
  | "profile_not_permitted"
  | "algorithm_not_permitted"
  | "name_not_permitted"
  | "validity_not_permitted"
  | "lint_failed"
  // credentials and access
  | "credential_missing"
  | "credential_invalid"
  | "credential_expired"
  | "credential_spent"
  | "client_certificate_required"
  | "client_certificate_untrusted"
  | "client_certificate_expired"
  | "client_certificate_revoked"
  | "access_denied"
  | "role_not_permitted"
  | "operator_not_active"
  | "rate_limited"
  // sessions, passkeys, tokens of other issuers
  | "token_invalid"
  | "token_expired"
  | "issuer_unavailable"
  | "proof_missing"
  | "proof_invalid"
  | "proof_replayed"
  | "session_invalid"
  | "passkey_invalid"
  | "challenge_invalid"
  // step-up
  | "approval_required"
  | "approval_incomplete"
  | "approval_stale"
  | "approval_mismatch"
  | "approval_spent"
  | "approval_repeated"
  // enrolment
  | "credential_not_accepted"
  | "quota_exhausted"
  | "device_unknown"
  | "device_not_active"
  | "enrollment_denied"
  // tenants
  | "fleet_suspended"
  | "configuration_changed"
  // resources
  | "not_found"
  | "already_exists"
  | "already_revoked"
  | "not_on_hold"
  | "job_state_invalid"
  | "authority_unavailable"
  | "key_overdue"
  // rotation
  | "rollover_state_invalid"
  | "rollover_gate_closed"
  | "ceremony_state_invalid"
  | "ceremony_invalid"
  | "server_certificate_mismatch"
  // data at rest
  | "data_unreadable"
  | "purpose_not_permitted"
  | "subject_shredded"
  // issuance
  | "issuance_in_progress"
  | "issuance_closed"
  | "signature_invalid"
  // requests
  | "request_invalid"
  | "request_too_large"
  | "media_type_unsupported"
  | "not_acceptable"
  | "answer_too_large"
  | "method_not_allowed"
  | "cursor_invalid"
  // infrastructure
  | "store_condition_failed"
  | "store_limit_exceeded"
  | "store_unavailable"
  | "key_not_found"
  | "key_store_locked"
  | "key_service_unavailable"
  | "key_offline"
  | "key_disabled"
  | "key_rotation_exhausted"
  | "certificate_not_held"
  | "certificate_manager_refused"
  | "certificate_manager_unavailable"
  | "notice_not_permitted"
  | "notifier_unavailable"
  | "task_unavailable"
  | "configuration_invalid"
  | "internal";

export interface AppErrorOptions extends ErrorOptions {
  /** Seconds after which the same call may succeed; becomes Retry-After at the edge. */
  readonly retryAfter?: number;
  /** For `store_condition_failed`: indexes of the operations whose condition did not hold. */
  readonly failedOperations?: readonly number[];
}

/**
 * Every expected failure. `message` gives value, limit and remedy, and never a secret,
 * a token, a CSR or a personal datum: it is shown to the caller.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly retryAfter: number | undefined;
  readonly failedOperations: readonly number[] | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.retryAfter = options.retryAfter;
    this.failedOperations = options.failedOperations;
  }
}

/** True when `error` is an AppError, of the given code if one is named. */
export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}
