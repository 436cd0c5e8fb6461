/**
 * Room: scripts. docs/access.md: the access matrix, from the very table that the door reads. The matrix test holds the
 * door to a statement of its own (`test/access/matrix/expectations.ts`).
 */
import {
  accessPeriods,
  type CriticalOperation,
  criticalOperations,
  roleIds,
} from "../../core/standard/access.ts";
import { type Row, table } from "../../core/standard/render.ts";
import { type Access, type CredentialKind, type Route, routes } from "../../lambdas/routes.ts";

const all = [...routes] as readonly Route[];

const columns = [
  "operator",
  "device",
  "enrollment",
  "pipeline",
  "iam",
  "invitation",
  "proof",
] as const satisfies readonly CredentialKind[];

const abbreviations = { owner: "O", securityOfficer: "S", provisioner: "P", auditor: "A" } as const;

function operatorCell({ roles = [], sessionOnly }: Access): string {
  const letters = roleIds.map((role) => (roles.includes(role) ? abbreviations[role] : "-")).join("");
  return sessionOnly === true ? `${letters} (session)` : letters;
}

function cell(access: Route["access"], kind: CredentialKind): string {
  if (access === "public") return "";
  if (!access.by.includes(kind)) return "";
  return kind === "operator" ? operatorCell(access) : "yes";
}

function criticalCell(access: Route["access"]): string {
  if (access === "public" || access.critical === undefined) return "";
  const { persons }: CriticalOperation = criticalOperations[access.critical];
  return `${access.critical}, ${persons === 1 ? "1 person" : `${persons} people`}`;
}

function routeRow({ id, method, path, access }: Route): Row {
  return [
    `${method} ${path}`,
    id,
    access === "public" ? "yes" : "",
    ...columns.map((kind) => cell(access, kind)),
    criticalCell(access),
  ];
}

function routeTable(): string {
  const head = ["call", "operationId", "anyone", ...columns, "approval"];
  return table(head, all.map(routeRow));
}

const { assertion, session, pipelineToken, proof } = accessPeriods;

const refusals: readonly Row[] = [
  [
    "no credential of a kind that the call takes",
    "401 `client_certificate_required`, `credential_missing` or `proof_missing`",
  ],
  [
    "certificate that no authority of the fleet it names has signed, a look-alike, a server's, a root",
    "403 `client_certificate_untrusted`",
  ],
  ["expired certificate", "403 `client_certificate_expired`"],
  ["revoked certificate", "403 `client_certificate_revoked`"],
  [
    "certificate or session of another fleet than the path's",
    "404 `not_found`, as for a fleet that does not exist",
  ],
  ["certificate of another kind: a device's for an operator's call", "403 `access_denied`"],
  ["operator without the role", "403 `role_not_permitted`"],
  ["operator who is suspended, unknown, or has not registered yet", "403 `operator_not_active`"],
  ["certificate where a session is needed", "401 `session_invalid`"],
  ["session that is over, ended, unknown or bound to another key", "401 `session_invalid`"],
  ["proof for another method, URL or token, or from another time", "401 `proof_invalid`"],
  ["proof that was used before", "401 `proof_replayed`"],
  ["critical operation without an approval", "403 `approval_required`"],
  ["approval for another operation, or another operator's", "403 `approval_mismatch`"],
  ["approval that lacks a person", "403 `approval_incomplete`"],
  [`approval whose assertions are older than ${assertion.seconds / 60} minutes`, "403 `approval_stale`"],
  ["approval that was executed", "409 `approval_spent`"],
  ["enrolment token, invitation or registered key: unknown, or another fleet's", "401 `credential_invalid`"],
  ["the same, expired", "401 `credential_expired`"],
  ["the same, used for another request", "409 `credential_spent`"],
  [
    "pipeline token that no entry of the fleet covers: issuer, audience, claims, key, algorithm",
    "401 `token_invalid`",
  ],
  ["pipeline token that has expired or is too old", "401 `token_expired`"],
  ["pipeline or IAM principal whose entry does not allow the call", "403 `access_denied`"],
  ["device that is suspended or retired; one in quarantine that renews", "403 `device_not_active`"],
  ["device or pipeline of a suspended fleet", "403 `fleet_suspended`"],
  [
    "too many certificates of a device in an hour, too many failed attempts",
    "429 `rate_limited` with Retry-After",
  ],
  ["a store that does not answer", "503: nobody is let in"],
];

const states: readonly Row[] = [
  ["registered", "may enrol with a credential that the fleet accepts"],
  ["active", "has a certificate; renews"],
  [
    "quarantined",
    "came back after its certificate's expiry: has a short certificate, may ask how it stands, may not renew until an operator releases it",
  ],
  ["suspended", "gets in nowhere and is issued nothing, until an operator releases it"],
  ["retired", "the same, for good"],
];

/** `docs/access.md`, whole. */
export function renderAccess(): string {
  return `${[
    "<!-- Generated from lambdas/routes.ts and core/standard by `npm run docs`; do not edit. -->",
    "# Access",
    "Deny by default: a call runs only with a credential that its row names. Every cell, for a credential that is fresh, expired, revoked, of another key, replayed, and of another fleet, is tried by `test/access/matrix.test.ts` against a statement of its own.",
    "## Who may call what",
    "Operators by role: **O**wner, **S**ecurity officer, **P**rovisioner, **A**uditor; by certificate over mutual TLS, or by a session. Any one of the credentials in a row suffices.",
    routeTable(),
    "## Credentials",
    [
      "- **operator**: a certificate over mutual TLS proves one factor; a session, from a passkey with user verification or an identity provider's MFA claim, proves more, lasts " +
        `${session.seconds / 60} minutes, and brings a proof of its key with each request (RFC 9449), which counts once and for ${proof.seconds} s.`,
      "- **device**: its own certificate over mutual TLS. TLS proves the key anew in each handshake, so a certificate cannot be replayed.",
      "- **enrollment**: a one-time token, a claim certificate, a manufacturer certificate, a key that was registered, an operator's decision, or an expired certificate whose key signs the request; the fleet's configuration says which.",
      `- **pipeline**: a JWT of an issuer that the fleet trusts, for the fleet's audience, whose claims match the entry's patterns over their whole length. A job may show it more than once, until it is ${pipelineToken.seconds / 3_600} h old.`,
      "- **iam**: SigV4, on AWS only: API Gateway verifies the signature and names the principal.",
      "- **invitation**: one passkey, once. **proof**: a key, to which the session is bound.",
    ].join("\n"),
    "A critical operation is called with the header `Fleetkey-Approval`: the id of an approval for that very call, body and all.",
    "## What is refused, and how",
    table(["presented", "answer"], refusals),
    "## States of a device",
    table(["state", "what it may"], states),
  ].join("\n\n")}\n`;
}
