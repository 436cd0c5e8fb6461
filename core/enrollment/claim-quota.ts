/**
 * Room: core/enrollment. A claim and what is left of its quota. Shares are taken one device at a time, each by its
 * version, so the sum is exact; a share that another request was faster on is read again.
 */
import { AppError } from "../errors.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import {
  type ClaimRecord,
  type ClaimShare,
  claimPartition,
  claimRecord,
  claimShareItem,
  claimShares,
  firstShare,
  isClaimItem,
} from "../records/claim-record.ts";
import { readItems } from "../records/pages.ts";
import { shards } from "../records/shard.ts";

export interface ClaimState {
  readonly claim: ClaimRecord;
  readonly shares: readonly ClaimShare[];
}

/** The claim and its counters, undefined when there is none of that name. One read. */
export async function findClaim(
  app: KeylessApp,
  fleet: string,
  claimId: string,
): Promise<ClaimState | undefined> {
  const items = await readItems(app, { pk: claimPartition(fleet, claimId), limit: shards.length + 1 });
  const own = items.find(isClaimItem);
  if (own === undefined) return undefined;
  const claim = claimRecord(own);
  return { claim, shares: claimShares(claim.quota, items) };
}

export const usedQuota = ({ shares }: ClaimState): number => shares.reduce((sum, { used }) => sum + used, 0);

/**
 * The write that takes one device from a share with room: the device's own share first, then those after it.
 * @throws AppError quota_exhausted.
 */
export function takeShare(fleet: string, { claim, shares }: ClaimState, deviceId: string): WriteOperation {
  const first = firstShare(deviceId, shares.length);
  const inOrder = [...shares.slice(first), ...shares.slice(0, first)];
  const share = inOrder.find(({ used, limit }) => used < limit);
  if (share === undefined) {
    throw new AppError(
      "quota_exhausted",
      `the claim has enrolled ${claim.quota} devices, its quota; ask for another claim`,
    );
  }
  const put = claimShareItem(fleet, claim.claimId, share);
  return { put, when: share.version === 0 ? "absent" : share.version };
}
