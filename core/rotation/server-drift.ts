/**
 * Room: core/rotation. What became of a server certificate in the service that holds it: somebody deleted it, or put
 * another in its place. People are told before it is written down: after a crash in between twice, never not at all.
 */
import { type AuditAction, auditEntry } from "../audit/entry.ts";
import type { Notice, ServerApp } from "../ports.ts";
import type { ServerCertificateRecord } from "../records/server-certificate-record.ts";
import { isTended, type StoredServerCertificate, writeServerCertificate } from "./server-lease.ts";

const day = 86_400_000;
/** Share of a life that is left when something must have gone wrong: renewal is due at a third. */
const endingFraction = 1 / 6;

/** What another task may be putting in place now, or what somebody said may be overwritten, is no drift. */
function isWatched(app: ServerApp, record: ServerCertificateRecord): boolean {
  const { state, mayReplace } = record;
  if (state !== "current" && state !== "requested") return false;
  return mayReplace !== true && !isTended(app, record);
}

async function tell(
  app: ServerApp,
  { fleet, name }: ServerCertificateRecord,
  notice: Pick<Notice, "event" | "measures">,
): Promise<void> {
  await app.notifier.notify({ ...notice, severity: "critical", fleet, subject: name });
}

const entryOf = (app: ServerApp, { fleet, name }: ServerCertificateRecord, action: AuditAction) =>
  auditEntry(app, { fleet, action, actor: "system", subject: name, result: "success" });

export interface Watched {
  readonly stored: StoredServerCertificate;
  readonly drifted: number;
}

/**
 * A deleted one is imported anew, under another name of the service; a replaced one is left alone until people say
 * that it may be overwritten. One call to the service.
 * @throws AppError certificate_manager_unavailable, notifier_unavailable, store_condition_failed.
 */
export async function watchServerCertificate(
  app: ServerApp,
  stored: StoredServerCertificate,
): Promise<Watched> {
  const record = stored.value;
  const { certificateId, current, pending } = record;
  if (certificateId === undefined || current === undefined || !isWatched(app, record))
    return { stored, drifted: 0 };
  const held = await app.certificates.describe(certificateId);
  if (held?.serialNumber === current.serialNumber) return { stored, drifted: 0 };
  // Imported by a task that did not live to write it down.
  if (held !== undefined && held.serialNumber === pending?.serialNumber) return { stored, drifted: 0 };
  if (held === undefined) {
    await tell(app, record, { event: "server-certificate.missing" });
    const change = {
      certificateId: undefined,
      current: undefined,
      state: "requested",
      nextAt: app.clock.now(),
    } as const;
    const entry = entryOf(app, record, "server-certificate.missing");
    return { stored: await writeServerCertificate(app, stored, change, [entry]), drifted: 1 };
  }
  await tell(app, record, { event: "server-certificate.replaced" });
  const entry = entryOf(app, record, "server-certificate.replaced");
  return { stored: await writeServerCertificate(app, stored, { state: "drifted" }, [entry]), drifted: 1 };
}

/** The end of what people use while it is held back: for them it is the one before. */
function endOf({ state, current, slots }: ServerCertificateRecord) {
  if (current === undefined || state !== "rolledBack") return current;
  const slot = slots[(current.generation + 1) % 2];
  return slot === undefined ? current : { ...current, ...slot };
}

/**
 * Tells once that a certificate ends which was not renewed in time.
 * @throws AppError notifier_unavailable, store_condition_failed.
 */
export async function watchEnd(
  app: ServerApp,
  stored: StoredServerCertificate,
): Promise<StoredServerCertificate> {
  const record = stored.value;
  const used = endOf(record);
  if (used === undefined || record.state === "removing" || isTended(app, record)) return stored;
  const { serialNumber, notBefore, notAfter } = used;
  const left = notAfter - app.clock.now();
  if (left > (notAfter - notBefore) * endingFraction || record.endingTold === serialNumber) return stored;
  const days = Math.max(0, Math.floor(left / day));
  await tell(app, record, { event: "server-certificate.ending", measures: { days } });
  return writeServerCertificate(app, stored, { endingTold: serialNumber });
}
