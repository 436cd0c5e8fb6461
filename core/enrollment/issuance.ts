/**
 * Room: core/enrollment. The only way to a signature over a certificate. `prepare` proves policy and lint on
 * the final TBS and records the intent; what it returns can be signed once, and nothing else can be signed.
 * A crash at any point leaves a record that `completeIntent` completes: see docs/adr/0002.
 */

import type { Issuer } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { AuthorityAlgorithm } from "../formats/algorithms.ts";
import type { VerifiedCsr } from "../formats/certification-request.ts";
import {
  decodeTbsCertificate,
  encodeTbsCertificate,
  serialNumberHex,
} from "../formats/x509/tbs-certificate.ts";
import { lint } from "../lint/lint.ts";
import { decideCertificate } from "../policy/certificate-policy.ts";
import type { SubjectIdentity } from "../policy/identity.ts";
import { subjectIdOf } from "../policy/identity.ts";
import type { App, WriteOperation } from "../ports.ts";
import { type CertificateRecord, certificateItem, type Stored } from "../records/certificate-record.ts";
import { requestItem } from "../records/request-record.ts";
import { completeShard } from "../revocation/shard.ts";
import type { CertificateStatusPlaces } from "../revocation/status-places.ts";
import type { Profile } from "../standard/profiles.ts";
import { completeIntent, leaseMilliseconds } from "./intent.ts";
import { buildTemplate, type TemplateIssuer } from "./template.ts";

/** Who signs and with what; a root signs itself. */
export interface Signer {
  readonly authorityId: string;
  readonly keyId: string;
  readonly algorithm: AuthorityAlgorithm;
  readonly issuer: Issuer | "self";
}

export interface IssuanceRequest {
  readonly fleet: string;
  readonly signer: Signer;
  readonly profile: Profile;
  readonly identity: SubjectIdentity;
  /** Proof of possession is in the type. */
  readonly csr: VerifiedCsr;
  /** Names credential, request and profile: the same digest never leads to a second certificate. */
  readonly requestDigest: string;
  /** Opaque id of the credential, for the record and the audit. */
  readonly credential: string;
  /** What consumes the credential, in the transaction that records the intent. */
  readonly consume: readonly WriteOperation[];
  /** What else is recorded with the intent, and names it. Conditions count after those of `consume`. */
  readonly alongside?: (intended: CertificateRecord) => readonly WriteOperation[];
  /** Days of validity. @default the profile's */
  readonly days?: number;
  /** Of a device's places of this hour, the one that this issuance takes. */
  readonly place?: number;
  /** Where relying parties learn of its revocation. @default the issuer's complete list, of which nothing is said */
  readonly status?: CertificateStatusPlaces;
}

/** Index of the certificate's write among the operations of the intent's transaction. */
const certificateOperation = 0;
/** 127 random bits never meet twice; more attempts would only hide a broken random source. */
const serialAttempts = 3;

/** An intent on record, to be signed once. Only `prepare` makes one. */
export class PreparedIssuance {
  #intent: Stored<CertificateRecord> | undefined;

  private constructor(intent: Stored<CertificateRecord>) {
    this.#intent = intent;
  }

  /**
   * Policy and lint on the final TBS, then one transaction: intent, credential, idempotency record.
   * @throws AppError the policy's code, lint_failed, authority_unavailable, store_condition_failed when the
   * credential or the request is no longer free (indexes count from `consume`), store_unavailable.
   */
  static async prepare(app: App, request: IssuanceRequest): Promise<PreparedIssuance> {
    for (let attempt = 1; ; attempt += 1) {
      const record = draft(app, request);
      try {
        await app.items.transact([
          { put: certificateItem(record), when: "absent" },
          {
            put: requestItem(request.fleet, request.requestDigest, record.serialNumber, record.notAfter),
            when: "absent",
          },
          ...request.consume,
          ...(request.alongside?.(record) ?? []),
        ]);
        return new PreparedIssuance({ value: record, version: 1 });
      } catch (error) {
        const taken =
          isAppError(error, "store_condition_failed") && error.failedOperations?.[0] === certificateOperation;
        const onlySerial = taken && error.failedOperations?.length === 1;
        if (!onlySerial || attempt === serialAttempts) throw error;
        app.log.warn("serial_number_taken", { fleet: request.fleet, attempt });
      }
    }
  }

