/** Room: core/distribution. Whether anybody need be told that a certificate ends: not when its holder has another. */
import type { KeylessApp } from "../ports.ts";
import {
  type CertificateRecord,
  certificateRecord,
  type SubjectKind,
  subjectPartition,
} from "../records/certificate-record.ts";
import { profiles } from "../standard/profiles.ts";

const day = 86_400_000;
/** The newest certificates of one subject that are looked at: its last renewal is among them. */
const newest = 4;

/** Of the digest are the many; of all others each is told by itself. */
export const isOfDigest = (kind: SubjectKind): boolean => kind === "device";

/**
 * A certificate that never had more than `days` is no news so many days ahead. The service and
 * backends renew their own by themselves: they are news only once that is overdue.
 */
function isDueIn({ notBefore, notAfter, subjectKind, profile }: CertificateRecord, days: number): boolean {
  const validity = notAfter - notBefore;
  const renewsItself = subjectKind === "service" || subjectKind === "backend";
  const fraction = renewsItself ? 1 - profiles[profile].renewAfterFraction : 1;
  return validity * fraction > days * day;
}

/** Another certificate of the same subject that is in force for longer. One read. */
async function hasSuccessor(app: KeylessApp, record: CertificateRecord): Promise<boolean> {
  const { fleet, subjectKind, subjectId, serialNumber, notAfter } = record;
  const pk = subjectPartition(fleet, subjectKind, subjectId);
  const { items } = await app.items.query({ index: "byDevice", pk, limit: newest, descending: true });
  return items
    .map((item) => certificateRecord(item).value)
    .some(
      (other) => other.serialNumber !== serialNumber && other.state === "issued" && other.notAfter > notAfter,
    );
}

/** Whether people are to know that the certificate ends in `days`: it counts, and was neither revoked nor renewed. */
export async function isToBeTold(app: KeylessApp, record: CertificateRecord, days: number): Promise<boolean> {
  if (record.state !== "issued" || !isDueIn(record, days)) return false;
  if ((record.renewals ?? 0) > 0) return false;
  return !(await hasSuccessor(app, record));
}
