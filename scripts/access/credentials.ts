/** Room: scripts. What credentials are, and what becomes of those that do not hold: statuses from the table of problems. */
import type { ErrorCode } from "../../core/errors.ts";
import { accessPeriods } from "../../core/standard/access.ts";
import { type Row, secondsText, table } from "../../core/standard/markdown.ts";
import { problems } from "../../lambdas/http/problems.ts";

const { assertion, session, pipelineToken, proof } = accessPeriods;

export function credentialSection(): string {
  return [
    "## Credentials",
    [
      `- **operator**: a certificate over mutual TLS proves one factor; a session, from a passkey with user verification or an identity provider's MFA claim, proves more, lasts ${secondsText(session.seconds)}, and brings a proof of its key with each request (RFC 9449), which counts once and for ${secondsText(proof.seconds)}.`,
      "- **device**: its own certificate over mutual TLS. TLS proves the key anew in each handshake, so a certificate cannot be replayed.",
      "- **enrollment**: whichever of the credentials below the fleet accepts.",
      "- **backend**: its own certificate over mutual TLS, of profile `backend`. What it may do, and for which purposes of data, an entry of kind `certificate` in the fleet's configuration says as it stands at the call; for the renewal of its own certificate it needs none.",
      `- **pipeline**: a JWT of an issuer that the fleet trusts, for the fleet's audience, whose claims match the entry's patterns over their whole length. A job may show it more than once, until it is ${secondsText(pipelineToken.seconds)} old.`,
      "- **iam**: SigV4, on AWS only: API Gateway verifies the signature and names the principal.",
      "- **invitation**: one passkey, once.",
      "- **proof**: a key, to which the session is bound.",
    ].join("\n"),
  ].join("\n\n");
}

const refusals: readonly (readonly [presented: string, ...codes: ErrorCode[]])[] = [
  [
    "no credential of a kind that the call takes",
    "client_certificate_required",
    "credential_missing",
    "proof_missing",
  ],
  [
    "certificate that no authority of the fleet it names has signed, a look-alike, a server's, a root",
    "client_certificate_untrusted",
  ],
  ["expired certificate", "client_certificate_expired"],
  ["revoked certificate", "client_certificate_revoked"],
  ["certificate or session of another fleet than the path's, as a fleet that does not exist", "not_found"],
  ["certificate of another kind: a device's for an operator's call", "access_denied"],
  ["operator without the role", "role_not_permitted"],
  ["operator who is suspended, unknown, or has not registered yet", "operator_not_active"],
  ["certificate where a session is needed", "session_invalid"],
  ["session that is over, ended, unknown or bound to another key", "session_invalid"],
  ["proof for another method, URL or token, or from another time", "proof_invalid"],
  ["proof that was used before", "proof_replayed"],
  ["passkey that does not verify here", "passkey_invalid"],
  ["challenge that is unknown, used or expired", "challenge_invalid"],
  ["critical operation without an approval, or with another fleet's", "approval_required"],
  ["approval for another operation, or another operator's", "approval_mismatch"],
  ["approval that lacks a person", "approval_incomplete"],
  ["the same assertion of a person again", "approval_repeated"],
  [
    `approval that expired, or whose assertions are older than ${secondsText(assertion.seconds)}`,
    "approval_stale",
  ],
  ["approval that was executed", "approval_spent"],
  ["enrolment token or invitation: unknown, or another fleet's", "credential_invalid"],
  ["enrolment token, invitation or previous certificate, expired", "credential_expired"],
  ["token, invitation, registered key or claim for one device, used for another request", "credential_spent"],
  ["enrolment credential of a kind that the fleet does not accept", "credential_not_accepted"],
  ["claim whose quota is used up", "quota_exhausted"],
  ["device, key or maker's number that is not in the inventory", "device_unknown"],
  ["request that an operator denied", "enrollment_denied"],
  [
    "pipeline token that no entry of the fleet covers: issuer, audience, claims, key, algorithm",
    "token_invalid",
  ],
  ["pipeline token that has expired or is too old", "token_expired"],
  [
    "pipeline, IAM principal or backend whose entry does not allow the call, backend without one",
    "access_denied",
  ],
  ["backend that asks for another backend's certificate", "access_denied"],
  ["device that is suspended or retired; one in quarantine that renews", "device_not_active"],
  ["device, pipeline or backend of a suspended fleet", "fleet_suspended"],
  ["too many certificates of a device in an hour, too many failed attempts", "rate_limited"],
  ["an identity provider that does not answer: nobody is let in", "issuer_unavailable"],
  ["a store that does not answer: nobody is let in", "store_unavailable"],
];

/** `401 code, code; 403 code`. */
function answer(codes: readonly ErrorCode[]): string {
  return codes.map((code) => `${problems[code].status} \`${code}\``).join(", ");
}

export const refusalTable = (): string =>
  table(
    ["presented", "answer"],
    refusals.map(([presented, ...codes]): Row => [presented, answer(codes)]),
  );

const no = answer(["device_not_active"]);

const states: readonly Row[] = [
  ["registered: in the inventory, without a certificate", "yes", "", ""],
  ["active", "yes", "yes", "yes"],
  [
    "quarantined: came back after its certificate's expiry, and waits for an operator",
    `with its previous certificate: a short one; else ${no}`,
    no,
    "yes",
  ],
  ["suspended, until an operator releases it", no, no, no],
  ["retired, for good", no, no, no],
];

export const stateTable = (): string => table(["state", "enrols", "renews", "asks how it stands"], states);
