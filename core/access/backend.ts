/**
 * Room: core/access. A backend that shows a certificate of the very fleet. The certificate says which backend it is;
 * what it may do, the fleet's configuration says as it stands now: an entry that is taken out ends its access at once.
 */
import { AppError } from "../errors.ts";
import type { BackendTrust, PipelineTrust } from "../records/fleet-configuration.ts";
import type { PipelineCaller } from "./caller.ts";
import type { ClientIdentity } from "./client-certificate.ts";

export interface BackendIdentity extends ClientIdentity {
  readonly kind: "backend";
}

export interface BackendCaller extends PipelineCaller {
  /** The backend and the certificate that it showed. */
  readonly identity: BackendIdentity;
}

const isBackendTrust = (entry: PipelineTrust): entry is BackendTrust => entry.kind === "certificate";

/** Who renews its own certificate: for that, the certificate does, whatever the configuration says. */
export function backendItself(identity: BackendIdentity): BackendCaller {
  const { fleet, subjectId, fleetState } = identity;
  return {
    kind: "pipeline",
    fleet,
    subjectId,
    actor: `backend:${subjectId}`,
    operations: [],
    profiles: [],
    purposes: [],
    fleetState,
    identity,
  };
}

/**
 * The backend with what its entry permits. Nothing is read: the fleet was at the door.
 * @throws AppError access_denied: the fleet's configuration has no entry for it.
 */
export function backendByCertificate(identity: BackendIdentity): BackendCaller {
  const { pipelines } = identity.fleetState.configuration;
  const entry = pipelines.filter(isBackendTrust).find(({ backend }) => backend === identity.subjectId);
  if (entry === undefined)
    throw new AppError(
      "access_denied",
      "the fleet's configuration trusts no backend of this certificate; ask an owner for an entry of kind certificate",
    );
  const { id, operations, profiles, purposes = [] } = entry;
  return { ...backendItself(identity), subjectId: id, operations, profiles, purposes };
}
