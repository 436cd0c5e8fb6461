/**
 * Room: core/enrollment. A key of the service itself and its certificate: authorities, and keys that sign what others
 * rely on. Every step may be repeated: keys have names, and a certificate answers its request.
 */
import { hash } from "node:crypto";
import type { Issuer } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../formats/algorithms.ts";
import { type VerifiedCsr, verifyCsr } from "../formats/certification-request.ts";
import {
  assembleCertificationRequest,
  encodeCertificationRequestInfo,
} from "../formats/certification-request-encoder.ts";
import { identityNames, type SubjectIdentity, subjectIdOf } from "../policy/identity.ts";
import type { App, KeyDescription } from "../ports.ts";
import type { CertificateRecord } from "../records/certificate-record.ts";
import type { CertificateStatusPlaces } from "../revocation/status-places.ts";
import type { Profile } from "../standard/profiles.ts";
import type { Signer } from "./issuance.ts";
import { issueOnce } from "./issue-once.ts";

export interface OwnKeyRequest {
  readonly fleet: string;
  /** Name of the key in the key service. */
  readonly alias: string;
  /** A key that exists, whatever its name is. @default the key named `alias`, made when there is none */
  readonly keyId?: string;
  readonly algorithm: AuthorityAlgorithmId;
  readonly profile: Profile;
  readonly identity: SubjectIdentity;
  readonly issuer: Issuer | "self";
  /** Tells this certificate of the key from others: the same purpose leads to the same certificate. */
  readonly purpose: string;
  /** Where its revocation is told. @default the issuer's complete list, of which nothing is said */
  readonly status?: CertificateStatusPlaces;
  /** Days of validity. @default the profile's */
  readonly days?: number;
}

export interface CertifiedKey {
  readonly key: KeyDescription;
  readonly record: CertificateRecord;
  readonly certificate: Uint8Array;
}

/** The key signs its own request: proof of possession (RFC 2986 §4.2). */
export async function ownCsr(app: App, key: KeyDescription, identity: SubjectIdentity): Promise<VerifiedCsr> {
  const info = encodeCertificationRequestInfo({
    subject: identityNames(identity).subject,
    subjectPublicKeyInfo: key.publicKey,
    extensions: [],
  });
  const signature = await app.keys.sign(key.keyId, info);
  return verifyCsr(
    assembleCertificationRequest(info, authorityAlgorithms[key.algorithm].signature, signature),
  );
}

function signerOf({ issuer, identity, algorithm }: OwnKeyRequest, key: KeyDescription): Signer {
  if (issuer === "self") {
    const authorityId = subjectIdOf(identity);
    return { authorityId, keyId: key.keyId, algorithm: authorityAlgorithms[algorithm], issuer };
  }
  const { authorityId, keyId } = issuer.record;
  return { authorityId, keyId, algorithm: issuer.algorithm, issuer };
}

async function certifyAttempt(app: App, request: OwnKeyRequest, attempt: number): Promise<CertifiedKey> {
  const { fleet, alias, identity, profile, purpose } = request;
  const key = await (request.keyId === undefined
    ? app.keys.createKey(alias, request.algorithm)
    : app.keys.describeKey(request.keyId));
  const record = await issueOnce(
    app,
    {
      fleet,
      signer: signerOf(request, key),
      profile,
      identity,
      csr: await ownCsr(app, key, identity),
      // The CSR differs from try to try, the key does not.
      requestDigest: hash("sha256", `${purpose}\n${alias}\n${hash("sha256", key.publicKey)}\n${attempt}`),
      credential: "system",
      consume: [],
      ...(request.status === undefined ? {} : { status: request.status }),
      ...(request.days === undefined ? {} : { days: request.days }),
    },
    () =>
      new AppError(
        "internal",
        `${identity.kind} ${subjectIdOf(identity)} of fleet "${fleet}" is being made by another request`,
      ),
  );
  if (record.certificate === undefined)
    throw new AppError("internal", `${identity.kind} ${subjectIdOf(identity)} has no certificate`);
  return { key, record, certificate: record.certificate };
}

/** An intent closed as unfinished is closed for good: the next attempt is another request. */
const attempts = 5;

/**
 * The key of that name, made when there is none, and its certificate.
 * @throws AppError configuration_invalid (the key has another algorithm), key_not_found (of `keyId`), the policy's codes, key_service_unavailable,
 * store_unavailable, issuance_in_progress.
 */
export async function certifyOwnKey(app: App, request: OwnKeyRequest): Promise<CertifiedKey> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await certifyAttempt(app, request, attempt);
    } catch (error) {
      if (!isAppError(error, "issuance_closed") || attempt === attempts) throw error;
    }
  }
}
