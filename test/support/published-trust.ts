/** Room: test/support. A fleet whose trust is published, as a deployment does it; lasting records and notices go nowhere. */
import { getFleet } from "../../core/authority/issuer.ts";
import { moveOrigin } from "../../core/bootstrap/origin.ts";
import { ensureTrust } from "../../core/distribution/trust-publication.ts";
import type { FleetPorts } from "./fleet-app.ts";
import { memoryObjectStore } from "./memory-object-store.ts";

export async function publishTrustOf(app: FleetPorts, fleet: string): Promise<void> {
  const { record } = await getFleet(app, fleet);
  await moveOrigin(app, fleet, record.origin ?? "https://localhost:8443");
  const objects = () => memoryObjectStore({ namesVersions: true });
  const notifier = { notify: async () => undefined };
  await ensureTrust({ ...app, trustStores: objects(), records: objects(), notifier }, fleet);
}
