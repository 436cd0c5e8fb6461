/**
 * Room: core/enrollment. What an enrolment credential is to the rest of the product: something that, presented with
 * a request whose proof of possession has been verified, names the device and the profile, and says what uses it up.
 * Each kind is one file in `credentials/`.
 */
import type { Fleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import type { VerifiedCsr } from "../formats/certification-request.ts";
import type { App, WriteOperation } from "../ports.ts";
import type { EnrollmentMethod } from "../standard/access.ts";
import type { Profile, ProfileId } from "../standard/profiles.ts";
import type { Taken } from "./issue-once.ts";

export interface EnrollmentRequest {
  readonly fleet: string;
  /** One-time token. */
  readonly token?: string;
  /** PEM of the certificate whose key the TLS peer has proved to hold. */
  readonly certificate?: string;
  /** PEM of an expired certificate, whose key signs the request. */
  readonly previousCertificate?: string;
  /** Which device asks, where the credential does not say. */
  readonly deviceId?: string;
  /** DER. */
  readonly csr: Uint8Array;
  /** When given it must be the credential's own. */
  readonly profile?: ProfileId;
}

/** What a credential is judged by: the fleet as it was read, and the request with its proof of possession. */
export interface EnrollmentContext {
  readonly fleet: Fleet;
  readonly csr: VerifiedCsr;
  readonly request: EnrollmentRequest;
}

export interface AuthorisedCredential {
  /** Opaque id for record and audit, such as `token:…`: with CSR and profile it names the request. */
  readonly credential: string;
  readonly deviceId: string;
  readonly profile: Profile;
  /** What uses it up, in the transaction that records the intent. */
  readonly consume: readonly WriteOperation[];
  /** The failure when a condition of `consume` did not hold; `changedMeanwhile` asks to be judged again. */
  readonly taken: Taken;
  /** True when it was used before: it is good for the answer it then got, and for nothing else. @default false */
  readonly spent?: boolean;
  /** The hold that this issuance writes: the device comes back into quarantine. */
  readonly quarantine?: WriteOperation;
}

/** An operator has to decide first. */
export interface PendingEnrollment {
  readonly status: "pending";
  /** SHA-256 of the CSR, lowercase hexadecimal. */
  readonly requestId: string;
  /** Seconds after which to repeat the same request. */
  readonly retryAfter: number;
}

export interface EnrollmentCredential<Presented> {
  readonly method: EnrollmentMethod;
  /** @throws AppError why the credential is refused. */
  authorise(
    app: App,
    context: EnrollmentContext,
    presented: Presented,
  ): Promise<AuthorisedCredential | PendingEnrollment>;
}

/** What `taken` gives when the credential may still be good: it is read and judged again. */
export const changedMeanwhile = new AppError("store_condition_failed", "the credential's record changed");
