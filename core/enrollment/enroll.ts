/**
 * Room: core/enrollment. A device with a one-time token gets its first certificate. The same token with the
 * same request and profile gets the same certificate again; with another request it is spent.
 */
import { hash } from "node:crypto";
import { type Fleet, getFleet, issuingAuthority } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import { type VerifiedCsr, verifyCsr } from "../formats/certification-request.ts";
import type { SubjectIdentity } from "../policy/identity.ts";
import { decideRequest } from "../policy/request-policy.ts";
import type { App, WriteOperation } from "../ports.ts";
import type { CertificateRecord, Stored } from "../records/certificate-record.ts";
import { type TokenRecord, tokenItem, tokenKey, tokenRecord } from "../records/token-record.ts";
import { type Profile, type ProfileId, profiles } from "../standard/profiles.ts";
import { type IssuedCertificate, issuedCertificate } from "./answer.ts";
import { findAnswer, issueOnce } from "./issue-once.ts";
import { tokenDigest } from "./token.ts";

export interface EnrollmentRequest {
  readonly fleet: string;
  readonly token: string;
  /** DER. */
  readonly csr: Uint8Array;
  /** When given it must be the token's own. */
  readonly profile?: ProfileId;
}

/** What issuance needs, whichever credential stood at the door. */
export interface AuthorisedRequest {
  readonly fleet: Fleet;
  readonly csr: VerifiedCsr;
  readonly profile: Profile;
  readonly identity: SubjectIdentity;
  readonly credential: string;
  readonly requestDigest: string;
  readonly consume: readonly WriteOperation[];
  /** The failure when the credential is no longer as it was read, and not because of this very request. */
  readonly taken: () => AppError;
}

/** The idempotency key: one certificate per credential, request and profile. */
export function requestDigest(credential: string, csrDigest: string, profile: ProfileId): string {
  return hash("sha256", `${credential}\n${csrDigest}\n${profile}`);
}

async function readToken(app: App, request: EnrollmentRequest): Promise<Stored<TokenRecord>> {
  const item = await app.items.get(tokenKey(request.fleet, tokenDigest(request.token)));
  if (item === undefined) {
    throw new AppError(
      "credential_invalid",
      "the enrolment token is not known in this fleet; ask for a new one",
    );
  }
  return tokenRecord(item);
}

/** Policy on the request, then issuance by the fleet's issuing authority. @throws AppError see `enroll`. */
export async function issueAuthorised(app: App, request: AuthorisedRequest): Promise<CertificateRecord> {
  const { fleet, taken, ...rest } = request;
  const decision = decideRequest(request.csr, request.profile, request.identity);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
  const issuer = issuingAuthority(app, fleet);
  const { authorityId, keyId } = issuer.record;
  const signer = { authorityId, keyId, algorithm: issuer.algorithm, issuer };
  return issueOnce(app, { ...rest, fleet: fleet.record.fleet, signer }, taken);
}

function spent(): AppError {
  return new AppError(
    "credential_spent",
    "the enrolment token was used for another request; repeat that request byte for byte, or ask for a new token",
  );
}

function authoriseToken(app: App, token: TokenRecord, request: EnrollmentRequest): Profile {
  if (request.profile !== undefined && request.profile !== token.profile) {
    throw new AppError(
      "profile_not_permitted",
      `profile "${request.profile}" is not the token's "${token.profile}"; leave it out or ask for another token`,
    );
  }
  if (token.state === "fresh" && token.expiresAt <= app.clock.now()) {
    throw new AppError("credential_expired", "the enrolment token has expired; ask for a new one");
  }
  return profiles[token.profile];
}

/**
 * @throws AppError csr_* and key_* (see `verifyCsr`), credential_invalid, credential_expired,
 * credential_spent, profile_not_permitted, the policy's codes, authority_unavailable, issuance_in_progress.
 */
export async function enroll(app: App, request: EnrollmentRequest): Promise<IssuedCertificate> {
  const csr = await verifyCsr(request.csr);
  const [token, fleet] = await Promise.all([readToken(app, request), getFleet(app, request.fleet)]);
  const profile = authoriseToken(app, token.value, request);
  const credential = `token:${token.value.digest}`;
  const digest = requestDigest(credential, csr.digest, profile.id);
  if (token.value.state === "spent") {
    const answer = await findAnswer(app, request.fleet, digest);
    if (answer === undefined) throw spent();
    return issuedCertificate(fleet, answer);
  }
  const { trustDomain } = fleet.record;
  const record = await issueAuthorised(app, {
    fleet,
    csr,
    profile,
    identity: { kind: "device", fleet: request.fleet, trustDomain, deviceId: token.value.deviceId },
    credential,
    requestDigest: digest,
    consume: [{ put: tokenItem({ ...token.value, state: "spent" }), when: token.version }],
    taken: spent,
  });
  return issuedCertificate(fleet, record);
}
