/** Room: test. Sessions with proofs of their key, proofs alone, and approvals that go with a session. */

import { randomBytes } from "node:crypto";
import { operationDigest } from "../../../../core/access/operation.ts";
import { approvalItem } from "../../../../core/records/approval-record.ts";
import { sessionItem } from "../../../../core/records/session-record.ts";
import type { CriticalOperationId } from "../../../../core/standard/access.ts";
import {
  type ApprovalOutcome,
  type Credential,
  type Presented,
  refusedWith,
  type Target,
} from "../credential.ts";
import { expectations, type RoleName } from "../expectations.ts";
import { digestOf, fleets, origin, roleNames, type Side, sides, type World } from "../world.ts";

const sessionStates = {
  fresh: undefined,
  expired: "session_invalid",
  revoked: "session_invalid",
  wrongKey: "session_invalid",
  replayed: "proof_replayed",
  unproved: "proof_missing",
  otherUrl: "proof_invalid",
  otherMethod: "proof_invalid",
  otherToken: "proof_invalid",
} as const;
type SessionState = keyof typeof sessionStates;

interface SessionOf {
  readonly side: Side;
  readonly operatorId: string;
  readonly state: SessionState;
  /** @default now */
  readonly createdAt?: number;
}

const newToken = (fleet: string): string => `${fleet}.${randomBytes(32).toString("base64url")}`;

async function presentSession(
  world: World,
  { side, operatorId, state, createdAt }: SessionOf,
  target: Target,
): Promise<Presented> {
  const fleet = fleets[side];
  const token = newToken(fleet);
  const now = world.house.clock.now();
  await world.put(
    sessionItem({
      fleet,
      sessionId: digestOf(token),
      operatorId,
      keyThumbprint: world.key.thumbprint,
      state: state === "revoked" ? "ended" : "active",
      createdAt: createdAt ?? now,
      expiresAt: state === "expired" ? now - 1 : now + 1_800_000,
    }),
  );
  const key = state === "wrongKey" ? world.otherKey : world.key;
  const path = state === "otherUrl" ? `${target.path}/elsewhere` : target.path;
  const method = state === "otherMethod" ? "HEAD" : target.method;
  const accessToken = state === "otherToken" ? newToken(fleet) : token;
  const dpop = await key.proof({ method, url: origin + path, accessToken, now });
  const authorization = `DPoP ${token}`;
  return { headers: state === "unproved" ? { authorization } : { authorization, dpop } };
}

const ofRoles = sides.flatMap((side) =>
  (Object.keys(sessionStates) as SessionState[]).flatMap((state) =>
    roleNames.map(
      (role): Credential => ({
        name: `session of ${role}`,
        side,
        state,
        holder: { kind: "operator", role, by: "session" },
        ...refusedWith(sessionStates[state]),
        ...(state === "replayed" ? { twice: true as const } : {}),
        present: (world, target) =>
          presentSession(world, { side, operatorId: `operator-${role}`, state }, target),
      }),
    ),
  ),
);

const ofFormer = sides.flatMap((side) =>
  (
    [
      ["session of an owner who was suspended", "operator-leaver", "operator_not_active"],
      ["session from before its owner was suspended and taken back", "operator-returner", "session_invalid"],
    ] as const
  ).map(
    ([name, operatorId, refusal]): Credential => ({
      name,
      side,
      state: "revoked",
      holder: { kind: "operator", role: "owner", by: "session" },
      refusal,
      present(world, target) {
        // Before anybody of the world was suspended.
        const createdAt = world.house.clock.now() - 86_400_000;
        return presentSession(world, { side, operatorId, state: "fresh", createdAt }, target);
      },
    }),
  ),
);

const proofStates = {
  fresh: undefined,
  expired: "proof_invalid",
  wrongKey: "proof_invalid",
  replayed: "proof_replayed",
  otherUrl: "proof_invalid",
} as const;

const proofs = (Object.keys(proofStates) as (keyof typeof proofStates)[]).map(
  (state): Credential => ({
    name: "proof of a key",
    side: "own",
    state,
    holder: { kind: "proof" },
    ...refusedWith(proofStates[state]),
    ...(state === "replayed" ? { twice: true as const } : {}),
    async present({ key, otherKey, house }, { method, path }) {
      const url = `${origin}${path}${state === "otherUrl" ? "/elsewhere" : ""}`;
      const now = house.clock.now() - (state === "expired" ? 120_000 : 0);
      // Signed by one key, in the name of another.
      const header = state === "wrongKey" ? { jwk: otherKey.jwk } : {};
      return { headers: { dpop: await key.proof({ method, url, now, header }) } };
    },
  }),
);

