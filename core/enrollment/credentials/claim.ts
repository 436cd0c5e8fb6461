/**
 * Room: core/enrollment. Claim certificate: a factory's key enrols devices of the inventory, each once, as many as its
 * quota says. The devices share one key, so the claim names the device and the inventory has the last word on it.
 */
import { limitFailures } from "../../access/attempts.ts";
import type { ClientIdentity } from "../../access/client-certificate.ts";
import { AppError } from "../../errors.ts";
import type { App } from "../../ports.ts";
import type { CertificateRecord } from "../../records/certificate-record.ts";
import { claimedItem } from "../../records/claim-record.ts";
import type { DeviceRecord } from "../../records/device-record.ts";
import { profiles } from "../../standard/profiles.ts";
import { type ClaimState, findClaim, takeShare } from "../claim-quota.ts";
import {
  type AuthorisedCredential,
  changedMeanwhile,
  type EnrollmentContext,
  type EnrollmentCredential,
} from "../credential.ts";
import { newestCertificate } from "../device.ts";
import { requestedDeviceId } from "../device-profile.ts";
import { findDevice, type KnownDevice } from "../known-device.ts";

function spent(): AppError {
  return new AppError(
    "credential_spent",
    "a claim enrolled this device with another request; repeat that request byte for byte, or ask for a token",
  );
}

function assertProfile({ claim }: ClaimState, device: DeviceRecord): void {
  if (device.profile === undefined || device.profile === claim.profile) return;
  throw new AppError(
    "profile_not_permitted",
    `the device is registered for profile "${device.profile}", the claim is for "${claim.profile}"; use another claim`,
  );
}

function unknownDevice(): AppError {
  return new AppError("device_unknown", "the device is not in the fleet's inventory; register it first");
}

/**
 * AWS IoT claim keys: one that leaks enrols what a factory has not enrolled yet, and takes the name of no device that
 * is in the field, however that came there.
 */
function assertNew({ device, claimed }: KnownDevice, newest: CertificateRecord | undefined): void {
  if (device === undefined || claimed || newest === undefined) return;
  throw new AppError(
    "credential_spent",
    "the device has had a certificate already; renew with it, or ask for a token",
  );
}

function authorised(app: App, fleet: string, state: ClaimState, known: KnownDevice): AuthorisedCredential {
  const { claim } = state;
  const { device, claimed } = known;
  if (device === undefined) throw unknownDevice();
  assertProfile(state, device);
  const { deviceId } = device;
  const mark = claimedItem(fleet, deviceId, claim.claimId, app.clock.now());
  return {
    credential: `claim:${claim.claimId}/${deviceId}`,
    deviceId,
    profile: profiles[claim.profile],
    consume: claimed ? [] : [{ put: mark, when: "absent" }, takeShare(fleet, state, deviceId)],
    taken: (failed) => (failed.includes(1) && !failed.includes(0) ? changedMeanwhile : spent()),
    spent: claimed,
  };
}

/** `presented`: from `authenticateClientCertificate`, so in force, unrevoked and of this fleet. */
export const claimCredential: EnrollmentCredential<ClientIdentity> = {
  method: "claim",
  async authorise(app, { request, csr }: EnrollmentContext, { fleet, subjectId }) {
    const deviceId = requestedDeviceId(request, csr);
    const limited = { fleet, identity: `claim:${subjectId}`, codes: ["device_unknown"] } as const;
    return limitFailures(app, limited, async () => {
      // Before the device is read: whoever enrols it by a claim now marks it before its certificate can be seen.
      const newest = await newestCertificate(app, fleet, deviceId);
      const [state, known] = await Promise.all([
        findClaim(app, fleet, subjectId),
        findDevice(app, fleet, deviceId),
      ]);
      if (state === undefined) throw new AppError("internal", "a claim certificate without its claim");
      assertNew(known, newest);
      return authorised(app, fleet, state, known);
    });
  },
};
