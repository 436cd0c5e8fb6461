/** Room: core/enrollment. Which device a request is for, and which profile it may have. */
import { AppError } from "../errors.ts";
import type { VerifiedCsr } from "../formats/certification-request.ts";
import { canonicalText, commonNames } from "../formats/name.ts";
import { checkDeviceId } from "../policy/identifiers.ts";
import { type Profile, type ProfileId, profiles } from "../standard/profiles.ts";

/** @throws AppError profile_not_permitted: not for devices, or only for those that come back after expiry. */
export function deviceProfile(id: ProfileId): Profile {
  const profile = profiles[id];
  if (profile.subjectKind === "device" && id !== "quarantine") return profile;
  const reason =
    id === "quarantine" ? "is given to devices that come back after expiry" : "is not for devices";
  throw new AppError("profile_not_permitted", `profile "${id}" ${reason}; use "device"`);
}

/**
 * The device that a request names, where the credential does not: beside the CSR, or as its only common name.
 * @throws AppError request_invalid (neither), name_not_permitted.
 */
export function requestedDeviceId(request: { readonly deviceId?: string }, csr: VerifiedCsr): string {
  const deviceId = request.deviceId ?? commonNames(csr.subject)[0];
  if (deviceId === undefined) {
    throw new AppError(
      "request_invalid",
      "the credential names no device; send deviceId, or a CSR with the device's id as its common name",
    );
  }
  const decision = checkDeviceId(deviceId);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
  return deviceId;
}

/** @throws AppError csr_subject_mismatch: the request names another device than its credential. */
export function assertSameDevice(request: { readonly deviceId?: string }, deviceId: string): void {
  if (request.deviceId === undefined) return;
  if (canonicalText(request.deviceId) === canonicalText(deviceId)) return;
  throw new AppError(
    "csr_subject_mismatch",
    "the request's deviceId is not the credential's; leave it out, or present the device's own credential",
  );
}

/** @throws AppError profile_not_permitted: the request asks for another profile than its credential's. */
export function assertProfile(request: { readonly profile?: ProfileId }, { id }: Profile): void {
  if (request.profile === undefined || request.profile === id) return;
  throw new AppError(
    "profile_not_permitted",
    `profile "${request.profile}" is not the credential's "${id}"; leave it out or ask for another credential`,
  );
}
