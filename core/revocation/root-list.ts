/**
 * Room: core/revocation. The list of a root: of everything that it signed, so it is complete and names no distribution
 * point. Only deployments have the root's key, so it is valid for long and signed again well before its end.
 */
import { getFleet } from "../authority/issuer.ts";
import { type AuthorityRecord, isTrusted } from "../records/fleet-record.ts";
import { publicationSchedules } from "../standard/revocation.ts";
import { type ListApp, publishList } from "./list.ts";
import { completeShard } from "./shard.ts";

/** Nobody asks for the list of a root that is out of the trust; one that is kept offline signs its own elsewhere. */
const signsLists = (root: AuthorityRecord): boolean => isTrusted(root) && root.custody !== "offline";

/**
 * Publishes the list of each of the fleet's roots that is due or that an entry waits for. Returns how many. None for a
 * fleet that has no address yet: nobody would find them.
 * @throws AppError not_found, and as `publishList`.
 */
export async function publishRootList(app: ListApp, fleet: string): Promise<number> {
  const { record, authorities } = await getFleet(app, fleet);
  const { artifactBases: bases = [] } = record;
  if (bases.length === 0) return 0;
  let published = 0;
  for (const issuer of authorities.filter(({ record: root }) => root.kind === "root" && signsLists(root))) {
    const schedule = publicationSchedules.rootCrl;
    const { kind } = await publishList(app, { fleet, issuer, crlShard: completeShard, schedule, bases });
    if (kind === "published") published += 1;
  }
  return published;
}
