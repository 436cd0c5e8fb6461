/**
 * Room: core/bootstrap. Makes a fleet with its root and issuing authority. Every step may be repeated: keys
 * have names, certificates answer their request, and the fleet appears in one transaction at the end.
 */
import { hash } from "node:crypto";
import { auditEntry } from "../audit/entry.ts";
import { type Fleet, findFleet, getFleet, type Issuer, issuerOf } from "../authority/issuer.ts";
import { issueOnce } from "../enrollment/issue-once.ts";
import { AppError, isAppError } from "../errors.ts";
import { directoryItem } from "../fleets/directory.ts";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../formats/algorithms.ts";
import { type VerifiedCsr, verifyCsr } from "../formats/certification-request.ts";
import {
  assembleCertificationRequest,
  encodeCertificationRequestInfo,
} from "../formats/certification-request-encoder.ts";
import { checkFleetId, checkTrustDomain } from "../policy/identifiers.ts";
import { identityNames, type SubjectIdentity } from "../policy/identity.ts";
import type { App, KeyDescription } from "../ports.ts";
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

async function authorityCsr(app: App, key: KeyDescription, identity: SubjectIdentity): Promise<VerifiedCsr> {
  const info = encodeCertificationRequestInfo({
    subject: identityNames(identity).subject,
    subjectPublicKeyInfo: key.publicKey,
    extensions: [],
  });
  const signature = await app.keys.sign(key.keyId, info);
  return verifyCsr(
    assembleCertificationRequest(info, authorityAlgorithms[key.algorithm].signature, signature),
  );
}

/** An intent closed as unfinished is closed for good: the next attempt is another request. */
const attempts = 5;

async function createAuthority(app: App, plan: AuthorityPlan): Promise<AuthorityRecord> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tryAuthority(app, plan, attempt);
    } catch (error) {
      if (!isAppError(error, "issuance_closed") || attempt === attempts) throw error;
    }
  }
}

async function tryAuthority(app: App, plan: AuthorityPlan, attempt: number): Promise<AuthorityRecord> {
  const { fleet, authorityId, kind, algorithm, parent } = plan;
  const alias = `${fleet}-${authorityId}`;
  const key = await app.keys.createKey(alias, algorithm);
  const identity: SubjectIdentity = { kind: "authority", fleet, authorityId };
  const own = {
    authorityId,
    keyId: key.keyId,
    algorithm: authorityAlgorithms[algorithm],
    issuer: "self",
  } as const;
  const record = await issueOnce(
    app,
    {
      fleet,
      signer:
        parent === undefined
          ? own
          : {
              authorityId: parent.record.authorityId,
              keyId: parent.record.keyId,
              algorithm: parent.algorithm,
              issuer: parent,
            },
      profile: profiles[kind],
      identity,
      csr: await authorityCsr(app, key, identity),
      // The CSR differs from try to try, the key does not.
      requestDigest: hash("sha256", `authority\n${alias}\n${hash("sha256", key.publicKey)}\n${attempt}`),
      credential: "system",
      consume: [],
    },
    () =>
      new AppError(
        "internal",
        `authority ${authorityId} of fleet "${fleet}" is being made by another request`,
      ),
  );
  if (record.certificate === undefined)
    throw new AppError("internal", `authority ${authorityId} has no certificate`);
  return {
    fleet,
    authorityId,
    kind,
    state: "active",
    keyId: key.keyId,
    algorithm,
    certificate: record.certificate,
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
