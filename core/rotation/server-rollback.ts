/**
 * Room: core/rotation. People hold a server certificate back, and let it go on. A rollback imports nothing: the key of
 * the generation before is in the service alone, so the answer says under which name it is held there, and a listener
 * is pointed at that. Nothing is renewed, and nothing written over it, until it is resumed.
 */
import { AppError } from "../errors.ts";
import type { RevocationApp } from "../ports.ts";
import { wake } from "../revocation/wake.ts";
import { actOnServerCertificate, beingRemoved, type ServerCertificateAct } from "./server-act.ts";
import { previousOf, type ServerCertificateView } from "./server-certificate.ts";

/**
 * The answer's `previous` is what to point a listener at. Its names and its end are those of its time: look at them.
 * @throws AppError not_found (no such certificate, or nothing to go back to: the first generation, one that is over, or
 * a renewal that did not come to its end), server_certificate_mismatch (being removed), issuance_in_progress.
 */
export async function rollbackServerCertificate(
  app: RevocationApp,
  request: ServerCertificateAct,
): Promise<ServerCertificateView> {
  const { view } = await actOnServerCertificate(app, request, {
    action: "server-certificate.rolled-back",
    decide(record) {
      if (record.state === "rolledBack") return undefined;
      if (record.state === "removing") throw beingRemoved(record);
      const previous = previousOf(record);
      if (previous === undefined || previous.notAfter <= app.clock.now())
        throw new AppError(
          "not_found",
          `server certificate "${record.name}" has no generation before it in force; ask for a new one`,
        );
      return { state: "rolledBack" };
    },
  });
  return view;
}

/**
 * A new generation is issued at once, under the name of the present one: whatever stands there is overwritten. The copy
 * that a rollback pointed at becomes the new one too.
 * @throws AppError not_found, server_certificate_mismatch (being removed), issuance_in_progress.
 */
export async function resumeServerCertificate(
  app: RevocationApp,
  request: ServerCertificateAct,
): Promise<ServerCertificateView> {
  const { view, written } = await actOnServerCertificate(app, request, {
    action: "server-certificate.resumed",
    decide(record) {
      if (record.state === "removing") throw beingRemoved(record);
      if (record.state !== "drifted" && record.state !== "rolledBack") return undefined;
      return { state: "requested", mayReplace: true, nextAt: app.clock.now(), failures: 0 };
    },
  });
  if (written) await wake(app, "tendServers");
  return view;
}
