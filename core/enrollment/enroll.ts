/**
 * Room: core/enrollment. A device gets a certificate for what it presents. The same credential with the same request
 * and profile gets the same certificate again; on one that counts once another request is refused.
 */
import { authenticateClientCertificate, type ClientIdentity } from "../access/client-certificate.ts";
import { assertFleetActive, type Fleet, getFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import { type VerifiedCsr, verifyCsr } from "../formats/certification-request.ts";
import type { App } from "../ports.ts";
import type { CertificateRecord } from "../records/certificate-record.ts";
import type { EnrollmentMethod } from "../standard/access.ts";
import { type IssuedCertificate, issuedCertificate } from "./answer.ts";
import { issueAuthorised, requestDigest } from "./authorised.ts";
import {
  type AuthorisedCredential,
  changedMeanwhile,
  type EnrollmentCredential,
  type EnrollmentRequest,
  type PendingEnrollment,
} from "./credential.ts";
import { claimCredential } from "./credentials/claim.ts";
import { findRegisteredKey, keyCredential } from "./credentials/key.ts";
import { manualCredential } from "./credentials/manual.ts";
import { manufacturerCredential } from "./credentials/manufacturer.ts";
import { quarantineCredential } from "./credentials/quarantine.ts";
import { findToken, tokenCredential } from "./credentials/token.ts";
import { assertProfile, assertSameDevice } from "./device-profile.ts";
import { findAnswer } from "./issue-once.ts";

export type { EnrollmentRequest, PendingEnrollment } from "./credential.ts";

export type Enrollment = IssuedCertificate | PendingEnrollment;

export const isPending = (enrollment: Enrollment): enrollment is PendingEnrollment => "status" in enrollment;

interface Judged {
  readonly fleet: Fleet;
  readonly verdict: AuthorisedCredential | PendingEnrollment;
}

function assertAccepted({ configuration }: Fleet, method: EnrollmentMethod): void {
  const { accepts } = configuration;
  if (accepts.includes(method)) return;
  throw new AppError(
    "credential_not_accepted",
    `the fleet does not accept enrolment by ${method}; it accepts ${accepts.join(", ") || "none"}`,
  );
}

/** One request of one device, until it is judged. */
class Judge {
  readonly #app: App;
  readonly #request: EnrollmentRequest;
  readonly #csr: VerifiedCsr;

  constructor(app: App, request: EnrollmentRequest, csr: VerifiedCsr) {
    this.#app = app;
    this.#request = request;
    this.#csr = csr;
  }

  /** Of several things presented the most deliberate one counts, and no other is tried after it. */
  async judge(): Promise<Judged> {
    const { token, certificate, previousCertificate } = this.#request;
    if (token !== undefined) {
      const [found, fleet] = await Promise.all([
        findToken(this.#app, this.#request.fleet, token),
        this.#fleet(),
      ]);
      return this.#by(tokenCredential, fleet, found);
    }
    // Before the TLS client's: a device that comes back may show its expired certificate there too.
    if (previousCertificate !== undefined)
      return this.#by(quarantineCredential, await this.#fleet(), previousCertificate);
    if (certificate !== undefined) return this.#byCertificate(certificate);
    return this.#byRequestAlone();
  }

  #fleet(): Promise<Fleet> {
    return getFleet(this.#app, this.#request.fleet);
  }

  async #by<Presented>(
    credential: EnrollmentCredential<Presented>,
    fleet: Fleet,
    presented: Presented,
  ): Promise<Judged> {
    assertFleetActive(fleet);
    assertAccepted(fleet, credential.method);
    const context = { fleet, csr: this.#csr, request: this.#request };
    return { fleet, verdict: await credential.authorise(this.#app, context, presented) };
  }

  /** A certificate of a fleet, or undefined for what none of our authorities signed: a maker's, perhaps. */
  async #ownClient(certificate: string): Promise<ClientIdentity | undefined> {
    try {
      return await authenticateClientCertificate(this.#app, { certificate });
    } catch (error) {
      if (isAppError(error, "client_certificate_untrusted")) return undefined;
      throw error;
    }
  }

  async #byCertificate(certificate: string): Promise<Judged> {
    const client = await this.#ownClient(certificate);
    if (client === undefined) return this.#by(manufacturerCredential, await this.#fleet(), certificate);
    // The answer must not tell fleets apart.
    if (client.fleet !== this.#request.fleet) throw new AppError("not_found", "no such fleet");
    if (client.kind === "claim") return this.#by(claimCredential, client.fleetState, client);
    const remedy = client.kind === "device" ? "renew with it" : "present a claim or manufacturer certificate";
    throw new AppError(
      "credential_invalid",
      `the client certificate is of kind ${client.kind}, which does not enrol; ${remedy}`,
    );
  }

  async #byRequestAlone(): Promise<Judged> {
    const { fingerprint } = this.#csr.publicKey;
    const [key, fleet] = await Promise.all([
      findRegisteredKey(this.#app, this.#request.fleet, fingerprint),
      this.#fleet(),
    ]);
    const { accepts } = fleet.configuration;
    if (key !== undefined && accepts.includes("key")) return this.#by(keyCredential, fleet, key);
    if (accepts.includes("manual")) return this.#by(manualCredential, fleet, undefined);
    if (accepts.includes("key"))
      throw new AppError("device_unknown", "the request's key is not in the fleet's inventory; register it");
    throw new AppError("credential_missing", "enrolment needs a credential; send the token as Bearer");
  }
}

async function issue(
  app: App,
  fleet: Fleet,
  csr: VerifiedCsr,
  authorised: AuthorisedCredential,
): Promise<CertificateRecord> {
  const { credential, profile, deviceId, consume, taken, quarantine } = authorised;
  const { fleet: name, trustDomain } = fleet.record;
  const digest = requestDigest(credential, csr.digest, profile.id);
  if (authorised.spent === true) {
    const answer = await findAnswer(app, name, digest);
    if (answer === undefined) throw await taken([]);
    return answer;
  }
  return issueAuthorised(app, {
    fleet,
    csr,
    profile,
    identity: { kind: "device", fleet: name, trustDomain, deviceId },
    credential,
    requestDigest: digest,
    consume,
    taken,
    ...(quarantine === undefined ? {} : { quarantine }),
  });
}

/** Whoever is judged again has seen another request get on: a factory's lines, for one, at the same counter. */
const attempts = 200;
const longestPause = 20;

async function enrollOnce(app: App, request: EnrollmentRequest, csr: VerifiedCsr): Promise<Enrollment> {
  const { fleet, verdict } = await new Judge(app, request, csr).judge();
  if ("status" in verdict) return verdict;
  assertProfile(request, verdict.profile);
  assertSameDevice(request, verdict.deviceId);
  return issuedCertificate(fleet, await issue(app, fleet, csr, verdict));
}

/**
 * A token, or any certificate, is answered at once; without a credential an operator may have to decide first.
 * @throws AppError csr_* and key_* (see `verifyCsr`), credential_* and client_certificate_*, not_found,
 * fleet_suspended, device_unknown, device_not_active, quota_exhausted, enrollment_denied, rate_limited,
 * profile_not_permitted, the policy's codes, authority_unavailable, issuance_in_progress.
 */
export function enroll(
  app: App,
  request: EnrollmentRequest & ({ readonly token: string } | { readonly certificate: string }),
): Promise<IssuedCertificate>;
export function enroll(app: App, request: EnrollmentRequest): Promise<Enrollment>;
export async function enroll(app: App, request: EnrollmentRequest): Promise<Enrollment> {
  const csr = await verifyCsr(request.csr);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    try {
      return await enrollOnce(app, request, csr);
    } catch (error) {
      if (error !== changedMeanwhile) throw error;
      const [random = 0] = app.entropy.bytes(1);
      await app.clock.sleep((Math.min(attempt, longestPause) * random) / 255);
    }
  }
  throw new AppError("issuance_in_progress", "other enrolments are under way; repeat the same request", {
    retryAfter: 1,
  });
}
