/**
 * Room: core/bootstrap. The lasting record of what a deployment had its authorities sign, and the notice of it.
 * The record marks the act as told: it is written after the notice, so that whoever repeats a run that died
 * tells again, and whoever repeats one that ended stays silent. Opaque ids only.
 */
import { hash } from "node:crypto";
import type { Fleet, Issuer } from "../authority/issuer.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { AppError, isAppError } from "../errors.ts";
import { serialNumberHex } from "../formats/x509/tbs-certificate.ts";
import type { DeploymentApp, Notice } from "../ports.ts";
import type { AssertionProof } from "../records/approval-record.ts";
import type { CertificateRecord } from "../records/certificate-record.ts";

/** One certificate: what it says and which key made it. */
export interface CeremonySignature {
  readonly subjectKind: string;
  readonly subjectId: string;
  /** Lowercase hexadecimal, both. */
  readonly serialNumber: string;
  readonly certificateSha256: string;
  /** The authority that signed, and its key as the key service names it. */
  readonly signedBy: string;
  readonly keyId: string;
  readonly algorithm: string;
  /** ISO 8601, UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
}

/** Who approved it: the proof is what the person's own authenticator or identity provider said. */
export interface CeremonyParticipant {
  readonly operatorId: string;
  /** ISO 8601, UTC. */
  readonly assertedAt: string;
  readonly proof: AssertionProof;
}

/** What people approved, for whoever verifies their assertions later. */
export interface CeremonyApproval {
  readonly approvalId: string;
  readonly operation: string;
  readonly document: string;
  readonly operationDigest: string;
  readonly nonce: string;
  /** `sole-operator` where one person did for two. */
  readonly exception?: string;
}

/** A root's list as it stood when the ceremony ended. */
export interface CeremonyList {
  readonly authorityId: string;
  readonly number: number;
  /** ISO 8601, UTC. */
  readonly thisUpdate: string;
}

export interface Ceremony {
  readonly what:
    | "fleet-created"
    | "operator-certified"
    | "authority-certified"
    | "trust-signer-certified"
    | "root-lists-signed";
  readonly fleet: string;
  /** When it was done as the store has it, so that every run of it makes the same record. */
  readonly time: number;
  /** Set apart from others of its kind at the same time; lowercase letters, digits and hyphens. */
  readonly id?: string;
  readonly signatures: readonly CeremonySignature[];
  /** Of those for which people came together. */
  readonly approval?: CeremonyApproval;
  readonly participants?: readonly CeremonyParticipant[];
  readonly lists?: readonly CeremonyList[];
}

/** `ceremonies/{fleet}/{ISO time}-{what}.json`, with `-{id}` before the ending where there is one. */
export function ceremonyKey({ fleet, time, what, id }: Ceremony): string {
  const name = id === undefined ? what : `${what}-${id}`;
  return `ceremonies/${fleet}/${new Date(time).toISOString()}-${name}.json`;
}

function signatureOf(fleet: Fleet, { record, certificate }: Issuer): CeremonySignature {
  const signer =
    fleet.authorities.find((one) => one.record.authorityId === record.parentId)?.record ?? record;
  const { validity, serialNumber } = certificate.tbs;
  return {
    subjectKind: "authority",
    subjectId: record.authorityId,
    serialNumber: serialNumberHex(serialNumber),
    certificateSha256: hash("sha256", record.certificate),
    signedBy: signer.authorityId,
    keyId: signer.keyId,
    algorithm: signer.algorithm,
    notBefore: isoSeconds(validity.notBefore),
    notAfter: isoSeconds(validity.notAfter),
  };
}

/** The authorities with which the fleet began; later ones have ceremonies of their own. */
export function fleetCeremony(fleet: Fleet): Ceremony {
  const { fleet: name, createdAt } = fleet.record;
  const first = fleet.authorities.filter(({ record }) => record.createdAt <= createdAt);
  return {
    what: "fleet-created",
    fleet: name,
    time: createdAt,
    signatures: first.map((authority) => signatureOf(fleet, authority)),
  };
}

/** @throws AppError internal for an intent, which has no certificate yet. */
export function operatorCeremony(record: CertificateRecord): Ceremony {
  if (record.certificate === undefined)
    throw new AppError("internal", `${record.serialNumber} has no certificate`);
  const { fleet, createdAt, serialNumber, subjectKind, subjectId, authorityId, keyId, algorithm } = record;
  const signature: CeremonySignature = {
    subjectKind,
    subjectId,
    serialNumber,
    certificateSha256: hash("sha256", record.certificate),
    signedBy: authorityId,
    keyId,
    algorithm,
    notBefore: isoSeconds(record.notBefore),
    notAfter: isoSeconds(record.notAfter),
  };
  return { what: "operator-certified", fleet, time: createdAt, id: serialNumber, signatures: [signature] };
}

/** The record as it is kept: JSON, one line, members in the order of the types above. */
export function encodeCeremony(ceremony: Ceremony): Uint8Array {
  const { what, fleet, time, signatures, approval, participants, lists } = ceremony;
  const people = { approval, participants, lists };
  // Undefined members are not written.
  const record = { version: 1, what, fleet, time: new Date(time).toISOString(), signatures, ...people };
  return Buffer.from(`${JSON.stringify(record)}\n`);
}

/**
 * Tells people and keeps the record, unless the record is there already. After a crash between the two, and when
 * two runs do the same at once, people may be told twice; never not at all.
 * @throws AppError the record store's and the notifier's codes.
 */
export async function conclude(
  app: Pick<DeploymentApp, "records" | "notifier">,
  ceremony: Ceremony,
  notice: Notice,
): Promise<void> {
  const key = ceremonyKey(ceremony);
  if ((await app.records.get(key)) !== undefined) return;
  await app.notifier.notify(notice);
  try {
    const body = encodeCeremony(ceremony);
    await app.records.put(key, { body, contentType: "application/json" }, "absent");
  } catch (error) {
    // Another run of the same has kept the same record.
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
}
