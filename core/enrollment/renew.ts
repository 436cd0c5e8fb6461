/**
 * Room: core/enrollment. A device renews over mutual TLS: the same identity, and a new key unless the profile
 * permits reuse. RFC 7030 §4.2.2: subject and subjectAltName stay as they are.
 */
import type { ClientIdentity } from "../access/client-certificate.ts";
import { getFleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import { verifyCsr } from "../formats/certification-request.ts";
import type { App } from "../ports.ts";
import { certificateKey } from "../records/certificate-record.ts";
import { profiles } from "../standard/profiles.ts";
import { type IssuedCertificate, issuedCertificate } from "./answer.ts";
import { issueAuthorised, requestDigest } from "./enroll.ts";

export interface RenewalRequest {
  readonly fleet: string;
  /** From `authenticateClientCertificate`: in force, unrevoked, of this fleet. */
  readonly client: ClientIdentity;
  /** DER. */
  readonly csr: Uint8Array;
}

/**
 * @throws AppError csr_* and key_* (see `verifyCsr`), access_denied (not a device), key_reused,
 * client_certificate_revoked (revoked since it was presented), the policy's codes, authority_unavailable.
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
  const profile = profiles[client.profile];
  if (!profile.keyReuse && csr.publicKey.fingerprint === client.keyFingerprint) {
    throw new AppError(
      "key_reused",
      `profile "${profile.id}" asks for a new key at renewal; make one and repeat`,
    );
  }
  const credential = `certificate:${client.serialNumber}`;
  const fleet = await getFleet(app, request.fleet);
  const { trustDomain } = fleet.record;
  const record = await issueAuthorised(app, {
    fleet,
    csr,
    profile,
    identity: { kind: "device", fleet: request.fleet, trustDomain, deviceId: client.subjectId },
    credential,
    requestDigest: requestDigest(credential, csr.digest, profile.id),
    // A revocation between the door and the intent wins: the presented certificate is as it was read.
    consume: [{ check: certificateKey(request.fleet, client.serialNumber), when: client.version }],
    taken: () =>
      new AppError("client_certificate_revoked", "the client certificate was revoked; enrol again"),
  });
  return issuedCertificate(fleet, record);
}
