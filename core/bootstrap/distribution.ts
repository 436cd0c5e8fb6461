/**
 * Room: core/bootstrap. What others rely on, from nothing to published: the trust manifest and its signer, the root's
 * list, and what the publisher goes on with by itself. It uses the root's key, so only deployments do it.
 */
import { getFleet } from "../authority/issuer.ts";
import { restoreManifests } from "../distribution/kept-manifests.ts";
import { ensureTrust } from "../distribution/trust-publication.ts";
import { type ErrorCode, isAppError } from "../errors.ts";
import { listFleet } from "../fleets/directory.ts";
import { tendResponders } from "../ocsp/responder.ts";
import type { DeploymentApp } from "../ports.ts";
import { hastenLostLists } from "../revocation/lost-lists.ts";
import { publishRootList } from "../revocation/root-list.ts";
import { tendShards } from "../revocation/shards.ts";

/** Of a key that people have to look after: they are told by the rotation, and a deployment is how they make the next. */
const forPeople: readonly ErrorCode[] = ["key_overdue", "key_not_found", "key_disabled", "key_offline"];

export interface Distribution {
  /**
   * False where no root was lent: its list, which is good for months after it is due, is left to a ceremony, for which
   * people have a task. @default true
   */
  readonly rootsSign?: boolean;
}

/**
 * Every step may be repeated and finds its own result. What the object store has lost comes back: trust at once, lists
 * with the next run of the publisher. A fleet without an address publishes nothing yet. One step that fails keeps no
 * other from being done; the first failure is thrown at the end, but what waits for people is only logged.
 * @throws AppError not_found; those of the ports.
 */
export async function distribute(
  app: DeploymentApp,
  fleet: string,
  { rootsSign = true }: Distribution = {},
): Promise<void> {
  await listFleet(app, fleet);
  const { record } = await getFleet(app, fleet);
  if (record.artifactBases === undefined) return;
  const failures: unknown[] = [];
  const attempt = async (step: string, act: () => Promise<unknown>) => {
    try {
      await act();
    } catch (error) {
      const waits = isAppError(error) && forPeople.includes(error.code);
      if (waits) app.log.error("not_distributed", { fleet, step, code: error.code });
      else failures.push(error);
    }
  };
  await attempt("trust", async () => {
    await restoreManifests(app, fleet);
    await ensureTrust(app, fleet);
  });
  if (rootsSign) await attempt("root-lists", () => publishRootList(app, fleet));
  await attempt("shards", async () => tendShards(app, await getFleet(app, fleet)));
  await attempt("lost-lists", () => hastenLostLists(app, fleet));
  await attempt("responders", async () => tendResponders(app, await getFleet(app, fleet)));
  if (failures.length > 0) throw failures[0];
}
