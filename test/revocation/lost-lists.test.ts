/** Room: test. Lists that somebody removed, damaged or set back: noticed by the hour, signed again by the next run. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { distribute } from "../../core/bootstrap/distribution.ts";
import { hastenLostLists } from "../../core/revocation/lost-lists.ts";
import { publishRevocations } from "../../core/revocation/publisher.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { completeShard } from "../../core/revocation/shard.ts";
import {
  actor,
  type Device,
  fleet,
  keyOfUrl,
  listAt,
  openPublishingFleet,
  type PublishingFleet,
  pointerOf,
  serialsOf,
} from "./publishing-fleet.ts";

let house: PublishingFleet;
let device: Device;
let key: string;
beforeEach(async () => {
  house = await openPublishingFleet();
  await house.publish();
  device = await house.enrol("pump-1");
  key = keyOfUrl(pointerOf(device.certificate));
});
afterEach(() => house.close());

const lost = () => house.log.filter(({ event }) => event === "crl_lost");

async function revokeDevice(): Promise<void> {
  const { serialNumber } = device;
  await revoke(house.app, { fleet, actor, serialNumber, reason: "keyCompromise" });
  await house.publish();
}

async function expectMended(number: number): Promise<void> {
  expect(await publishRevocations(house.app)).toMatchObject({ published: 0 });
  await distribute(house.app, fleet);
  expect(lost()).toHaveLength(1);
  expect(await publishRevocations(house.app)).toMatchObject({ published: 1, failed: 0 });
  const list = await listAt(house.app, pointerOf(device.certificate), await house.issuer());
  expect([serialsOf(list), list?.number]).toEqual([[device.serialNumber], number]);
  await distribute(house.app, fleet);
  expect(lost()).toHaveLength(1);
  expect(await publishRevocations(house.app)).toMatchObject({ published: 0 });
}

describe("a list that readers do not find is signed again, under a higher number", () => {
  it("removed", async () => {
    await revokeDevice();
    await house.artifacts.remove(key);
    await expectMended(3);
  });

  it("damaged", async () => {
    await revokeDevice();
    await house.artifacts.put(key, { body: Buffer.from("no list"), contentType: "text/plain" });
    await expectMended(3);
  });

  it("set back to one that does not know of the revocation", async () => {
    const [before] = house.artifacts.versions(key);
    if (before === undefined) throw new Error("there is no list");
    await revokeDevice();
    await house.artifacts.put(key, before);
    await expectMended(3);
  });

  it("a root's, by the deployment itself", async () => {
    const root = house.artifacts.keys.find((name) => name.endsWith(`/${completeShard}.crl`)) ?? "";
    await house.artifacts.remove(root);
    await distribute(house.app, fleet);
    expect(await house.artifacts.get(root)).toBeDefined();
  });
});

describe("nothing is done", () => {
  it("for lists that are there, and no list is read that the publisher looks at anyway", async () => {
    expect(await hastenLostLists(house.app, fleet)).toBe(0);
    const reads: string[] = [];
    const artifacts = {
      get: (name: string) => {
        reads.push(name);
        return house.artifacts.get(name);
      },
    };
    house.clock.advance(30 * 86_400_000);
    expect(await hastenLostLists({ ...house.app, artifacts }, fleet)).toBe(0);
    expect(reads).toEqual([]);
  });
});
