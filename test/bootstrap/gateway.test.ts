import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getFleet, type Issuer } from "../../core/authority/issuer.ts";
import { clientTrustKey, deployFleet } from "../../core/bootstrap/deployment.ts";
import { bootstrapFleet, type FleetPlan } from "../../core/bootstrap/fleet.ts";
import { confirmGateway } from "../../core/bootstrap/gateway.ts";
import { encodePem } from "../../core/formats/pem.ts";
import type { DeploymentApp, ItemStore } from "../../core/ports.ts";
import { authorityItem } from "../../core/records/fleet-record.ts";
import { gatewayKey } from "../../core/records/gateway-record.ts";
import { type DeploymentFixture, openDeploymentApp } from "../support/deployment-app.ts";
import { codeOf } from "../support/errors.ts";

const fleet = "clinic";
const plan: FleetPlan = {
  fleet,
  trustDomain: "example.test",
  rootAlgorithm: "P-256",
  issuingAlgorithm: "P-256",
};

let fixture: DeploymentFixture;
/** Of the trust store that the deployment wrote. */
let versionId: string;
beforeEach(async () => {
  fixture = await openDeploymentApp();
  const { trustStore } = await deployFleet(fixture.app, { plan, fleets: [fleet] });
  versionId = trustStore.versionId ?? "";
});
afterEach(() => fixture.close());

const confirm = (app: DeploymentApp = fixture.app, version = versionId) =>
  confirmGateway(app, fleet, { versionId: version });
const record = async () => (await getFleet(fixture.app, fleet)).gateway;

/** A root that is in no trust store: of a fleet that nobody deployed. */
async function stranger(): Promise<Issuer> {
  const { authorities } = await bootstrapFleet(fixture.app, { ...plan, fleet: "ward" });
  const root = authorities.find(({ record }) => record.kind === "root");
  if (root === undefined) throw new Error("the fleet has no root");
  return root;
}

/** A trust store without one authority of ours; resolves to its version. */
async function writeStrangerAlone(): Promise<string> {
  const { certificate } = await stranger();
  return writeTrustStore(encodePem("CERTIFICATE", certificate.raw));
}

/** An authority that came into the records after the trust store was written. */
async function trustSuccessor(): Promise<void> {
  const other = await stranger();
  const successor = { ...other.record, fleet, authorityId: "root-2", state: "published" } as const;
  await fixture.app.items.transact([{ put: authorityItem(successor), when: "absent" }]);
}

/** A store in which `act` is done once, before the first write. */
function interleaved(items: ItemStore, act: () => Promise<unknown>): ItemStore {
  let isDone = false;
  return {
    get: (key) => items.get(key),
    query: (query) => items.query(query),
    async transact(operations) {
      if (!isDone) {
        isDone = true;
        await act();
      }
      return items.transact(operations);
    },
  };
}

async function writeTrustStore(text: string): Promise<string> {
  const body = Buffer.from(text);
  const put = await fixture.app.trustStores.put(clientTrustKey, { body, contentType: "text/plain" });
  return put.versionId ?? "";
}

describe("what the gateway reads", () => {
  it("is on record as the authorities of that version, once it was told", async () => {
    expect(await record()).toBeUndefined();
    const authorityIds = ["issuing-1", "root-1"];
    const answer = await confirm();
    expect(answer.gateway.versionId).toBe(versionId);
    expect(answer.gateway.authorityIds.toSorted()).toEqual(authorityIds);
    expect(await record()).toMatchObject({ fleet, versionId, confirmedAt: expect.any(Number) });
  });

  it("names no authority that is trusted now and was not in that version", async () => {
    await trustSuccessor();
    const { gateway } = await confirm();
    expect(gateway.authorityIds.toSorted()).toEqual(["issuing-1", "root-1"]);
  });

  it("said again changes nothing, not even its version", async () => {
    const first = await confirm();
    const { version } = (await fixture.app.items.get(gatewayKey(fleet))) ?? {};
    fixture.clock.advance(60_000);
    expect(await confirm()).toEqual(first);
    expect((await fixture.app.items.get(gatewayKey(fleet)))?.version).toBe(version);
  });

  it("of an older version is refused: the present one may trust less", async () => {
    await confirm();
    const newer = await writeStrangerAlone();
    expect(await codeOf(confirm())).toBe("store_condition_failed");
    expect((await confirm(fixture.app, newer)).gateway.authorityIds).toEqual([]);
    expect(await codeOf(confirm(fixture.app, "unknown"))).toBe("store_condition_failed");
  });

  it("of two at once, the newer version stands", async () => {
    let newer = "";
    const items = interleaved(fixture.app.items, async () => {
      newer = await writeStrangerAlone();
      await confirm(fixture.app, newer);
    });
    expect(await codeOf(confirm({ ...fixture.app, items }))).toBe("store_condition_failed");
    expect(await record()).toMatchObject({ versionId: newer, authorityIds: [] });
  });

  it("survives the same said twice at once, and an answer that was lost", async () => {
    const items = interleaved(fixture.app.items, () => confirm());
    const answer = await confirm({ ...fixture.app, items });
    expect(answer).toEqual(await confirm());
    expect((await fixture.app.items.get(gatewayKey(fleet)))?.version).toBe(1);
  });

  it("of no fleet is refused, and of a trust store that is damaged", async () => {
    expect(await codeOf(confirmGateway(fixture.app, "ward", { versionId }))).toBe("not_found");
    const damaged = await writeTrustStore("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
    expect(await codeOf(confirm(fixture.app, damaged))).toBe("pem_malformed");
    expect(await record()).toBeUndefined();
  });
});
