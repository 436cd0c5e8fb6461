/**
 * Room: core/enrollment. No credential but the request itself: it waits until an operator decides, and an approval is
 * for exactly that request. RFC 7030 §4.2.3: 202 with Retry-After meanwhile.
 */

import { AppError, isAppError } from "../../errors.ts";
import type { VerifiedCsr } from "../../formats/certification-request.ts";
import { canonicalText } from "../../formats/name.ts";
import { decideRequest } from "../../policy/request-policy.ts";
import type { App } from "../../ports.ts";
import {
  type EnrollmentRequestRecord,
  enrollmentRequestItem,
  type RequestPlace,
} from "../../records/enrollment-request-record.ts";
import { requestKey } from "../../records/request-record.ts";
import { profiles } from "../../standard/profiles.ts";
import { requestDigest } from "../authorised.ts";
import {
  type AuthorisedCredential,
  changedMeanwhile,
  type EnrollmentContext,
  type EnrollmentCredential,
  type PendingEnrollment,
} from "../credential.ts";
import { checkDeviceName } from "../device-name.ts";
import { assertProfile, requestedDeviceId } from "../device-profile.ts";
import { findPlaces, isOver, placeOf } from "../enrollment-request.ts";
import { findDevice } from "../known-device.ts";

const profile = profiles.device;
const waitSeconds = 60;
const day = 86_400_000;
/** A wait that is told to a client; the places of a flood may be taken for longer. */
const longestWaitSeconds = 3_600;
/** Requests that take places of one set at the same time are four at most. */
const placeAttempts = 8;

const pending = (requestId: string): PendingEnrollment => ({
  status: "pending",
  requestId,
  retryAfter: waitSeconds,
});

/** An operator is not asked about what policy refuses anyhow. */
function assertPermitted({ fleet, csr, request }: EnrollmentContext, deviceId: string): void {
  assertProfile(request, profile);
  const { fleet: name, trustDomain } = fleet.record;
  checkDeviceName(fleet.configuration, deviceId);
  const decision = decideRequest(csr, profile, { kind: "device", fleet: name, trustDomain, deviceId });
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
}

function newRecord(app: App, csr: VerifiedCsr, deviceId: string): EnrollmentRequestRecord {
  const now = app.clock.now();
  return {
    requestId: csr.digest,
    deviceId,
    keyAlgorithm: csr.publicKey.algorithm.id,
    keyFingerprint: csr.publicKey.fingerprint,
    state: "pending",
    requestedAt: now,
    expiresAt: now + day,
  };
}

/** A place that nobody waits in: never used, over, or of a device that has its certificate; else a denied one. */
function freePlace(app: App, places: readonly RequestPlace[]): RequestPlace {
  const isFree = ({ record }: RequestPlace) =>
    record === undefined || record.state === "issued" || isOver(app, record);
  const free = places.find(isFree) ?? places.find(({ record }) => record?.state === "denied");
  if (free !== undefined) return free;
  const ends = places.map(({ record }) => record?.expiresAt ?? 0);
  const seconds = Math.ceil((Math.min(...ends) - app.clock.now()) / 1000);
  throw new AppError(
    "rate_limited",
    "too many enrolment requests wait for a decision; ask the fleet's operators to decide, and repeat",
    { retryAfter: Math.min(Math.max(seconds, 1), longestWaitSeconds) },
  );
}

async function open(
  app: App,
  { fleet, csr }: EnrollmentContext,
  deviceId: string,
): Promise<PendingEnrollment> {
  const { fleet: name } = fleet.record;
  for (let attempt = 0; attempt < placeAttempts; attempt += 1) {
    const places = await findPlaces(app, name, csr.digest);
    if (placeOf(app, places, csr.digest) !== undefined) return pending(csr.digest);
    const { key, version } = freePlace(app, places);
    const put = enrollmentRequestItem(key, newRecord(app, csr, deviceId));
    try {
      await app.items.transact([{ put, when: version === 0 ? "absent" : version }]);
      return pending(csr.digest);
    } catch (error) {
      if (!isAppError(error, "store_condition_failed")) throw error;
    }
  }
  throw new AppError("rate_limited", "many requests ask for a decision at the same time; repeat this one", {
    retryAfter: 1,
  });
}

function decided(
  { csr }: EnrollmentContext,
  deviceId: string,
  { key, version }: RequestPlace,
  record: EnrollmentRequestRecord,
): AuthorisedCredential | PendingEnrollment {
  // The request is no secret: whoever has seen it may send it in another device's name.
  if (canonicalText(record.deviceId) !== canonicalText(deviceId)) {
    throw new AppError(
      "credential_spent",
      "this request waits in another device's name; make a new one whose common name is the device's id",
    );
  }
  if (record.state === "pending") return pending(csr.digest);
  if (record.state === "denied")
    throw new AppError("enrollment_denied", "an operator denied this request; ask the fleet's operators");
  return {
    credential: credentialOf(csr),
    deviceId,
    profile,
    consume: [{ put: enrollmentRequestItem(key, { ...record, state: "issued" }), when: version }],
    taken: () => (record.state === "issued" ? over() : changedMeanwhile),
    spent: record.state === "issued",
  };
}

function over(): AppError {
  return new AppError("credential_spent", "this request had its certificate, which is over; make a new one");
}

const credentialOf = (csr: VerifiedCsr): string => `request:${csr.digest}`;

/** A place is free once its device has the certificate, which still answers the same request. */
async function isAnswered(app: App, { fleet, csr }: EnrollmentContext): Promise<boolean> {
  const digest = requestDigest(credentialOf(csr), csr.digest, profile.id);
  return (await app.items.get(requestKey(fleet.record.fleet, digest))) !== undefined;
}

export const manualCredential: EnrollmentCredential<undefined> = {
  method: "manual",
  async authorise(app, context) {
    const { fleet, csr, request } = context;
    const { fleet: name } = fleet.record;
    const asked = requestedDeviceId(request, csr);
    const [{ device }, places] = await Promise.all([
      findDevice(app, name, asked),
      findPlaces(app, name, csr.digest),
    ]);
    const deviceId = device?.deviceId ?? asked;
    const place = placeOf(app, places, csr.digest);
    if (place?.record !== undefined) return decided(context, deviceId, place, place.record);
    if (await isAnswered(app, context)) {
      return { credential: credentialOf(csr), deviceId, profile, consume: [], taken: over, spent: true };
    }
    assertPermitted(context, deviceId);
    return open(app, context, deviceId);
  },
};
