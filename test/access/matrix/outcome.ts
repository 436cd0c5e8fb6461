/**
 * Room: test. What an answer says about the door: who was let in, and the code of whoever was not. The log line of the
 * request is asked too, for it is what the security team will read.
 */
import type { ErrorCode } from "../../../core/errors.ts";
import type { HttpResult } from "../../../lambdas/http/message.ts";
import type { RouteId } from "../../../lambdas/routes.ts";
import type { LogLine } from "../../support/fleet-app.ts";
import type { Outcome } from "./model.ts";

/** Credentials that a use case judges, beyond a door that only asks whether there is one. */
const judgedLater: Readonly<Partial<Record<string, readonly string[]>>> = {
  enroll: [
    "credential_missing",
    "credential_invalid",
    "credential_expired",
    "credential_spent",
    "credential_not_accepted",
    "client_certificate_untrusted",
    "client_certificate_expired",
    "client_certificate_revoked",
    "device_unknown",
    "device_not_active",
    "quota_exhausted",
    "fleet_suspended",
    "rate_limited",
    "not_found",
  ],
  renew: ["client_certificate_revoked", "credential_spent", "device_not_active", "rate_limited"],
  // Another backend's path, which is told when the caller is known.
  renewBackendCertificate: ["access_denied"],
  registerPasskey: ["credential_invalid", "credential_expired", "credential_spent", "operator_not_active"],
} satisfies Partial<Record<RouteId, readonly ErrorCode[]>>;

const certifying: ReadonlySet<string> = new Set(["enroll", "renew"]);

/** What a door says; a refusal with any other code is an outcome that no expectation names. */
const ofTheDoor = {
  credential_missing: true,
  credential_invalid: true,
  credential_expired: true,
  credential_spent: true,
  client_certificate_required: true,
  client_certificate_untrusted: true,
  client_certificate_expired: true,
  client_certificate_revoked: true,
  access_denied: true,
  role_not_permitted: true,
  operator_not_active: true,
  rate_limited: true,
  token_invalid: true,
  token_expired: true,
  proof_missing: true,
  proof_invalid: true,
  proof_replayed: true,
  session_invalid: true,
  approval_required: true,
  approval_incomplete: true,
  approval_stale: true,
  approval_mismatch: true,
  approval_spent: true,
  device_not_active: true,
  fleet_suspended: true,
  not_found: true,
} as const satisfies Partial<Record<ErrorCode, true>>;

interface Problem {
  readonly code?: string;
  readonly detail?: string;
}

function problemIn({ body, headers }: HttpResult): Problem {
  return headers["content-type"]?.startsWith("application/problem+json") === true
    ? (JSON.parse(body) as Problem)
    : {};
}

/** @param line The log's line about the request. */
export function outcomeOf(routeId: string, result: HttpResult, line: LogLine | undefined): Outcome {
  const { code, detail } = problemIn(result);
  const { decision, code: logged } = line?.fields ?? {};
  if (result.statusCode >= 500) return `status ${result.statusCode}`;
  if (code !== logged) return `answered ${code}, logged ${logged}`;
  if (decision === "allow") {
    if (code !== undefined && judgedLater[routeId]?.includes(code) === true) return code;
    // What a certificate is asked for with is right in every cell, so whoever is let in gets one.
    const gotNone = certifying.has(routeId) && result.statusCode !== 201;
    return gotNone ? `${result.statusCode} ${code}, decision allow` : "let in";
  }
  if (decision !== "deny" || code === undefined || !(code in ofTheDoor))
    return `${result.statusCode} ${code}, decision ${decision}`;
  return code === "not_found" && detail !== "no such fleet" ? `not_found: ${detail}` : code;
}
