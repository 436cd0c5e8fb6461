/** Room: core/rotation. What people decide about a server certificate: one write with its audit entry, or none. */
import { auditEntry } from "../audit/entry.ts";
import { AppError, isAppError } from "../errors.ts";
import type { RevocationApp } from "../ports.ts";
import type { ServerCertificateRecord } from "../records/server-certificate-record.ts";
import {
  findServerCertificate,
  noServerCertificate,
  type ServerCertificateName,
  type ServerCertificateView,
  serverCertificateView,
} from "./server-certificate.ts";
import { assertAtRest, type StoredServerCertificate, writeServerCertificate } from "./server-lease.ts";

export interface ServerCertificateAct extends ServerCertificateName {
  /** Who asks, as the audit log names it: `operator:…`. */
  readonly actor: string;
}

type Change = Parameters<typeof writeServerCertificate>[2];

export interface ServerCertificateStep {
  readonly action:
    | "server-certificate.rolled-back"
    | "server-certificate.resumed"
    | "server-certificate.removal-requested";
  /** Undefined when the record says already what is asked for. */
  readonly decide: (record: ServerCertificateRecord) => Change | undefined;
}

const attempts = 5;

async function apply(
  app: RevocationApp,
  { fleet, name, actor }: ServerCertificateAct,
  { action, decide }: ServerCertificateStep,
  stored: StoredServerCertificate,
): Promise<StoredServerCertificate> {
  const change = decide(stored.value);
  if (change === undefined) return stored;
  assertAtRest(app, stored.value);
  const entry = auditEntry(app, { fleet, action, actor, subject: name, result: "success" });
  return writeServerCertificate(app, stored, change, [entry]);
}

/**
 * Repeating an act gives the same answer.
 * @throws AppError not_found, issuance_in_progress (the task works on it), what `decide` throws.
 */
export async function actOnServerCertificate(
  app: RevocationApp,
  request: ServerCertificateAct,
  step: ServerCertificateStep,
): Promise<{ readonly view: ServerCertificateView; readonly written: boolean }> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await findServerCertificate(app, request);
    if (found === undefined) throw noServerCertificate(request.name);
    try {
      const stored = await apply(app, request, step, found);
      return { view: serverCertificateView(stored.value), written: stored !== found };
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === attempts) throw error;
    }
  }
}

export function beingRemoved({ name }: ServerCertificateRecord): AppError {
  return new AppError(
    "server_certificate_mismatch",
    `server certificate "${name}" is being removed, which is not taken back; ask for another`,
  );
}
