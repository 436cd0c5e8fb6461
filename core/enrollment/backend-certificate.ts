/**
 * Room: core/enrollment. Certificates of backends. The first is approved by two people, for whoever holds it comes to the
 * data that the fleet's configuration opens to that backend; each later one is made against the one before, so that
 * nobody is needed every month. What a backend may do stands in the configuration and not here.
 */
import type { ApprovedOperation } from "../access/approval.ts";
import type { BackendCaller } from "../access/backend.ts";
import type { OperatorCaller } from "../access/caller.ts";
import { auditEntry } from "../audit/entry.ts";
import type { Fleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import type { App, WriteOperation } from "../ports.ts";
import { type IssuedCertificate, issuedCertificate } from "./answer.ts";
import { issueAuthorised, requestDigest } from "./authorised.ts";
import {
  type BackendCertificateRequest,
  backendProfile as profile,
  type VerifiedBackendRequest,
  verifiedBackendRequest,
} from "./backend-request.ts";
import { renewClient } from "./renew.ts";

/** Who has it certified, as the audit log names it. */
interface Certifier {
  readonly fleetState: Fleet;
  readonly actor: string;
}

function certified(app: App, { fleetState, actor }: Certifier, backendId: string): WriteOperation {
  const { fleet } = fleetState.record;
  const act = { fleet, action: "backend.certified", actor, subject: backendId, result: "success" } as const;
  return auditEntry(app, act);
}

const met = () =>
  new AppError("store_condition_failed", "the request met another; repeat it", { retryAfter: 1 });
const spent = () =>
  new AppError("approval_spent", "the operation of this approval was executed; ask for another approval");

async function certifyAnew(
  app: App,
  certifier: Certifier,
  { csr, identity }: VerifiedBackendRequest,
  approval?: ApprovedOperation,
): Promise<IssuedCertificate> {
  const { fleetState, actor } = certifier;
  // With the intent, and not before it: whatever fails until then leaves the approval good.
  const execution = approval === undefined ? [] : [approval.consume, approval.entry];
  const record = await issueAuthorised(app, {
    fleet: fleetState,
    csr,
    profile,
    identity,
    credential: actor,
    // Not by whom: whoever repeats it asks for the same certificate.
    requestDigest: requestDigest(`new-backend:${identity.backendId}`, csr.digest, profile.id),
    consume: [],
    taken: (failed) => (approval !== undefined && failed.includes(0) ? spent() : met()),
    alongside: () => [...execution, certified(app, certifier, identity.backendId)],
  });
  return issuedCertificate(fleetState, record);
}

export interface ApprovedBackendRequest extends BackendCertificateRequest {
  readonly caller: Pick<OperatorCaller, "fleetState" | "actor">;
  readonly approval: ApprovedOperation;
}

/**
 * Operators certify a backend's key. The approval is spent with the intent of the certificate: where the answer was
 * lost after that, another approval of the same request gets the same certificate, and leaves that approval as it is. The
 * names come from `backendId`, whatever the CSR says.
 * @throws AppError approval_mismatch, approval_spent, name_not_permitted, csr_* and key_* (see `verifyCsr`),
 * credential_spent (the answer was revoked or has expired), fleet_suspended, the policy's codes, authority_unavailable,
 * issuance_in_progress, store_condition_failed.
 */
export async function certifyBackend(app: App, request: ApprovedBackendRequest): Promise<IssuedCertificate> {
  const { caller, approval } = request;
  if (approval.critical !== "fleetConfiguration")
    throw new AppError("approval_mismatch", "the approval is for another operation; ask for one for this");
  return certifyAnew(app, caller, await verifiedBackendRequest(caller.fleetState, request), approval);
}

/**
 * As `certifyBackend`, for whoever holds a deployment's own keys and needs nobody's approval: no handler calls it.
 * @throws AppError as `certifyBackend`, but for the approval's codes.
 */
export async function certifyDeployedBackend(
  app: App,
  { certifier, ...request }: BackendCertificateRequest & { readonly certifier: Certifier },
): Promise<IssuedCertificate> {
  return certifyAnew(app, certifier, await verifiedBackendRequest(certifier.fleetState, request));
}

/**
 * A backend renews its own certificate, with a new key. The same request again gets the same certificate.
 * @throws AppError name_not_permitted, access_denied (another backend's), csr_* and key_* (see `verifyCsr`),
 * key_reused, client_certificate_revoked, credential_spent (renewed too often; the answer was revoked or has expired),
 * fleet_suspended, the policy's codes, authority_unavailable, issuance_in_progress.
 */
export async function renewBackend(
  app: App,
  caller: BackendCaller,
  request: BackendCertificateRequest,
): Promise<IssuedCertificate> {
  const { identity: client, fleetState } = caller;
  const { csr, identity } = await verifiedBackendRequest(fleetState, request);
  if (client.subjectId !== identity.backendId)
    throw new AppError(
      "access_denied",
      "a backend renews its own certificate alone; name the backend of the certificate that you present",
    );
  const alongside = () => [certified(app, caller, identity.backendId)];
  return renewClient(app, { client, csr, profile, identity, alongside });
}
