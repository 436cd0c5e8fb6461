/** Room: core/distribution. The one status of a certificate at a time, in the words that requests and answers use. */
import type { CertificateRecord } from "../records/certificate-record.ts";

/** held: revoked for now, and may be released (RFC 5280 §5.3.1, certificateHold). */
export const certificateStatuses = ["active", "revoked", "held", "expired"] as const;
export type CertificateStatus = (typeof certificateStatuses)[number];

/** A certificate that was revoked stays so after its end. `now` in milliseconds since the epoch. */
export function statusOf(
  record: Pick<CertificateRecord, "state" | "revocationReason" | "notAfter">,
  now: number,
): CertificateStatus {
  if (record.state === "revoked") return record.revocationReason === "certificateHold" ? "held" : "revoked";
  return record.notAfter < now ? "expired" : "active";
}
