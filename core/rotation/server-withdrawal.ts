/**
 * Room: core/rotation. A server certificate is done with: taken away from the service that holds it, revoked, forgotten.
 * What somebody else put in its place stays. No item is deleted, which the task may not do: an empty one drops out.
 */
import { auditEntry } from "../audit/entry.ts";
import type { ServerApp } from "../ports.ts";
import {
  removedServerCertificate,
  type ServerCertificateRecord,
} from "../records/server-certificate-record.ts";
import type { StoredServerCertificate } from "./server-lease.ts";
import { isOwn } from "./server-renewal.ts";
import { revokeServerCertificate } from "./server-settlement.ts";

/** Where ours are: the present one first, which a listener uses. */
function placesOf({ certificateId, slots }: ServerCertificateRecord): readonly string[] {
  const copies = slots.map((slot) => slot?.certificateId);
  return [certificateId, ...copies].filter((id): id is string => id !== undefined);
}

/** Serial numbers of what was issued and is known here. */
function serialsOf({ current, slots }: ServerCertificateRecord): readonly string[] {
  const serials = [current?.serialNumber, ...slots.map((slot) => slot?.serialNumber)];
  return [...new Set(serials.filter((serial): serial is string => serial !== undefined))];
}

/**
 * The caller holds the lease and has settled what was pending. Revoked when it is out of use, not before.
 * @throws AppError certificate_manager_refused (something uses it), certificate_manager_unavailable,
 * store_condition_failed.
 */
export async function withdrawServerCertificate(
  app: ServerApp,
  { value: record, version }: StoredServerCertificate,
): Promise<void> {
  const { fleet, name } = record;
  for (const certificateId of placesOf(record)) {
    const held = await app.certificates.describe(certificateId);
    if (held !== undefined && (await isOwn(app, record, held))) await app.certificates.remove(certificateId);
  }
  for (const serialNumber of serialsOf(record))
    await revokeServerCertificate(app, record, serialNumber, "cessationOfOperation");
  const act = {
    fleet,
    action: "server-certificate.removed",
    actor: "system",
    subject: name,
    result: "success",
  } as const;
  await app.items.transact([
    { put: removedServerCertificate(fleet, name, app.clock.now()), when: version },
    auditEntry(app, act),
  ]);
}
