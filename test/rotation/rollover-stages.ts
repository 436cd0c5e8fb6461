/**
 * Room: test. A fleet at each stage of the rollover of its root, and of its issuing authority after it. The stages are
 * written as records: what carries a rollover from one to the next is no part of this.
 */
import { getFleet } from "../../core/authority/issuer.ts";
import { issueForDeployment } from "../../core/bootstrap/end-entity.ts";
import type { IssuedCertificate } from "../../core/enrollment/answer.ts";
import type { AuthorityAlgorithmId } from "../../core/formats/algorithms.ts";
import type { DeploymentApp, NewItem } from "../../core/ports.ts";
import {
  type AuthorityRecord,
  type AuthorityState,
  authorityItem,
  fleetItem,
} from "../../core/records/fleet-record.ts";
import type { RolloverRecord } from "../../core/records/rollover-record.ts";
import { certifySuccessor, type Succession } from "../../core/rotation/successor.ts";
import { type DeviceKey, deviceCsr } from "../support/device.ts";

export function rollover(
  fleet: string,
  kind: RolloverRecord["kind"],
  [fromId, toId]: readonly [string, string],
  more: Partial<RolloverRecord> = {},
): RolloverRecord {
  return {
    fleet,
    rolloverId: "0".repeat(32),
    kind,
    state: "planned",
    fromId,
    toId,
    algorithm: "P-256",
    custody: "service",
    emergency: false,
    publishedDays: 0,
    activeDays: 0,
    adoptionPercent: 0,
    createdAt: 0,
    createdBy: "system",
    enteredAt: 0,
    ...more,
  };
}

/** Writes the item over whatever is there. */
export async function overwrite(app: DeploymentApp, put: NewItem): Promise<void> {
  const present = await app.items.get(put);
  await app.items.transact([{ put, when: present?.version ?? "absent" }]);
}

export async function publishSuccession(app: DeploymentApp, succession: Succession): Promise<void> {
  for (const record of [succession.authority, ...succession.changed])
    await overwrite(app, authorityItem(record));
}

export async function setState(
  app: DeploymentApp,
  fleet: string,
  authorityId: string,
  state: AuthorityState,
): Promise<void> {
  await overwrite(app, authorityItem({ ...(await recordOf(app, fleet, authorityId)), state }));
}

export async function recordOf(
  app: DeploymentApp,
  fleet: string,
  authorityId: string,
): Promise<AuthorityRecord> {
  const { authorities } = await getFleet(app, fleet);
  const found = authorities.find(({ record }) => record.authorityId === authorityId);
  if (found === undefined) throw new Error(`fleet ${fleet} has no ${authorityId}`);
  return found.record;
}

async function issueWith(app: DeploymentApp, fleet: string, issuingAuthorityId: string): Promise<void> {
  const { record } = await getFleet(app, fleet);
  await overwrite(app, fleetItem({ ...record, issuingAuthorityId }));
}

export async function succeed(
  app: DeploymentApp,
  fleet: string,
  kind: RolloverRecord["kind"],
  ids: readonly [string, string],
  more: Partial<RolloverRecord> = {},
): Promise<Succession> {
  const record = rollover(fleet, kind, ids, more);
  const succession = await certifySuccessor(app, await getFleet(app, fleet), record);
  await publishSuccession(app, succession);
  return succession;
}

/** The same key asks at each stage: the certificate is the one of the first time, the chain is today's. */
export function serverCertificate(
  app: DeploymentApp,
  fleet: string,
  key: DeviceKey,
): Promise<IssuedCertificate> {
  return issueForDeployment(app, {
    fleet,
    subject: { kind: "server", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"] },
    csr: deviceCsr(key),
  });
}

export interface Stage {
  readonly name: string;
  /** Authorities whose servers are there, the old one first. */
  readonly issuing: readonly string[];
  readonly roots: readonly string[];
  enter(app: DeploymentApp, fleet: string): Promise<void>;
}

/**
 * From one root and one issuing authority to two others. The issuing authority follows once its root is in force; the
 * old root leaves last, when nothing stands below it.
 */
export function rootStages(rootAlgorithm: AuthorityAlgorithmId): readonly Stage[] {
  const roots = ["root-1", "root-2"];
  const both = ["issuing-1", "issuing-2"];
  return [
    { name: "root planned", issuing: ["issuing-1"], roots: ["root-1"], enter: () => Promise.resolve() },
    {
      ...{ name: "root published", issuing: ["issuing-1"], roots },
      async enter(app, fleet) {
        await succeed(app, fleet, "root", ["root-1", "root-2"], { algorithm: rootAlgorithm });
      },
    },
    {
      ...{ name: "root active", issuing: ["issuing-1"], roots },
      async enter(app, fleet) {
        await setState(app, fleet, "root-2", "active");
        await setState(app, fleet, "root-1", "draining");
      },
    },
    {
      ...{ name: "issuing authority published", issuing: ["issuing-1"], roots },
      async enter(app, fleet) {
        await succeed(app, fleet, "issuing", ["issuing-1", "issuing-2"]);
      },
    },
    {
      ...{ name: "issuing authority active, and draining", issuing: both, roots },
      async enter(app, fleet) {
        await setState(app, fleet, "issuing-2", "active");
        await setState(app, fleet, "issuing-1", "draining");
        await issueWith(app, fleet, "issuing-2");
      },
    },
    {
      ...{ name: "old issuing authority retired", issuing: ["issuing-2"], roots },
      enter: (app, fleet) => setState(app, fleet, "issuing-1", "retired"),
    },
    {
      ...{ name: "old root retired", issuing: ["issuing-2"], roots: ["root-2"] },
      enter: (app, fleet) => setState(app, fleet, "root-1", "retired"),
    },
  ];
}

/** The rollover of an issuing authority alone, under the same root; it is taken back once it was active. */
export const issuingStages: readonly Stage[] = [
  {
    ...{ name: "published", issuing: ["issuing-1"], roots: ["root-1"] },
    async enter(app, fleet) {
      await succeed(app, fleet, "issuing", ["issuing-1", "issuing-2"], { algorithm: "P-384" });
    },
  },
  {
    ...{ name: "active, and draining", issuing: ["issuing-1", "issuing-2"], roots: ["root-1"] },
    async enter(app, fleet) {
      await setState(app, fleet, "issuing-2", "active");
      await setState(app, fleet, "issuing-1", "draining");
      await issueWith(app, fleet, "issuing-2");
    },
  },
  {
    ...{ name: "taken back", issuing: ["issuing-1", "issuing-2"], roots: ["root-1"] },
    async enter(app, fleet) {
      await setState(app, fleet, "issuing-1", "active");
      await setState(app, fleet, "issuing-2", "draining");
      await issueWith(app, fleet, "issuing-1");
    },
  },
];
