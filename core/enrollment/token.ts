/**
 * Room: core/enrollment. One-time enrolment tokens: 256 random bits, stored as their SHA-256 only, bound to
 * fleet, device, profile and expiry.
 */

import { hash } from "node:crypto";
import { auditEntry } from "../audit/entry.ts";
import { getFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import { checkDeviceId } from "../policy/identifiers.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import { deviceItem } from "../records/device-record.ts";
import { type TokenRecord, tokenItem } from "../records/token-record.ts";
import { enrollmentTokenStandard } from "../standard/enrollment-token.ts";
import type { ProfileId } from "../standard/profiles.ts";
import { isoSeconds } from "./answer.ts";
import { checkDeviceName } from "./device-name.ts";
import { deviceProfile } from "./device-profile.ts";
import { heldBack } from "./hold.ts";
import { findDevice } from "./known-device.ts";

export interface TokenRequest {
  readonly fleet: string;
  /** Who asks, as the audit log names it: `operator:…`, `pipeline:…`. */
  readonly actor: string;
  readonly deviceId: string;
  /** Default "device". */
  readonly profile?: ProfileId;
  /** Default and maximum as the standard has them. */
  readonly ttlSeconds?: number;
}

export interface EnrollmentToken {
  /** 43 characters of base64url. It is shown here once and kept nowhere. */
  readonly token: string;
  readonly deviceId: string;
  readonly profile: ProfileId;
  /** ISO 8601, UTC. */
  readonly expiresAt: string;
}

const drawAttempts = 100;

/**
 * 256 random bits, drawn again while the text begins with "-", which a command line would take for a flag: that
 * leaves 255.98 bits.
 */
function drawToken(app: KeylessApp): string {
  for (let attempt = 0; attempt < drawAttempts; attempt += 1) {
    const octets = app.entropy.bytes(enrollmentTokenStandard.entropyBits / 8);
    const token = Buffer.from(octets).toString("base64url");
    if (!token.startsWith("-")) return token;
  }
  throw new AppError("internal", `the random source gave no usable token in ${drawAttempts} attempts`);
}

/** The name under which a token is stored. */
export function tokenDigest(token: string): string {
  return hash("sha256", token);
}

function lifetime(ttlSeconds: number | undefined): number {
  const { defaultSeconds, maximumSeconds } = enrollmentTokenStandard;
  const seconds = ttlSeconds ?? defaultSeconds;
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > maximumSeconds) {
    throw new AppError(
      "request_invalid",
      `token lifetime ${seconds} s is outside 1 to ${maximumSeconds} s; ask for a shorter one`,
    );
  }
  return seconds;
}

/** The write that makes the device known; none when it is. @throws AppError already_exists, device_not_active. */
async function knownDevice(
  app: KeylessApp,
  fleet: string,
  deviceId: string,
): Promise<readonly WriteOperation[]> {
  const { device, hold } = await findDevice(app, fleet, deviceId);
  // A suspended device may have a token in advance: it is refused until it is released.
  if (hold?.value.state === "retired") throw heldBack(hold.value);
  if (device === undefined) {
    const put = deviceItem(fleet, { deviceId, createdAt: app.clock.now() });
    return [{ put, when: "absent" }];
  }
  if (device.deviceId === deviceId) return [];
  throw new AppError(
    "already_exists",
    `device "${device.deviceId}" has this id in other letters; use its spelling`,
  );
}

/** Index of the device's write among the operations of the token's transaction. */
const deviceOperation = 2;

/**
 * @throws AppError request_invalid, name_not_permitted, profile_not_permitted, not_found (no such fleet),
 * already_exists (the device id in another spelling), device_not_active (retired).
 */
export async function createEnrollmentToken(
  app: KeylessApp,
  request: TokenRequest,
): Promise<EnrollmentToken> {
  const { fleet, deviceId } = request;
  const decision = checkDeviceId(deviceId);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
  const { id: profile } = deviceProfile(request.profile ?? "device");
  const seconds = lifetime(request.ttlSeconds);
  checkDeviceName((await getFleet(app, fleet)).configuration, deviceId);
  const token = drawToken(app);
  const createdAt = app.clock.now();
  const record: TokenRecord = {
    fleet,
    digest: tokenDigest(token),
    deviceId,
    profile,
    state: "fresh",
    createdAt,
    expiresAt: createdAt + seconds * 1000,
    createdBy: request.actor,
  };
  await recordToken(app, record);
  return { token, deviceId, profile, expiresAt: isoSeconds(record.expiresAt) };
}

async function recordToken(app: KeylessApp, record: TokenRecord): Promise<void> {
  const { fleet, deviceId } = record;
  const actor = record.createdBy;
  const act = {
    fleet,
    action: "enrollment-token.created",
    actor,
    subject: deviceId,
    result: "success",
  } as const;
  for (;;) {
    const device = await knownDevice(app, fleet, deviceId);
    try {
      await app.items.transact([{ put: tokenItem(record), when: "absent" }, auditEntry(app, act), ...device]);
      return;
    } catch (error) {
      // Another request made the device known meanwhile: read its spelling and go on.
      if (!isAppError(error, "store_condition_failed")) throw error;
      if (!error.failedOperations?.includes(deviceOperation)) throw error;
    }
  }
}
