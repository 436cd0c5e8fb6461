/**
 * Room: core/audit. Each act writes its own entry in its own transaction; there is no counter on the write
 * path. Fields are opaque ids and codes, never names, tokens or requests.
 * Source: 45 CFR 164.312(b), audit controls.
 */
import type { App, WriteOperation } from "../ports.ts";
import { timeKey } from "../records/certificate-record.ts";

export type AuditAction =
  | "fleet.created"
  | "fleet.configured"
  | "fleet.state-changed"
  | "operator.invited"
  | "operator.changed"
  | "passkey.registered"
  | "session.created"
  | "session.ended"
  | "approval.requested"
  | "approval.asserted"
  | "approval.executed"
  | "devices.registered"
  | "device.state-changed"
  | "claim.created"
  | "enrollment-request.decided"
  | "enrollment-token.created"
  | "certificate.issued"
  | "certificate.revoked"
  | "certificate.held"
  | "certificate.released"
  | "revocation-job.created"
  | "revocation-job.started"
  | "revocation-job.ended"
  | "rollover.planned"
  | "rollover.advanced"
  | "rollover.rolled-back"
  | "rollover.destruction-decided"
  | "rollover.destruction-cancelled"
  | "ceremony.approved"
  | "ceremony.opened"
  | "ceremony.ended"
  | "ceremony.roots-returned"
  | "responder.replaced"
  | "data-key.rotation-asked"
  | "data-key.rotated"
  | "renewal.pulled-forward"
  | "renewal.window-ended"
  | "issuance.closed"
  | "server-certificate.requested"
  | "server-certificate.changed"
  | "server-certificate.imported"
  | "server-certificate.missing"
  | "server-certificate.replaced"
  | "server-certificate.rolled-back"
  | "server-certificate.resumed"
  | "server-certificate.removal-requested"
  | "server-certificate.removed"
  | "backend.certified"
  | "subject-key.created"
  | "subject-key.given"
  | "data.read"
  | "data.moved"
  | "data.read-requested"
  | "data.read-by-operator"
  | "reencryption.started"
  | "reencryption.ended"
  | "shred.decided"
  | "shred.done";

export interface AuditAct {
  readonly fleet: string;
  readonly action: AuditAction;
  /** Who: `operator:…`, `pipeline:…`, `token:…`, `certificate:…` and other credentials, `revocation-job:…`, `backend:…`, or `system`. */
  readonly actor: string;
  /** On what: a serial number, device id or fleet. */
  readonly subject: string;
  readonly result: "success" | "failure";
  /** A code, such as a revocation reason. */
  readonly reason?: string;
  /** What the act ended with, whole: the canonical JSON of a certificate of destruction. */
  readonly document?: string;
}

/** The write that records `act` now; put it into the transaction of the act itself. */
export function auditEntry(app: Pick<App, "clock" | "entropy">, act: AuditAct): WriteOperation {
  const time = timeKey(app.clock.now());
  const id = Buffer.from(app.entropy.bytes(16)).toString("hex");
  return {
    put: {
      // The first digit of the random id spreads a fleet's day over sixteen partitions.
      pk: `AUDIT#${act.fleet}#${time.slice(0, 10)}#${id.slice(0, 1)}`,
      sk: `${time}#${id}`,
      attributes: { ...act, time },
    },
    when: "absent",
  };
}
