/**
 * Room: core/enrollment. One-time enrolment tokens: 256 random bits, stored as their SHA-256 only, bound to
 * fleet, device, profile and expiry.
 */
import { hash } from "node:crypto";
import { getFleet } from "../authority/issuer.ts";
import { auditEntry } from "../audit/entry.ts";
import { AppError } from "../errors.ts";
import { checkDeviceId } from "../policy/identifiers.ts";
import type { App } from "../ports.ts";
import { tokenItem, type TokenRecord } from "../records/token-record.ts";
import { type ProfileId, profiles } from "../standard/profiles.ts";
import { enrollmentTokenStandard } from "../standard/enrollment-token.ts";
import { isoSeconds } from "./answer.ts";

export interface TokenRequest {
  readonly fleet: string;
  readonly operatorId: string;
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

function deviceProfile(id: ProfileId): ProfileId {
  if (profiles[id].subjectKind === "device") return id;
  throw new AppError("profile_not_permitted", `profile "${id}" is not for devices; use "device"`);
}

/** @throws AppError request_invalid, name_not_permitted, profile_not_permitted, not_found (no such fleet). */
export async function createEnrollmentToken(app: App, request: TokenRequest): Promise<EnrollmentToken> {
  const { fleet, deviceId } = request;
  const decision = checkDeviceId(deviceId);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
  const profile = deviceProfile(request.profile ?? "device");
  const seconds = lifetime(request.ttlSeconds);
  await getFleet(app, fleet);
  const token = Buffer.from(app.entropy.bytes(enrollmentTokenStandard.entropyBits / 8)).toString("base64url");
  const createdAt = app.clock.now();
  const record: TokenRecord = {
    fleet,
    digest: tokenDigest(token),
    deviceId,
    profile,
    state: "fresh",
    createdAt,
    expiresAt: createdAt + seconds * 1000,
    createdBy: request.operatorId,
  };
  const actor = `operator:${request.operatorId}`;
  await app.items.transact([
    { put: tokenItem(record), when: "absent" },
    auditEntry(app, { fleet, action: "enrollment-token.created", actor, subject: deviceId, result: "success" }),
  ]);
  return { token, deviceId, profile, expiresAt: isoSeconds(record.expiresAt) };
}
