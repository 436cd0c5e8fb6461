/** Room: core/rotation. The lasting record of a ceremony: what was signed, by which key, and who had approved it, with the proofs. */
import { hash } from "node:crypto";
import { findApproval } from "../access/approval.ts";
import { type Fleet, getFleet } from "../authority/issuer.ts";
import type {
  Ceremony,
  CeremonyApproval,
  CeremonyList,
  CeremonyParticipant,
  CeremonySignature,
} from "../bootstrap/ceremony.ts";
import { trustSigners } from "../distribution/known-signers.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { AppError } from "../errors.ts";
import { decodeCertificate } from "../formats/x509/certificate.ts";
import { serialNumberHex } from "../formats/x509/tbs-certificate.ts";
import type { KeylessApp } from "../ports.ts";
import type { CeremonyPurpose, CeremonyRecord } from "../records/ceremony-record.ts";
import { findListRecord } from "../revocation/list-record.ts";
import { completeShard } from "../revocation/shard.ts";
import { findRollover } from "./rollover-store.ts";

interface Signed {
  readonly subjectKind: "authority" | "service";
  readonly subjectId: string;
  readonly certificate: Uint8Array;
}

const same = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;

/** @throws AppError internal: no root of the fleet has the issuer's name. */
function signatureOf(fleet: Fleet, { subjectKind, subjectId, certificate }: Signed): CeremonySignature {
  const { tbs } = decodeCertificate(certificate);
  const signer = fleet.authorities.find((one) => same(one.certificate.tbs.subjectRaw, tbs.issuerRaw))?.record;
  if (signer === undefined) throw new AppError("internal", `no authority has signed ${subjectId}`);
  return {
    subjectKind,
    subjectId,
    serialNumber: serialNumberHex(tbs.serialNumber),
    certificateSha256: hash("sha256", certificate),
    signedBy: signer.authorityId,
    keyId: signer.keyId,
    algorithm: signer.algorithm,
    notBefore: isoSeconds(tbs.validity.notBefore),
    notAfter: isoSeconds(tbs.validity.notAfter),
  };
}

/** The successor's own certificate, and those that it and its predecessor gave each other (RFC 9810 §4.4). */
async function successionOf(
  app: KeylessApp,
  fleet: Fleet,
  rolloverId: string | undefined,
): Promise<readonly Signed[]> {
  const name = { fleet: fleet.record.fleet, rolloverId: rolloverId ?? "" };
  const { toId, fromId, kind } = (await findRollover(app, name)).value;
  const authority = (id: string) => fleet.authorities.find(({ record }) => record.authorityId === id);
  const successor = authority(toId);
  if (successor === undefined) return [];
  const own: Signed = {
    subjectKind: "authority",
    subjectId: toId,
    certificate: successor.record.certificate,
  };
  if (kind === "issuing") return [own];
  const cross = [successor, authority(fromId)].flatMap((one) =>
    (one?.record.crossCertificates ?? []).map((text) => ({
      subjectKind: "authority" as const,
      subjectId: one?.record.authorityId ?? "",
      certificate: Buffer.from(text, "base64"),
    })),
  );
  const { tbs } = successor.certificate;
  const isMutual = ({ subjectId, certificate }: Signed): boolean =>
    subjectId === toId || same(decodeCertificate(certificate).tbs.issuerRaw, tbs.subjectRaw);
  return [own, ...cross.filter(isMutual)];
}

async function signerOf(app: KeylessApp, fleet: string, replaced: string): Promise<readonly Signed[]> {
  const active = (await trustSigners(app, fleet)).filter(
    ({ value }) => value.state !== "former" && value.signerId !== replaced,
  );
  return active.map(({ value: { signerId, certificate } }) => ({
    subjectKind: "service",
    subjectId: signerId,
    certificate,
  }));
}

async function listsOf(app: KeylessApp, fleet: Fleet): Promise<readonly CeremonyList[]> {
  const lists: CeremonyList[] = [];
  for (const { record } of fleet.authorities.filter((one) => one.record.kind === "root")) {
    const { authorityId } = record;
    const name = { fleet: fleet.record.fleet, authorityId, crlShard: completeShard };
    const list = (await findListRecord(app, name))?.value;
    if (list === undefined || list.publishedNumber === 0) continue;
    lists.push({ authorityId, number: list.publishedNumber, thisUpdate: isoSeconds(list.thisUpdate) });
  }
  return lists;
}

/** @throws AppError internal: the ceremony names no approval of its fleet. */
async function peopleOf(
  app: KeylessApp,
  { fleet, approvalId }: CeremonyRecord,
): Promise<{
  readonly approval: CeremonyApproval;
  readonly participants: readonly CeremonyParticipant[];
}> {
  const found = (await findApproval(app, fleet, approvalId))?.value;
  if (found === undefined) throw new AppError("internal", "the ceremony names no approval of its fleet");
  const { operation, document, operationDigest, nonce, exception, assertions } = found;
  return {
    approval: {
      ...{ approvalId, operation, document, operationDigest, nonce },
      ...(exception === undefined ? {} : { exception }),
    },
    participants: assertions.map(({ operatorId, takenAt, proof }) => ({
      operatorId,
      assertedAt: isoSeconds(takenAt),
      proof,
    })),
  };
}

const words: Readonly<Record<CeremonyPurpose, Ceremony["what"]>> = {
  rollover: "authority-certified",
  trustSigner: "trust-signer-certified",
  rootList: "root-lists-signed",
};

/** As its results stand in the store. Its time is that of its opening, so that it has one name. */
export async function ceremonyTranscript(app: KeylessApp, ceremony: CeremonyRecord): Promise<Ceremony> {
  const { fleet: name, purpose, rolloverId, signerId, createdAt, ceremonyId } = ceremony;
  const fleet = await getFleet(app, name);
  const signed =
    purpose === "rollover"
      ? await successionOf(app, fleet, rolloverId)
      : await signerOf(app, name, signerId ?? "");
  return {
    what: words[purpose],
    fleet: name,
    time: createdAt,
    id: ceremonyId,
    signatures: purpose === "rootList" ? [] : signed.map((one) => signatureOf(fleet, one)),
    ...(await peopleOf(app, ceremony)),
    lists: await listsOf(app, fleet),
  };
}
