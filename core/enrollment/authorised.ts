/**
 * Room: core/enrollment. From a request whose credential has been judged to a certificate: the fleet's and the
 * standard's policy, the device's own state and limit, then issuance by the fleet's issuing authority.
 */

import { hash } from "node:crypto";
import { assertFleetActive, type Fleet, issuingAuthority } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import type { VerifiedCsr } from "../formats/certification-request.ts";
import type { DeviceIdentity, SubjectIdentity } from "../policy/identity.ts";
import { decideRequest } from "../policy/request-policy.ts";
import type { App, WriteOperation } from "../ports.ts";
import type { CertificateRecord } from "../records/certificate-record.ts";
import { type CertificateStatusPlaces, statusPlaces } from "../revocation/status-places.ts";
import type { Profile, ProfileId } from "../standard/profiles.ts";
import { DeviceGuards } from "./device-guard.ts";
import { checkDeviceName } from "./device-name.ts";
import type { IssuanceRequest } from "./issuance.ts";
import { issueOnce, type Taken } from "./issue-once.ts";

/** What issuance needs, whichever credential stood at the door. */
export interface AuthorisedRequest {
  readonly fleet: Fleet;
  readonly csr: VerifiedCsr;
  readonly profile: Profile;
  readonly identity: SubjectIdentity;
  readonly credential: string;
  readonly requestDigest: string;
  readonly consume: readonly WriteOperation[];
  /** What else is recorded with the intent of anything but a device, and names its serial number. */
  readonly alongside?: NonNullable<IssuanceRequest["alongside"]>;
  /** The failure when the credential is no longer as it was read, and not because of this very request. */
  readonly taken: Taken;
  /** False for a server at which the status itself is asked for: RFC 5280 §8. @default true */
  readonly statusPointers?: boolean;
  /** Of a device's places of this hour, the one to try first. @default 0 */
  readonly firstPlace?: number;
  /** The hold that this issuance writes or was told of; a device is otherwise certified without one only. */
  readonly quarantine?: WriteOperation;
}

/** The idempotency key: one certificate per credential, request and profile. */
export function requestDigest(credential: string, csrDigest: string, profile: ProfileId): string {
  return hash("sha256", `${credential}\n${csrDigest}\n${profile}`);
}

const withoutPointers = ({ shardOf }: CertificateStatusPlaces): CertificateStatusPlaces => ({ shardOf });

/** More callers at once than one device has places are told to come back. */
const placeAttempts = 40;

const placeTaken = new AppError("store_condition_failed", "another request took this place");

async function issueToDevice(
  app: App,
  request: AuthorisedRequest,
  issuance: Omit<IssuanceRequest, "consume">,
  { deviceId }: DeviceIdentity,
): Promise<CertificateRecord> {
  const { fleet, consume, taken, quarantine, firstPlace = 0 } = request;
  const { issuancesPerHour } = fleet.configuration;
  const guards = new DeviceGuards(app, {
    fleet: fleet.record.fleet,
    deviceId,
    issuancesPerHour,
    firstPlace,
    ...(quarantine === undefined ? {} : { quarantine }),
  });
  const refusal: Taken = async (failed) => {
    if (failed.some((index) => index >= 0 && index < consume.length)) return taken(failed);
    return (await guards.refusal(failed.map((index) => index - consume.length))) ?? placeTaken;
  };
  for (let attempt = 0; attempt < placeAttempts; attempt += 1) {
    try {
      const { operations, place } = guards;
      return await issueOnce(app, { ...issuance, place, consume: [...consume, ...operations] }, refusal);
    } catch (error) {
      if (error !== placeTaken) throw error;
    }
  }
  throw new AppError("issuance_in_progress", "other requests of the device are under way; repeat this one", {
    retryAfter: 1,
  });
}

/**
 * @throws AppError fleet_suspended, the policy's codes, authority_unavailable, device_not_active, rate_limited,
 * what `taken` gives, issuance_in_progress.
 */
export async function issueAuthorised(app: App, request: AuthorisedRequest): Promise<CertificateRecord> {
  const { fleet, csr, profile, identity, credential, requestDigest: digest, consume, taken } = request;
  const decision = decideRequest(csr, profile, identity);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
  const issuer = issuingAuthority(app, fleet);
  const { authorityId, keyId } = issuer.record;
  const days = fleet.configuration.validityDays[profile.id];
  const places = statusPlaces(fleet, authorityId);
  const issuance = {
    fleet: fleet.record.fleet,
    csr,
    profile,
    identity,
    credential,
    requestDigest: digest,
    signer: { authorityId, keyId, algorithm: issuer.algorithm, issuer },
    status: request.statusPointers === false ? withoutPointers(places) : places,
    ...(days === undefined ? {} : { days }),
  };
  if (identity.kind === "claim" || identity.kind === "backend") assertFleetActive(fleet);
  if (identity.kind !== "device") {
    const alongside = request.alongside === undefined ? {} : { alongside: request.alongside };
    return issueOnce(app, { ...issuance, consume, ...alongside }, taken);
  }
  assertFleetActive(fleet);
  checkDeviceName(fleet.configuration, identity.deviceId);
  return issueToDevice(app, request, issuance, identity);
}
