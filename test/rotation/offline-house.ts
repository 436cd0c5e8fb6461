/**
 * Room: test. A fleet with a root in the key service and one on a machine without a network, two people who approve, and
 * that machine's keys. Rollovers are planned by writing their record; what follows is the use cases' own.
 */

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { join } from "node:path";
import { expect } from "vitest";
import { softwareKeyCustody } from "../../adapters/local/software-key-custody.ts";
import { type ApprovedOperation, redeemApproval } from "../../core/access/approval.ts";
import type { OperatorCaller } from "../../core/access/caller.ts";
import { authorityAlgorithms } from "../../core/formats/algorithms.ts";
import {
  assembleCertificationRequest,
  encodeCertificationRequestInfo,
} from "../../core/formats/certification-request.ts";
import { name } from "../../core/formats/name.ts";
import type { RevocationApp } from "../../core/ports.ts";
import { approvalItem } from "../../core/records/approval-record.ts";
import { operatorItem } from "../../core/records/operator-record.ts";
import { type RolloverRecord, rolloverItem } from "../../core/records/rollover-record.ts";
import { holdCeremonies } from "../../core/rotation/held-ceremony.ts";
import { lendRoots, returnRoots } from "../../core/rotation/loans.ts";
import type { OfflineAnswer } from "../../core/rotation/offline/answer.ts";
import { importFleetAnswer } from "../../core/rotation/offline/fleet-import.ts";
import { prepareFleet } from "../../core/rotation/offline/fleet-request.ts";
import { importOffline } from "../../core/rotation/offline/import.ts";
import { fleetOfflineRequest, offlineRequest } from "../../core/rotation/offline/offline-request.ts";
import { prepareOffline } from "../../core/rotation/offline/prepare.ts";
import { type OfflineRequest, requestDigest } from "../../core/rotation/offline/request.ts";
import { signOffline } from "../../core/rotation/offline/signing.ts";
import type { OfflineSigner } from "../../core/rotation/offline/transcript.ts";
import { findRollover } from "../../core/rotation/rollover-store.ts";
import { activation } from "../../core/rotation/transitions.ts";
import { fleet, openPublishingFleet, type PublishingFleet } from "../revocation/publishing-fleet.ts";
import { memoryDataKeys } from "./rotating-fleet.ts";

export { fleet };

/** A key of the offline machine. */
export interface OfflineKey extends OfflineSigner {
  readonly privateKey: KeyObject;
}

export function offlineKey(curve: "P-256" | "P-384" = "P-256"): OfflineKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: curve });
  const { digest } = authorityAlgorithms[curve].signature;
  return {
    privateKey,
    publicKey: publicKey.export({ type: "spki", format: "der" }),
    sign: (message) => Promise.resolve(sign(digest, message, privateKey)),
  };
}

/** The request of a root's key, as `fleetkey ceremony init` makes it. */
export async function rootCsr(authorityId: string, key: OfflineKey, curve: "P-256" | "P-384" = "P-256") {
  const info = encodeCertificationRequestInfo({
    subject: name([["commonName", `${fleet} ${authorityId}`]]),
    subjectPublicKeyInfo: key.publicKey,
    extensions: [],
  });
  return assembleCertificationRequest(info, authorityAlgorithms[curve].signature, await key.sign(info));
}

export interface OfflineHouse extends PublishingFleet {
  readonly root2: OfflineKey;
  readonly participants: readonly [OfflineKey, OfflineKey];
  plan(
    plan: Partial<RolloverRecord> & Pick<RolloverRecord, "kind" | "fromId" | "toId">,
  ): Promise<RolloverRecord>;
  /** Makes the request, if there is none, and fetches it. */
  asked(rolloverId: string): Promise<OfflineRequest>;
  signed(
    request: OfflineRequest,
    change?: Partial<Parameters<typeof signOffline>[0]>,
  ): Promise<OfflineAnswer>;
  approval(critical?: "authorityUse" | "authorityRotation"): Promise<ApprovedOperation>;
  bring(rolloverId: string, answer: OfflineAnswer, requestSha256?: string): ReturnType<typeof importOffline>;
  /** The same of the fleet's own request. */
  askedOfFleet(): Promise<OfflineRequest>;
  bringToFleet(
    answer: OfflineAnswer,
    change?: { readonly app?: RevocationApp; readonly requestSha256?: string },
  ): ReturnType<typeof importFleetAnswer>;
  rollover(rolloverId: string): Promise<RolloverRecord>;
  /** What the ceremony's task does with a rollover to a new root. */
  hold(rolloverId: string): Promise<void>;
  activate(rolloverId: string): Promise<void>;
}

