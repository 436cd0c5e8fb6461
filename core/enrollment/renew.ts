/**
 * Room: core/enrollment. A device renews over mutual TLS: the same identity, and a new key unless the profile
 * permits reuse. RFC 7030 §4.2.2: subject and subjectAltName stay as they are.
 */
import type { ClientIdentity } from "../access/client-certificate.ts";
import { AppError, isAppError } from "../errors.ts";
import { type VerifiedCsr, verifyCsr } from "../formats/certification-request.ts";
import type { SubjectIdentity } from "../policy/identity.ts";
import type { App, WriteOperation } from "../ports.ts";
import { type CertificateRecord, certificateItem, type Stored } from "../records/certificate-record.ts";
import { limits } from "../standard/limits.ts";
import { type Profile, profiles } from "../standard/profiles.ts";
import { type IssuedCertificate, issuedCertificate } from "./answer.ts";
import { type AuthorisedRequest, issueAuthorised, requestDigest } from "./authorised.ts";
import { placeAfter } from "./device-guard.ts";
import { findCertificate } from "./intent.ts";
import { findAnswer } from "./issue-once.ts";

export interface RenewalRequest {
  readonly fleet: string;
  /** From `authenticateClientCertificate`: in force, unrevoked, of this fleet. */
  readonly client: ClientIdentity;
  /** DER. */
  readonly csr: Uint8Array;
}

/**
 * Renewal keeps the profile, but for a device that came back into quarantine: once it is released its renewal is the
 * way out, with a new key.
 */
export function renewalProfile({ profile }: Pick<ClientIdentity, "profile">): Profile {
  return profiles[profile === "quarantine" ? "device" : profile];
}

/** @throws AppError key_reused: the request keeps the presented key, and the profile does not permit that. */
export function assertKeyPermitted(
  profile: Pick<Profile, "id" | "keyReuse">,
  csr: Pick<VerifiedCsr, "publicKey">,
  presented: Pick<CertificateRecord, "keyFingerprint">,
): void {
  if (profile.keyReuse || csr.publicKey.fingerprint !== presented.keyFingerprint) return;
  throw new AppError(
    "key_reused",
    `profile "${profile.id}" asks for a new key at renewal; make one and repeat`,
  );
}

const { value: maximumRenewals } = limits.renewalsPerCertificate;
/** More renewals at once than a certificate may have in all, so the last one always finds its turn. */
const attempts = maximumRenewals + 2;

function assertRenewable(record: CertificateRecord): void {
  if (record.state !== "issued") {
    throw new AppError("client_certificate_revoked", "the client certificate was revoked; enrol again");
  }
  if ((record.renewals ?? 0) < maximumRenewals) return;
  throw new AppError(
    "credential_spent",
    `the client certificate was renewed ${maximumRenewals} times, the maximum; renew with its successor, or enrol again`,
  );
}

/** Counts the renewal on the presented certificate, as it was read: a revocation meanwhile wins. */
function countRenewal({ value, version }: Stored<CertificateRecord>): WriteOperation {
  return { put: certificateItem({ ...value, renewals: (value.renewals ?? 0) + 1 }), when: version };
}

const changedMeanwhile = () =>
  new AppError("store_condition_failed", "the client certificate's record changed");

/** One renewal on `presented` as it stands; undefined when its record changed on the way. */
async function renewOn(app: App, presented: Stored<CertificateRecord>, request: AuthorisedRequest) {
  assertRenewable(presented.value);
  try {
    const consume = [countRenewal(presented)];
    const firstPlace = placeAfter(app, presented.value);
    return await issueAuthorised(app, { ...request, consume, firstPlace, taken: changedMeanwhile });
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return undefined;
    throw error;
  }
}

async function renewCounted(
  app: App,
  client: ClientIdentity,
  request: AuthorisedRequest,
): Promise<CertificateRecord> {
  let presented: Stored<CertificateRecord> | undefined = client.record;
  for (let attempt = 0; attempt < attempts && presented !== undefined; attempt += 1) {
    // Only a certificate that has been renewed before can have answered this request before.
    const renewed = presented.value.renewals !== undefined;
    const answered = renewed ? await findAnswer(app, client.fleet, request.requestDigest) : undefined;
    const record = answered ?? (await renewOn(app, presented, request));
    if (record !== undefined) return record;
    presented = await findCertificate(app, client.fleet, client.serialNumber);
  }
  throw new AppError("issuance_in_progress", "other renewals are under way; repeat the same request", {
    retryAfter: 1,
  });
}

/** The renewal of any client's certificate; who may renew at all, and as what, its caller has decided. */
export interface ClientRenewal {
  readonly client: ClientIdentity;
  readonly csr: VerifiedCsr;
  readonly profile: Profile;
  /** The presented certificate's own. */
  readonly identity: SubjectIdentity;
  readonly alongside?: NonNullable<AuthorisedRequest["alongside"]>;
}

/**
 * The same certificate with the same CSR gets the same successor.
 * @throws AppError key_reused, client_certificate_revoked (revoked since it was presented), credential_spent (renewed
 * too often), the policy's codes, authority_unavailable, issuance_in_progress.
 */
export async function renewClient(app: App, renewal: ClientRenewal): Promise<IssuedCertificate> {
  const { client, csr, profile, identity, alongside } = renewal;
  assertKeyPermitted(profile, csr, client.record.value);
  const credential = `certificate:${client.serialNumber}`;
  const fleet = client.fleetState;
  const record = await renewCounted(app, client, {
    fleet,
    csr,
    profile,
    identity,
    credential,
    requestDigest: requestDigest(credential, csr.digest, profile.id),
    consume: [],
    taken: changedMeanwhile,
    ...(alongside === undefined ? {} : { alongside }),
  });
  return issuedCertificate(fleet, record);
}

/**
 * @throws AppError csr_* and key_* (see `verifyCsr`), access_denied (not a device), key_reused,
 * client_certificate_revoked (revoked since it was presented), credential_spent (renewed too often), the
 * policy's codes, authority_unavailable, issuance_in_progress.
 */
export async function renew(app: App, request: RenewalRequest): Promise<IssuedCertificate> {
  const { client } = request;
  if (client.kind !== "device" || client.fleet !== request.fleet) {
    throw new AppError(
      "access_denied",
      "renewal is for the fleet's own devices; present a device certificate",
    );
  }
  const csr = await verifyCsr(request.csr);
  const { trustDomain } = client.fleetState.record;
  return renewClient(app, {
    client,
    csr,
    profile: renewalProfile(client),
    identity: { kind: "device", fleet: request.fleet, trustDomain, deviceId: client.subjectId },
  });
}
