/**
 * Room: core/bootstrap. What others rely on, from nothing to published: the trust manifest and its signer, the root's
 * list, and what the publisher goes on with by itself. It uses the root's key, so only deployments do it.
 */
import { getFleet } from "../authority/issuer.ts";
import { restoreManifests } from "../distribution/kept-manifests.ts";
import { ensureTrust } from "../distribution/trust-publication.ts";
import { listFleet } from "../fleets/directory.ts";
import { tendResponders } from "../ocsp/responder.ts";
import type { DeploymentApp } from "../ports.ts";
import { hastenLostLists } from "../revocation/lost-lists.ts";
import { publishRootList } from "../revocation/root-list.ts";
import { tendShards } from "../revocation/shards.ts";

/**
 * Every step may be repeated and finds its own result. What the object store has lost comes back: trust at once, lists
 * with the next run of the publisher. A fleet without an address publishes nothing yet.
 * @throws AppError not_found; those of the ports.
 */
export async function distribute(app: DeploymentApp, fleet: string): Promise<void> {
  await listFleet(app, fleet);
  const { record } = await getFleet(app, fleet);
  if (record.artifactBases === undefined) return;
  await restoreManifests(app, fleet);
  await ensureTrust(app, fleet);
  await publishRootList(app, fleet);
  const current = await getFleet(app, fleet);
  await tendShards(app, current);
  await hastenLostLists(app, fleet);
  await tendResponders(app, current);
}
