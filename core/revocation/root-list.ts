/**
 * Room: core/revocation. The list of a root: of everything that it signed, so it is complete and names no distribution
 * point. A root signs while it is lent, so the list is valid for long and signed again well before its end.
 */
import { getFleet, type Issuer } from "../authority/issuer.ts";
import { isAppError } from "../errors.ts";
import { type AuthorityRecord, isTrusted } from "../records/fleet-record.ts";
import { publicationSchedules } from "../standard/revocation.ts";
import { type ListApp, publishList } from "./list.ts";
import { completeShard } from "./shard.ts";

/** Nobody asks for the list of a root that is out of the trust; one that is kept offline signs its own elsewhere. */
const signsLists = (root: AuthorityRecord): boolean => isTrusted(root) && root.custody !== "offline";

/** What drains signs nothing that others wait for; people are told that its list is due, and its key not as it should be. */
const isLost = ({ record }: Issuer, error: unknown): boolean =>
  record.state === "draining" && (isAppError(error, "key_not_found") || isAppError(error, "key_disabled"));

/**
 * Publishes the list of each of the fleet's roots that is due or that an entry waits for. Returns how many. None for a
 * fleet that has no address yet: nobody would find them. One that fails keeps no other from being published; the first
 * failure is thrown at the end, but not of a root that drains and whose key is gone or disabled: that is logged.
 * @throws AppError not_found, and as `publishList`.
 */
export async function publishRootList(app: ListApp, fleet: string): Promise<number> {
  const { record, authorities } = await getFleet(app, fleet);
  const { artifactBases: bases = [] } = record;
  if (bases.length === 0) return 0;
  const schedule = publicationSchedules.rootCrl;
  const failures: unknown[] = [];
  let published = 0;
  for (const issuer of authorities.filter(({ record: root }) => root.kind === "root" && signsLists(root))) {
    try {
      const { kind } = await publishList(app, { fleet, issuer, crlShard: completeShard, schedule, bases });
      if (kind === "published") published += 1;
    } catch (error) {
      if (!isLost(issuer, error)) failures.push(error);
      else app.log.error("root_list_not_signed", { fleet, authorityId: issuer.record.authorityId });
    }
  }
  if (failures.length > 0) throw failures[0];
  return published;
}
