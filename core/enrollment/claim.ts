/**
 * Room: core/enrollment. Claims: a certificate for a factory's key, with a quota. One claim has one certificate;
 * revoking that ends the claim.
 */
import { auditEntry } from "../audit/entry.ts";
import { getFleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import { verifyCsr } from "../formats/certification-request.ts";
import { checkClaimId } from "../policy/identifiers.ts";
import type { App, KeylessApp, WriteOperation } from "../ports.ts";
import type { CertificateRecord } from "../records/certificate-record.ts";
import { claimItem } from "../records/claim-record.ts";
import { accessLimits } from "../standard/access.ts";
import { type ProfileId, profiles } from "../standard/profiles.ts";
import { type IssuedCertificate, isoSeconds, issuedCertificate } from "./answer.ts";
import { issueAuthorised, requestDigest } from "./authorised.ts";
import { findClaim, usedQuota } from "./claim-quota.ts";
import { deviceProfile } from "./device-profile.ts";
import { findCertificate } from "./intent.ts";

export interface ClaimRequest {
  readonly fleet: string;
  /** Who asks, as the audit log names it. */
  readonly actor: string;
  readonly claimId: string;
  /** DER: the request of the batch's key. */
  readonly csr: Uint8Array;
  /** How many devices it may enrol, 1 to `accessLimits.claimQuota.maximum`. @default the standard's */
  readonly quota?: number;
  /** Of the devices' certificates. @default "device" */
  readonly profile?: ProfileId;
}

export interface IssuedClaim extends IssuedCertificate {
  readonly claimId: string;
  readonly quota: number;
}

export interface ClaimView {
  readonly claimId: string;
  /** Of its certificate, lowercase hexadecimal. */
  readonly serialNumber: string;
  readonly quota: number;
  readonly used: number;
  readonly profile: ProfileId;
  /** ISO 8601, UTC. */
  readonly notAfter: string;
  readonly status: "active" | "revoked" | "expired";
}

function checkQuota(quota: number): number {
  const { maximum } = accessLimits.claimQuota;
  if (Number.isInteger(quota) && quota >= 1 && quota <= maximum) return quota;
  throw new AppError("request_invalid", `claim quota ${quota} is outside 1 to ${maximum}; split the batch`);
}

function checkId(claimId: string): void {
  const decision = checkClaimId(claimId);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
}

/** The claim's own writes, which name the certificate that the intent is for. */
function claimWrites(
  app: App,
  { fleet, actor, claimId }: ClaimRequest,
  terms: { readonly quota: number; readonly profile: ProfileId },
): (intended: CertificateRecord) => readonly WriteOperation[] {
  return ({ serialNumber, createdAt }) => [
    {
      put: claimItem(fleet, { claimId, ...terms, serialNumber, createdAt, createdBy: actor }),
      when: "absent",
    },
    auditEntry(app, { fleet, action: "claim.created", actor, subject: claimId, result: "success" }),
  ];
}

/**
 * The same request on the same terms gets the same certificate again.
 * @throws AppError csr_* and key_* (see `verifyCsr`), name_not_permitted, request_invalid (quota),
 * profile_not_permitted, already_exists (another claim of that id), not_found, fleet_suspended, the policy's codes,
 * authority_unavailable, issuance_in_progress.
 */
export async function createClaim(app: App, request: ClaimRequest): Promise<IssuedClaim> {
  const { fleet: name, actor, claimId } = request;
  checkId(claimId);
  const quota = checkQuota(request.quota ?? accessLimits.claimQuota.default);
  const { id: profile } = deviceProfile(request.profile ?? "device");
  const csr = await verifyCsr(request.csr);
  const fleet = await getFleet(app, name);
  const { trustDomain } = fleet.record;
  const record = await issueAuthorised(app, {
    fleet,
    csr,
    profile: profiles.claim,
    identity: { kind: "claim", fleet: name, trustDomain, claimId },
    credential: actor,
    // Not by whom: whoever repeats it on the same terms asks for the same claim.
    requestDigest: requestDigest(`new-claim:${claimId}/${quota}/${profile}`, csr.digest, "claim"),
    consume: [],
    alongside: claimWrites(app, request, { quota, profile }),
    taken: () =>
      new AppError("already_exists", `claim "${claimId}" exists with other terms; give another id`),
  });
  return { ...issuedCertificate(fleet, record), claimId, quota };
}

function statusOf(app: KeylessApp, { state, notAfter }: CertificateRecord): ClaimView["status"] {
  if (state === "revoked") return "revoked";
  return notAfter < app.clock.now() ? "expired" : "active";
}

/** Two reads. @throws AppError not_found. */
export async function getClaim(app: KeylessApp, fleet: string, claimId: string): Promise<ClaimView> {
  const found = await findClaim(app, fleet, claimId);
  const record = found && (await findCertificate(app, fleet, found.claim.serialNumber))?.value;
  if (found === undefined || record === undefined)
    throw new AppError("not_found", `there is no claim "${claimId}" in fleet "${fleet}"`);
  const { quota, profile, serialNumber } = found.claim;
  return {
    claimId: found.claim.claimId,
    serialNumber,
    quota,
    used: usedQuota(found),
    profile,
    notAfter: isoSeconds(record.notAfter),
    status: statusOf(app, record),
  };
}
