/**
 * Room: core/bootstrap. Makes a fleet with its root and issuing authority. Every step may be repeated: keys
 * have names, certificates answer their request, and the fleet appears in one transaction at the end.
 */
import { auditEntry } from "../audit/entry.ts";
import { type Fleet, findFleet, getFleet, type Issuer, issuerOf } from "../authority/issuer.ts";
import { certifyOwnKey } from "../enrollment/own-key.ts";
import { AppError, isAppError } from "../errors.ts";
import { directoryItem } from "../fleets/directory.ts";
import type { AuthorityAlgorithmId } from "../formats/algorithms.ts";
import { checkFleetId, checkTrustDomain } from "../policy/identifiers.ts";
import type { App } from "../ports.ts";
import { type AuthorityRecord, authorityItem, fleetItem } from "../records/fleet-record.ts";
import { profiles } from "../standard/profiles.ts";

export interface FleetPlan {
  readonly fleet: string;
  readonly trustDomain: string;
  readonly rootAlgorithm: AuthorityAlgorithmId;
  readonly issuingAlgorithm: AuthorityAlgorithmId;
}

interface AuthorityPlan {
  readonly fleet: string;
  readonly authorityId: string;
  readonly kind: "root" | "issuing";
  readonly algorithm: AuthorityAlgorithmId;
  readonly parent?: Issuer;
}

async function createAuthority(app: App, plan: AuthorityPlan): Promise<AuthorityRecord> {
  const { fleet, authorityId, kind, algorithm, parent } = plan;
  const { key, record, certificate } = await certifyOwnKey(app, {
    fleet,
    alias: `${fleet}-${authorityId}`,
    algorithm,
    profile: profiles[kind],
    identity: { kind: "authority", fleet, authorityId },
    issuer: parent ?? "self",
    purpose: "authority",
  });
  return {
    fleet,
    authorityId,
    kind,
    state: "active",
    keyId: key.keyId,
    algorithm,
    certificate,
    createdAt: record.createdAt,
    ...(parent === undefined ? {} : { parentId: parent.record.authorityId }),
  };
}

function assertNames(plan: FleetPlan): void {
  for (const decision of [checkFleetId(plan.fleet), checkTrustDomain(plan.trustDomain)]) {
    if (!decision.allow) throw new AppError(decision.code, decision.reason);
  }
}

/**
 * The fleet of that name, made when there is none. Safe to repeat after a crash and beside another process.
 * @throws AppError name_not_permitted, key_service_unavailable, store_unavailable.
 */
export async function bootstrapFleet(app: App, plan: FleetPlan): Promise<Fleet> {
  assertNames(plan);
  const { fleet, trustDomain } = plan;
  const existing = await findFleet(app, fleet);
  if (existing !== undefined) return existing;
  const root = await createAuthority(app, {
    fleet,
    authorityId: "root-1",
    kind: "root",
    algorithm: plan.rootAlgorithm,
  });
  const issuing = await createAuthority(app, {
    fleet,
    authorityId: "issuing-1",
    kind: "issuing",
    algorithm: plan.issuingAlgorithm,
    parent: issuerOf(app, root),
  });
  const createdAt = app.clock.now();
  try {
    await app.items.transact([
      {
        put: fleetItem({
          fleet,
          trustDomain,
          issuingAuthorityId: issuing.authorityId,
          createdAt,
          state: "active",
        }),
        when: "absent",
      },
      { put: directoryItem(fleet), when: "absent" },
      { put: authorityItem(root), when: "absent" },
      { put: authorityItem(issuing), when: "absent" },
      auditEntry(app, { fleet, action: "fleet.created", actor: "system", subject: fleet, result: "success" }),
    ]);
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
  return getFleet(app, fleet);
}