  /**
   * Signs, verifies the signature and records the certificate with its audit entry.
   * @throws AppError key_service_unavailable, signature_invalid, store_unavailable: the intent stays on record
   * and the same request finishes it; internal when called twice.
   */
  async sign(app: App): Promise<CertificateRecord> {
    const intent = this.#intent;
    if (intent === undefined) throw new AppError("internal", "a prepared issuance is signed once");
    this.#intent = undefined;
    return completeIntent(app, intent);
  }
}

function templateIssuer(signer: Signer): TemplateIssuer {
  if (signer.issuer === "self") return { kind: "self" };
  return { kind: "authority", tbs: signer.issuer.certificate.tbs, publicKey: signer.issuer.publicKey };
}

/** RFC 5280 §4.1.2.2: positive, at most 20 octets. 16 octets with the sign bit clear: 127 random bits. */
function serialNumber(app: App): Uint8Array {
  const octets = Uint8Array.from(app.entropy.bytes(16));
  octets[0] = (octets[0] ?? 0) & 0x7f;
  return octets;
}

function draft(app: App, request: IssuanceRequest): CertificateRecord {
  const { profile, identity, signer, csr } = request;
  const now = app.clock.now();
  const template = buildTemplate({
    profile,
    identity,
    publicKey: csr.publicKey,
    issuer: templateIssuer(signer),
    signature: signer.algorithm.signature,
    serialNumber: serialNumber(app),
    now,
    ...(request.status?.pointersOf === undefined ? {} : { statusOf: request.status.pointersOf }),
    ...(request.days === undefined ? {} : { days: request.days }),
  });
  const raw = encodeTbsCertificate(template);
  assertPermitted(request, raw);
  return {
    fleet: request.fleet,
    serialNumber: serialNumberHex(template.serialNumber),
    state: "intended",
    subjectKind: identity.kind,
    subjectId: subjectIdOf(identity),
    profile: profile.id,
    authorityId: signer.authorityId,
    keyId: signer.keyId,
    algorithm: signer.algorithm.id as CertificateRecord["algorithm"],
    keyAlgorithm: csr.publicKey.algorithm.id,
    keyFingerprint: csr.publicKey.fingerprint,
    notBefore: template.validity.notBefore,
    notAfter: template.validity.notAfter,
    createdAt: now,
    credential: request.credential,
    leaseUntil: now + leaseMilliseconds,
    csrDigest: csr.digest,
    tbs: raw,
    crlShard: request.status?.shardOf(template.validity.notAfter) ?? completeShard,
    ...(request.place === undefined ? {} : { place: request.place }),
  };
}

/** What will be signed is read back from its bytes: policy and lint judge what a relying party will see. */
function assertPermitted(request: IssuanceRequest, raw: Uint8Array): void {
  const tbs = decodeTbsCertificate(raw);
  const issuer = request.signer.issuer;
  const issuerTbs = issuer === "self" ? issuer : issuer.certificate.tbs;
  const decision = decideCertificate(
    tbs,
    request.profile,
    request.identity,
    issuerTbs === "self" ? issuerTbs : { notAfter: issuerTbs.validity.notAfter },
  );
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
  const findings = lint(tbs, { profile: request.profile, issuer: issuerTbs });
  if (findings.length > 0) {
    const text = findings
      .map((finding) => `${finding.rule}: ${finding.message} (${finding.citation})`)
      .join("; ");
    throw new AppError("lint_failed", text);
  }
}
