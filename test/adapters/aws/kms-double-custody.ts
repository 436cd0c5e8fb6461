/**
 * Room: test/adapters/aws. The KMS double's operations on keys that are kept, lent, rotated and destroyed, with the
 * states in which KMS refuses them (developer guide, Key states).
 */
import { randomUUID } from "node:crypto";
import type { DoubleKey } from "./double-keys.ts";

export interface KmsDoubleKey extends DoubleKey {
  readonly arn: string;
  readonly spec: string;
  usage: string;
  state: string;
  /** Seconds since the epoch, as all of KMS's times. */
  createdAt: number;
  deletionAt?: number;
  /** What makes a grant one, by its id. */
  readonly grants: Map<string, string>;
  rotationDays?: number;
  rotating?: number;
  rotations: { readonly RotationType: string; readonly RotationDate: number }[];
}

type Body = Readonly<Record<string, unknown>>;

export class DoubleRefusal extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

const daySeconds = 86_400;

export function refuseUnlessEnabled(key: KmsDoubleKey): void {
  if (key.state === "Disabled") throw new DoubleRefusal("DisabledException", "is disabled");
  if (key.state !== "Enabled") throw new DoubleRefusal("KMSInvalidStateException", `is ${key.state}`);
}

export const custodyOperations: Readonly<Record<string, (key: KmsDoubleKey, body: Body) => Body>> = {
  DescribeKey: ({ arn, state, createdAt, deletionAt }) => ({
    KeyMetadata: {
      Arn: arn,
      KeyId: arn.split("/")[1],
      KeyState: state,
      CreationDate: createdAt,
      DeletionDate: deletionAt,
    },
  }),
  ScheduleKeyDeletion(key, body) {
    if (key.state === "PendingDeletion") throw new DoubleRefusal("KMSInvalidStateException", "is pending");
    key.state = "PendingDeletion";
    key.deletionAt = Math.floor(Date.now() / 1_000) + Number(body["PendingWindowInDays"]) * daySeconds;
    return { KeyId: key.arn, DeletionDate: key.deletionAt, KeyState: key.state };
  },
  CancelKeyDeletion(key) {
    if (key.state !== "PendingDeletion")
      throw new DoubleRefusal("KMSInvalidStateException", "is not pending");
    key.state = "Disabled";
    delete key.deletionAt;
    return { KeyId: key.arn };
  },
  EnableKey(key) {
    if (key.state === "PendingDeletion") throw new DoubleRefusal("KMSInvalidStateException", "is pending");
    key.state = "Enabled";
    return {};
  },
  CreateGrant(key, body) {
    refuseUnlessEnabled(key);
    const { GrantTokens: _, ...same } = body;
    const known = [...key.grants].find(([, grant]) => grant === JSON.stringify(same));
    const GrantId = known?.[0] ?? randomUUID().replaceAll("-", "").repeat(2);
    key.grants.set(GrantId, JSON.stringify(same));
    return { GrantId, GrantToken: randomUUID() };
  },
  RevokeGrant(key, body) {
    if (key.grants.delete(String(body["GrantId"]))) return {};
    throw new DoubleRefusal("NotFoundException", "no such grant");
  },
  GetKeyRotationStatus: ({ arn, rotationDays, rotating }) => ({
    KeyId: arn,
    KeyRotationEnabled: rotationDays !== undefined,
    ...(rotationDays === undefined
      ? {}
      : { RotationPeriodInDays: rotationDays, NextRotationDate: 1_800_000_000 }),
    ...(rotating === undefined ? {} : { OnDemandRotationStartDate: rotating }),
  }),
  /** In pages of three, so that a caller who reads the first alone is found out. */
  ListKeyRotations({ rotations }, body) {
    const from = Number(body["Marker"] ?? 0);
    const Truncated = from + 3 < rotations.length;
    const Rotations = rotations.slice(from, from + 3);
    return { Rotations, Truncated, ...(Truncated ? { NextMarker: String(from + 3) } : {}) };
  },
  RotateKeyOnDemand(key) {
    refuseUnlessEnabled(key);
    if (key.rotating !== undefined) throw new DoubleRefusal("ConflictException", "a rotation is under way");
    const asked = key.rotations.filter(({ RotationType }) => RotationType === "ON_DEMAND").length;
    if (asked >= 25) throw new DoubleRefusal("LimitExceededException", "25 rotations on demand");
    key.rotating = Math.floor(Date.now() / 1_000);
    return { KeyId: key.arn };
  },
};
