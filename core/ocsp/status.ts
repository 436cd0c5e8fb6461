/** Room: core/ocsp. What the store says of a certificate, as OCSP says it, and the answer about it that was kept. */
import { type CrlReason, crlReasons } from "../formats/crl/reason.ts";
import type { CertId } from "../formats/ocsp/cert-id.ts";
import type { CertStatus } from "../formats/ocsp/response.ts";
import type { KeylessApp } from "../ports.ts";
import {
  type CertificateRecord,
  certificateKey,
  certificateRecord,
  type Stored,
} from "../records/certificate-record.ts";
import {
  type OcspAnswerRecord,
  ocspAnswerKey,
  ocspAnswerRecord,
  statusPartition,
} from "../records/ocsp-answer-record.ts";
import { readItems } from "../records/pages.ts";

/** The certificate's record and an answer of each form. */
const itemsOfCertificate = 8;

const reasonOf = (reason: string | undefined): CrlReason | undefined => {
  // RFC 5280 §5.3.1: nothing is said rather than that it is unspecified.
  if (reason === undefined || reason === "unspecified" || !(reason in crlReasons)) return undefined;
  return reason as CrlReason;
};

/** Undefined for what is no certificate: an intent, and one that was closed. */
function statusOf(record: CertificateRecord): CertStatus | undefined {
  // RFC 6960 §2.2: good says no more than that it is not revoked; that it has not expired is for its reader to see.
  if (record.state === "issued") return { kind: "good" };
  if (record.state !== "revoked") return undefined;
  const revocationTime = Math.floor((record.revokedAt ?? record.createdAt) / 1000) * 1000;
  const reason = reasonOf(record.revocationReason);
  return { kind: "revoked", revocationTime, ...(reason === undefined ? {} : { reason }) };
}

/** The status as a text that differs when the status does. */
export function statusText(status: CertStatus): string {
  if (status.kind !== "revoked") return status.kind;
  return `revoked ${status.revocationTime} ${status.reason ?? ""}`;
}

/** RFC 6960 §4.2.1: the CertID comes back as it was written, so each way of writing it has its own answer. */
export const formOf = ({ hashAlgorithm, hashParameters }: CertId): string =>
  hashParameters === undefined ? hashAlgorithm : `${hashAlgorithm}#${hashParameters}`;

export interface KnownStatus {
  readonly certId: CertId;
  readonly status: CertStatus;
  /** The answer that was kept last for a CertID of this form, whether or not it still holds. */
  readonly kept?: Stored<OcspAnswerRecord>;
}

/** One query, of the present. Undefined when `authorityId` has signed no certificate of that number. */
export async function readStatus(
  app: KeylessApp,
  fleet: string,
  authorityId: string,
  certId: CertId,
): Promise<KnownStatus | undefined> {
  const { serialNumber } = certId;
  const items = await readItems(app, {
    pk: statusPartition(fleet, serialNumber),
    limit: itemsOfCertificate,
  });
  const certificateSortKey = certificateKey(fleet, serialNumber).sk;
  const own = items.find(({ sk }) => sk === certificateSortKey);
  if (own === undefined) return undefined;
  const record = certificateRecord(own).value;
  const status = record.authorityId === authorityId ? statusOf(record) : undefined;
  if (status === undefined) return undefined;
  const answerSortKey = ocspAnswerKey({ fleet, serialNumber, form: formOf(certId) }).sk;
  const kept = items.find(({ sk }) => sk === answerSortKey);
  return { certId, status, ...(kept === undefined ? {} : { kept: ocspAnswerRecord(kept) }) };
}
