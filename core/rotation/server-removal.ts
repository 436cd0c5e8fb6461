/** Room: core/rotation. Somebody says that a server certificate is done with. */
import type { RevocationApp } from "../ports.ts";
import { wake } from "../revocation/wake.ts";
import { actOnServerCertificate, type ServerCertificateAct } from "./server-act.ts";
import type { ServerCertificateView } from "./server-certificate.ts";

/**
 * The task takes ours away where the service holds it, once nothing uses it, and revokes it; then the name is free.
 * @throws AppError not_found, issuance_in_progress.
 */
export async function removeServerCertificate(
  app: RevocationApp,
  request: ServerCertificateAct,
): Promise<ServerCertificateView> {
  const { view, written } = await actOnServerCertificate(app, request, {
    action: "server-certificate.removal-requested",
    decide: ({ state }) =>
      state === "removing" ? undefined : { state: "removing", nextAt: app.clock.now(), failures: 0 },
  });
  if (written) await wake(app, "tendServers");
  return view;
}
