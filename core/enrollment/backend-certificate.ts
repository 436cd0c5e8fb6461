/**
 * Room: core/enrollment. Certificates of backends: the first from an operator, each later one against the one before,
 * so that no operator is needed every month. What a backend may do stands in the fleet's configuration and not here.
 */
import type { BackendCaller } from "../access/backend.ts";
import type { OperatorCaller } from "../access/caller.ts";
import { auditEntry } from "../audit/entry.ts";
import { AppError } from "../errors.ts";
import { type VerifiedCsr, verifyCsr } from "../formats/certification-request.ts";
import { checkBackendId } from "../policy/identifiers.ts";
import type { BackendIdentity } from "../policy/identity.ts";
import type { App } from "../ports.ts";
import { profiles } from "../standard/profiles.ts";
import { type IssuedCertificate, issuedCertificate } from "./answer.ts";
import { type AuthorisedRequest, issueAuthorised, requestDigest } from "./authorised.ts";
import { renewClient } from "./renew.ts";

const profile = profiles.backend;

/** Which operators may, the door has decided. */
export type CertifyingOperator = Pick<OperatorCaller, "kind" | "fleet" | "actor" | "fleetState">;

export interface BackendCertificateRequest {
  readonly backendId: string;
  /** DER. */
  readonly csr: Uint8Array;
}

function assertName(backendId: string): void {
  const decision = checkBackendId(backendId);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
}

function certified(app: App, fleet: string, actor: string, backendId: string) {
  const entry = auditEntry(app, {
    fleet,
    action: "backend.certified",
    actor,
    subject: backendId,
    result: "success",
  });
  return { alongside: () => [entry] } satisfies Pick<AuthorisedRequest, "alongside">;
}

async function certifyAnew(
  app: App,
  { fleet, fleetState, actor }: CertifyingOperator,
  csr: VerifiedCsr,
  identity: BackendIdentity,
): Promise<IssuedCertificate> {
  const record = await issueAuthorised(app, {
    fleet: fleetState,
    csr,
    profile,
    identity,
    credential: actor,
    // Not by whom: whoever repeats it asks for the same certificate.
    requestDigest: requestDigest(`new-backend:${identity.backendId}`, csr.digest, profile.id),
    consume: [],
    taken: () =>
      new AppError("store_condition_failed", "the request met another; repeat it", { retryAfter: 1 }),
    ...certified(app, fleet, actor, identity.backendId),
  });
  return issuedCertificate(fleetState, record);
}

async function renewOwn(
  app: App,
  { fleet, actor, identity: client }: BackendCaller,
  csr: VerifiedCsr,
  identity: BackendIdentity,
): Promise<IssuedCertificate> {
  const { backendId } = identity;
  return renewClient(app, { client, csr, profile, identity, ...certified(app, fleet, actor, backendId) });
}

function assertItself(caller: CertifyingOperator | BackendCaller, backendId: string): void {
  if (caller.kind === "operator" || caller.identity.subjectId === backendId) return;
  throw new AppError(
    "access_denied",
    "a backend renews its own certificate alone; name the backend of the certificate that you present",
  );
}

/**
 * An operator certifies a backend's key; the backend itself renews, with a new key. The same request again gets the
 * same certificate. The names come from `backendId`, whatever the CSR says.
 * @throws AppError name_not_permitted, access_denied (another backend's), csr_* and key_* (see `verifyCsr`),
 * key_reused, client_certificate_revoked, credential_spent (renewed too often; the answer was revoked or has expired),
 * fleet_suspended, the policy's codes, authority_unavailable, issuance_in_progress.
 */
export async function certifyBackend(
  app: App,
  caller: CertifyingOperator | BackendCaller,
  { backendId, csr: octets }: BackendCertificateRequest,
): Promise<IssuedCertificate> {
  assertName(backendId);
  assertItself(caller, backendId);
  const csr = await verifyCsr(octets);
  const { fleet, fleetState } = caller;
  const { trustDomain } = fleetState.record;
  const identity = { kind: "backend", fleet, trustDomain, backendId } as const;
  return caller.kind === "operator"
    ? certifyAnew(app, caller, csr, identity)
    : renewOwn(app, caller, csr, identity);
}