interface ApprovalState extends ApprovalOutcome {
  readonly state: string;
  readonly by?: readonly string[];
  readonly requestedBy?: string;
  readonly isExpired?: true;
  readonly isExecuted?: true;
  readonly isForAnotherBody?: true;
  readonly of?: Side;
  /** Milliseconds since the assertions can have been made. @default 0 */
  readonly age?: number;
  readonly operator?: "certificate";
}

const two = ["operator-owner", "operator-securityOfficer"] as const;

const approvalStates: readonly ApprovalState[] = [
  { state: "fresh", by: two, persons: 2 },
  { state: "fresh, with the certificate", by: two, persons: 2, operator: "certificate" },
  { state: "expired", by: two, persons: 2, isExpired: true, refusal: "approval_stale" },
  // 45 CFR 164.312(d): five minutes and a second.
  { state: "of assertions too old", by: two, persons: 2, age: 301_000, refusal: "approval_stale" },
  { state: "revoked: the second person is suspended", by: ["operator-owner", "operator-leaver"], persons: 1 },
  { state: "of one person", by: ["operator-owner"], persons: 1 },
  { state: "of one person twice", by: ["operator-owner", "operator-owner"], persons: 1 },
  { state: "of nobody", by: [], persons: 0 },
  {
    state: "of two others",
    by: ["operator-securityOfficer", "operator-nobody"],
    persons: 0,
  },
  { state: "replayed: executed before", by: two, persons: 2, isExecuted: true, refusal: "approval_spent" },
  {
    state: "of another operation",
    by: two,
    persons: 2,
    isForAnotherBody: true,
    refusal: "approval_mismatch",
  },
  {
    state: "asked for by another",
    by: two,
    persons: 2,
    requestedBy: "operator-securityOfficer",
    refusal: "approval_mismatch",
  },
  { state: "of another fleet", by: two, persons: 2, of: "other", refusal: "approval_required" },
];

/** The record as the use cases leave it; that they leave it after verified assertions only, test/access tells. */
async function putApproval(world: World, approval: ApprovalState, target: Target): Promise<string> {
  const { by = [], age = 0, requestedBy = "operator-owner", of = "own" } = approval;
  const { id = "none", parameters = {} } = target;
  const critical = (expectations as Readonly<Record<string, { approved?: { as: CriticalOperationId } }>>)[id];
  const now = world.house.clock.now();
  const fleet = fleets[of];
  const body = approval.isForAnotherBody === true ? { other: true } : (target.body ?? {});
  const approvalId = randomBytes(16).toString("hex");
  await world.put(
    approvalItem({
      fleet,
      approvalId,
      operation: id,
      critical: critical?.approved?.as ?? "roleChange",
      document: "{}",
      operationDigest: operationDigest({ fleet, operation: id, parameters, body }),
      nonce: randomBytes(32).toString("base64url"),
      requestedBy,
      createdAt: now - age,
      expiresAt: approval.isExpired === true ? now - 1 : now + 600_000,
      assertions: by.map((operatorId) => ({
        operatorId,
        since: now - age,
        takenAt: now - age,
        proof: { by: "oidc", issuer: "https://idp.example.test", tokenSha256: digestOf(operatorId) },
      })),
      ...(approval.isExecuted === true ? { executedAt: now - 1 } : {}),
    }),
  );
  return approvalId;
}

const approver: RoleName = "owner";

const approvals = approvalStates.map((approval): Credential => {
  const { state, refusal, persons, operator: by = "session" } = approval;
  return {
    name: "approval",
    side: approval.of ?? "own",
    state,
    holder: { kind: "operator", role: approver, by },
    approval: { ...refusedWith(refusal), persons },
    async present(world, target) {
      const presented =
        by === "certificate"
          ? { certificate: world.certificate(approver, "own", "fresh") }
          : await presentSession(
              world,
              { side: "own", operatorId: "operator-owner", state: "fresh" },
              target,
            );
      const approvalId = await putApproval(world, approval, target);
      return { ...presented, headers: { ...presented.headers, "fleetkey-approval": approvalId } };
    },
  };
});

export const sessions: readonly Credential[] = [...ofRoles, ...ofFormer, ...proofs, ...approvals];
