/** Room: core/distribution. One row of the inventory, as lists and exports show it. */
import { isoSeconds } from "../enrollment/answer.ts";
import type { CertificateRecord, SubjectKind } from "../records/certificate-record.ts";
import type { ProfileId } from "../standard/profiles.ts";
import { type CertificateStatus, statusOf } from "./certificate-status.ts";

/** One row of the inventory. */
export interface CertificateSummary {
  readonly serialNumber: string;
  readonly subjectKind: SubjectKind;
  readonly subjectId: string;
  readonly profile: ProfileId;
  readonly authorityId: string;
  readonly status: CertificateStatus;
  readonly keyAlgorithm: string;
  /** ISO 8601, UTC, as all times here. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly issuedAt: string;
  readonly revokedAt?: string;
  readonly revocationReason?: string;
}

/** @param now Milliseconds since the epoch at which `status` holds. */
export function summaryOf(record: CertificateRecord, now: number): CertificateSummary {
  const { revokedAt, revocationReason } = record;
  return {
    serialNumber: record.serialNumber,
    subjectKind: record.subjectKind,
    subjectId: record.subjectId,
    profile: record.profile,
    authorityId: record.authorityId,
    status: statusOf(record, now),
    keyAlgorithm: record.keyAlgorithm,
    notBefore: isoSeconds(record.notBefore),
    notAfter: isoSeconds(record.notAfter),
    issuedAt: isoSeconds(record.issuedAt ?? record.createdAt),
    ...(revokedAt === undefined ? {} : { revokedAt: isoSeconds(revokedAt) }),
    ...(revocationReason === undefined ? {} : { revocationReason }),
  };
}