const caller = {
  kind: "operator",
  fleet,
  subjectId: "operator-1",
  actor: "operator:operator-1",
} as OperatorCaller;
const people = ["operator-1", "operator-2"];
const time = "2026-03-01T12:00:00Z";
let drawn = 0;
function drawnId(): string {
  drawn += 1;
  return drawn.toString(16).padStart(32, "0");
}

export async function openOfflineHouse(): Promise<OfflineHouse> {
  const house = await openPublishingFleet();
  const { clock, directory } = house;
  const app = {
    ...house.app,
    custody: softwareKeyCustody({ directory: join(directory, "keys"), clock }),
    dataKeys: memoryDataKeys(clock.now),
  };
  const root2 = offlineKey();
  await app.items.transact(
    people.map((operatorId) => ({
      put: operatorItem({
        ...{ fleet, operatorId, roles: ["owner"], state: "active", origin: "invitation", passkeys: ["p"] },
        createdAt: app.clock.now(),
      }),
      when: "absent",
    })),
  );
  const participants = [offlineKey(), offlineKey("P-384")] as const;

  const approval: OfflineHouse["approval"] = async (critical = "authorityUse") => {
    const now = app.clock.now();
    const approvalId = drawnId();
    // Their passkeys are not what is tested.
    const record = {
      ...{
        fleet,
        approvalId,
        operation: "importOfflineAnswer",
        critical,
        document: "{}",
        operationDigest: "d",
      },
      ...{ nonce: "n", requestedBy: "operator-1", createdAt: now, expiresAt: now + 900_000 },
      assertions: people.map((operatorId) => ({
        ...{ operatorId, since: now, takenAt: now },
        proof: { by: "oidc", issuer: "https://id.example.test", tokenSha256: "0" } as const,
      })),
    };
    await app.items.transact([{ put: approvalItem(record), when: "absent" }]);
    return redeemApproval(app, { caller, critical, approvalId, operationDigest: "d" });
  };

  const rollover = async (rolloverId: string) => (await findRollover(app, { fleet, rolloverId })).value;

  return {
    ...house,
    app,
    root2,
    participants,
    approval,
    rollover,
    async plan(plan) {
      const now = app.clock.now();
      const record: RolloverRecord = {
        ...{
          fleet,
          rolloverId: drawnId(),
          state: "planned",
          algorithm: "P-256",
          custody: "service",
          emergency: false,
        },
        ...{
          publishedDays: 7,
          activeDays: 1,
          adoptionPercent: 95,
          createdAt: now,
          createdBy: "system",
          enteredAt: now,
        },
        ...plan,
      };
      await app.items.transact([{ put: rolloverItem(record), when: "absent" }]);
      return record;
    },
    async asked(rolloverId) {
      await prepareOffline(app, fleet);
      return (await offlineRequest(app, { fleet, rolloverId })).request;
    },
    signed: (request, change = {}) => signOffline({ request, roots: [root2], participants, time, ...change }),
    bring: async (rolloverId, answer, requestSha256 = requestDigest(answer.request)) =>
      importOffline(app, { caller, approval: await approval(), rolloverId, answer, requestSha256 }),
    async askedOfFleet() {
      await prepareFleet(app, fleet);
      return (await fleetOfflineRequest(app, fleet)).request;
    },
    bringToFleet: async (answer, { app: ports = app, requestSha256 = requestDigest(answer.request) } = {}) =>
      importFleetAnswer(ports, { caller, approval: await approval(), answer, requestSha256 }),
    async hold(rolloverId) {
      await lendRoots(app, fleet);
      await holdCeremonies(app);
      await returnRoots(app, fleet);
      expect((await rollover(rolloverId)).state).toBe("published");
    },
    async activate(rolloverId) {
      const stored = await findRollover(app, { fleet, rolloverId });
      await app.items.transact((await activation(app, stored, "system")).writes);
    },
  };
}

/** The fleet's root is offline from here on: the rollover to it has been signed, imported, vouched for, activated. */
export async function moveOffline(house: OfflineHouse, toId = "root-2"): Promise<RolloverRecord> {
  const planned = await house.plan({ kind: "root", fromId: "root-1", toId, custody: "offline" });
  const request = await house.asked(planned.rolloverId);
  const answer = await house.signed(request, { csr: await rootCsr(toId, house.root2) });
  await house.bring(planned.rolloverId, answer);
  await house.hold(planned.rolloverId);
  await house.activate(planned.rolloverId);
  return house.rollover(planned.rolloverId);
}
