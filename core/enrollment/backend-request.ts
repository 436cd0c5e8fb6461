/** Room: core/enrollment. What is asked for a backend's key, judged by whoever asks people to approve it, and before issuance. */
import type { Fleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import { type VerifiedCsr, verifyCsr } from "../formats/certification-request.ts";
import { checkBackendId } from "../policy/identifiers.ts";
import type { BackendIdentity } from "../policy/identity.ts";
import { decideRequest } from "../policy/request-policy.ts";
import { profiles } from "../standard/profiles.ts";

export const backendProfile = profiles.backend;

export interface BackendCertificateRequest {
  readonly backendId: string;
  /** DER. */
  readonly csr: Uint8Array;
}

export interface VerifiedBackendRequest {
  readonly csr: VerifiedCsr;
  readonly identity: BackendIdentity;
}

/** @throws AppError name_not_permitted, csr_* and key_* (see `verifyCsr`). */
export async function verifiedBackendRequest(
  { record: { fleet, trustDomain } }: Fleet,
  { backendId, csr }: BackendCertificateRequest,
): Promise<VerifiedBackendRequest> {
  const decision = checkBackendId(backendId);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
  return { csr: await verifyCsr(csr), identity: { kind: "backend", fleet, trustDomain, backendId } };
}

/**
 * What issuance would refuse, so that nobody is asked to approve it.
 * @throws AppError as `verifiedBackendRequest`, and the policy's codes.
 */
export async function judgeBackendRequest(fleet: Fleet, request: BackendCertificateRequest): Promise<void> {
  const { csr, identity } = await verifiedBackendRequest(fleet, request);
  const decision = decideRequest(csr, backendProfile, identity);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
}
