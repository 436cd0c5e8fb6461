/** Room: core/rotation. What an answer that was verified comes to in the store: certificates, and authorities that are trusted. */

import type { Step } from "../../access/steps.ts";
import { auditEntry } from "../../audit/entry.ts";
import type { Fleet, Issuer } from "../../authority/issuer.ts";
import { AppError } from "../../errors.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey } from "../../formats/spki.ts";
import { serialNumberHex } from "../../formats/x509/tbs-certificate.ts";
import type { KeylessApp, WriteOperation } from "../../ports.ts";
import { type CertificateRecord, certificateItem } from "../../records/certificate-record.ts";
import { type AuthorityRecord, authorityItem } from "../../records/fleet-record.ts";
import type { RolloverRecord } from "../../records/rollover-record.ts";
import { completeShard } from "../../revocation/shard.ts";
import { storedAuthority } from "../rollover-store.ts";
import { base64Of, invalid } from "./members.ts";
import type { VerifiedAnswer, VerifiedCertificate } from "./verification.ts";

/** The name of a key that no key service knows. */
export const offlineKeyId = ({ fingerprint }: SubjectPublicKey): string => `offline:${fingerprint}`;

export interface Import {
  readonly fleet: Fleet;
  /** Absent where none is under way: then nothing but a signer was certified. */
  readonly rollover?: RolloverRecord;
  readonly ceremonyId: string;
  readonly verified: VerifiedAnswer;
  /** Of an issuing authority's key. */
  readonly keyId?: string;
  /** Of the next signer's. */
  readonly signerKeyId?: string;
}

/** An import that makes an authority. */
export type SuccessorImport = Import & Required<Pick<Import, "rollover">>;

function certificateOf(
  { verified }: Import,
  subject: string,
  signedBy: string,
): VerifiedCertificate | undefined {
  return verified.certificates.find(({ asked }) => asked.subject === subject && asked.signedBy === signedBy);
}

function signerOf(
  { fleet, rollover, verified }: Import,
  authorityId: string,
): Pick<AuthorityRecord, "keyId" | "algorithm"> {
  const known = fleet.authorities.find(({ record }) => record.authorityId === authorityId);
  if (known !== undefined) return known.record;
  const { successor } = verified;
  if (successor === undefined || rollover === undefined || authorityId !== rollover.toId)
    throw invalid(`the answer names ${authorityId}, which signs nothing here`);
  return { keyId: offlineKeyId(successor.publicKey), algorithm: rollover.algorithm };
}

function recordOf(
  app: KeylessApp,
  it: Import,
  { asked, certificate }: VerifiedCertificate,
): CertificateRecord {
  const { tbs, raw } = certificate;
  const key = decodeSubjectPublicKey(tbs.subjectPublicKeyInfo);
  const { keyId, algorithm } = signerOf(it, asked.signedBy);
  const { answer, successor, signer } = it.verified;
  const isSigner = asked.subject === answer.request.signer?.signerId;
  const csr = isSigner ? signer : asked.subject === it.rollover?.toId ? successor : undefined;
  const now = app.clock.now();
  return {
    fleet: it.fleet.record.fleet,
    serialNumber: serialNumberHex(tbs.serialNumber),
    state: "issued",
    subjectKind: isSigner ? "service" : "authority",
    subjectId: asked.subject,
    profile: asked.profile,
    authorityId: asked.signedBy,
    ...{ keyId, algorithm, keyAlgorithm: key.algorithm.id, keyFingerprint: key.fingerprint },
    notBefore: tbs.validity.notBefore,
    notAfter: tbs.validity.notAfter,
    createdAt: now,
    credential: `ceremony:${it.ceremonyId}`,
    leaseUntil: 0,
    certificate: raw,
    issuedAt: now,
    ...(csr === undefined ? {} : { csrDigest: csr.digest }),
    crlShard: completeShard,
  };
}

/** Every certificate of the answer, each with its audit entry. */
export function certificateWrites(app: KeylessApp, it: Import): readonly WriteOperation[] {
  return it.verified.certificates.flatMap((one) => {
    const record = recordOf(app, it, one);
    const { fleet, credential: actor, serialNumber: subject } = record;
    return [
      { put: certificateItem(record), when: "absent" },
      auditEntry(app, { fleet, action: "certificate.issued", actor, subject, result: "success" }),
    ];
  });
}

const withCross = (record: AuthorityRecord, { certificate }: VerifiedCertificate): AuthorityRecord => ({
  ...record,
  crossCertificates: [...new Set([...(record.crossCertificates ?? []), base64Of(certificate.raw)])],
});

function successorRecord(app: KeylessApp, it: SuccessorImport, own: VerifiedCertificate): AuthorityRecord {
  const { fleet, kind, toId: authorityId, algorithm } = it.rollover;
  const now = app.clock.now();
  const key = decodeSubjectPublicKey(own.certificate.tbs.subjectPublicKeyInfo);
  return {
    ...{ fleet, authorityId, kind, algorithm, state: "published", createdAt: now, changedAt: now },
    keyId: it.keyId ?? offlineKeyId(key),
    certificate: own.certificate.raw,
    ...(kind === "issuing" ? { parentId: own.asked.signedBy } : { custody: "offline" as const }),
  };
}

export interface ImportedSuccession {
  readonly authority: AuthorityRecord;
  readonly changed: readonly AuthorityRecord[];
}

/** The successor as the answer makes it, and its predecessor where it is vouched for. @throws AppError ceremony_invalid. */
export function importedSuccession(app: KeylessApp, it: SuccessorImport, root: Issuer): ImportedSuccession {
  const { kind, toId, fromId } = it.rollover;
  const own = certificateOf(it, toId, kind === "root" ? toId : root.record.authorityId);
  if (own === undefined) throw invalid(`the answer has no certificate of ${toId}`);
  const authority = successorRecord(app, it, own);
  if (kind === "issuing") return { authority, changed: [] };
  const [newWithOld, oldWithNew] = [certificateOf(it, toId, fromId), certificateOf(it, fromId, toId)];
  return {
    authority: newWithOld === undefined ? authority : withCross(authority, newWithOld),
    changed: oldWithNew === undefined ? [] : [withCross(root.record, oldWithNew)],
  };
}

const changedMeanwhile = (): AppError =>
  new AppError("rollover_state_invalid", "the fleet's authorities were changed meanwhile; repeat this");

/** The authorities of a succession, each conditioned on what is there. @throws AppError authority_unavailable. */
export async function authoritySteps(
  app: KeylessApp,
  { authority, changed }: ImportedSuccession,
): Promise<readonly Step[]> {
  const steps: Step[] = [
    { write: { put: authorityItem(authority), when: "absent" }, lost: changedMeanwhile },
  ];
  // Whoever takes the root above back at this moment loses to this, or this to them.
  if (authority.parentId !== undefined) {
    const { value, version } = await storedAuthority(app, authority.fleet, authority.parentId);
    steps.push({ write: { check: authorityItem(value), when: version }, lost: changedMeanwhile });
    if (value.state !== "active") throw changedMeanwhile();
  }
  for (const { fleet, authorityId, crossCertificates = [] } of changed) {
    const { value, version } = await storedAuthority(app, fleet, authorityId);
    const put = authorityItem({ ...value, crossCertificates });
    steps.push({ write: { put, when: version }, lost: changedMeanwhile });
  }
  return steps;
}
