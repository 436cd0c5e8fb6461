/** Room: test. A list over its life: signed while anybody relies on its authority, mended, and withdrawn at its end. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { crlKey } from "../../core/records/crl-record.ts";
import { authorityItem } from "../../core/records/fleet-record.ts";
import { publishRevocations } from "../../core/revocation/publisher.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import {
  actor,
  day,
  fleet,
  keyOfUrl,
  listAt,
  openPublishingFleet,
  type Ports,
  type PublishingFleet,
  pointerOf,
  serialsOf,
} from "./publishing-fleet.ts";

let house: PublishingFleet;
let app: Ports;
beforeEach(async () => {
  house = await openPublishingFleet();
  app = house.app;
});
afterEach(() => house.close());

const ask = (serialNumber: string) => ({ fleet, actor, serialNumber, reason: "keyCompromise" }) as const;

async function listOf(certificate: string) {
  const list = await listAt(app, pointerOf(certificate), await house.issuer());
  if (list === undefined) throw new Error("there is no list");
  return list;
}

describe("a list", () => {
  it("goes with the last of its certificates, after one more list since they expired (RFC 5280 §3.3)", async () => {
    await house.publish();
    const { certificate, serialNumber } = await house.enrol("pump-1");
    await revoke(app, ask(serialNumber));
    await house.publish();
    const url = pointerOf(certificate);
    const { notAfter, crlShard = "" } = await house.record(serialNumber);
    let last = await listOf(certificate);
    for (let days = 0; days < 120; days += 1) {
      house.clock.advance(day);
      await house.publish();
      const list = await listAt(app, url, await house.issuer());
      if (list === undefined) break;
      last = list;
    }
    expect(serialsOf(last)).toEqual([serialNumber]);
    expect(last.thisUpdate).toBeGreaterThan(notAfter);
    expect(await listAt(app, url, await house.issuer())).toBeUndefined();
    const item = await app.items.get(crlKey({ fleet, authorityId: "issuing-1", crlShard }));
    expect(item?.indexes ?? {}).toEqual({});
    expect(await house.publish()).toMatchObject({ withdrawn: 0, failed: 0, pending: 0 });
  });

  it("whose publisher stood still until long after its end is published once more before it goes", async () => {
    await house.publish();
    const { certificate, serialNumber } = await house.enrol("pump-1");
    await revoke(app, ask(serialNumber));
    await house.publish();
    const before = await listOf(certificate);
    house.clock.advance(150 * day);
    await publishRevocations(app);
    const after = await listOf(certificate);
    expect(after.number).toBeGreaterThan(before.number ?? 0);
    expect(serialsOf(after)).toEqual([serialNumber]);
    house.clock.advance(4 * day);
    const { withdrawn } = await publishRevocations(app);
    expect(withdrawn).toBeGreaterThan(0);
    expect(await listAt(app, pointerOf(certificate), await house.issuer())).toBeUndefined();
  });

  it("of a retired authority is signed still, and of a draining one", async () => {
    await house.publish();
    const devices = [await house.enrol("pump-1"), await house.enrol("pump-2")];
    for (const [index, state] of (["draining", "retired"] as const).entries()) {
      const { authorities } = await getFleet(app, fleet);
      const record = authorities.find((each) => each.record.kind === "issuing")?.record;
      if (record === undefined) throw new Error("no authority");
      const stored = await app.items.get({ pk: `FLEET#${fleet}`, sk: "AUTHORITY#issuing-1" });
      const put = authorityItem({ ...record, state });
      await app.items.transact([{ put, when: stored?.version ?? "absent" }]);
      const { serialNumber = "", certificate = "" } = devices[index] ?? {};
      await revoke(app, ask(serialNumber));
      expect(await publishRevocations(app)).toMatchObject({ published: 1, failed: 0 });
      expect(serialsOf(await listOf(certificate))).toContain(serialNumber);
    }
  });

  it("of an authority whose key is destroyed is left as it is, and nothing fails", async () => {
    await house.publish();
    const { certificate, serialNumber } = await house.enrol("pump-1");
    const before = await listOf(certificate);
    const record = (await house.issuer()).record;
    const stored = await app.items.get({ pk: `FLEET#${fleet}`, sk: "AUTHORITY#issuing-1" });
    const put = authorityItem({ ...record, state: "destroyed" });
    await app.items.transact([{ put, when: stored?.version ?? "absent" }]);
    await revoke(app, ask(serialNumber));
    expect(await publishRevocations(app)).toMatchObject({ published: 0, failed: 0 });
    expect((await listOf(certificate)).number).toBe(before.number);
  });

  it("that somebody damaged is replaced by the next one, and its number is higher than any before", async () => {
    await house.publish();
    const { certificate, serialNumber } = await house.enrol("pump-1");
    await app.artifacts.put(keyOfUrl(pointerOf(certificate)), {
      body: Buffer.from("not a list"),
      contentType: "text/plain",
    });
    await revoke(app, ask(serialNumber));
    await house.publish();
    expect((await listOf(certificate)).number).toBe(2);
    expect(house.log).toContainEqual(expect.objectContaining({ event: "crl_damaged" }));
  });

  it("RFC 5280 §5.2.3: has a higher number than the one there, though the store forgot about that one", async () => {
    await house.publish();
    const { certificate, serialNumber } = await house.enrol("pump-1");
    for (let at = 0; at < 5; at += 1) {
      house.clock.advance(4 * day);
      await publishRevocations(app);
    }
    const before = await listOf(certificate);
    const { crlShard = "" } = await house.record(serialNumber);
    const key = crlKey({ fleet, authorityId: "issuing-1", crlShard });
    await app.items.transact([{ delete: key, when: "present" }]);
    await revoke(app, ask(serialNumber));
    await publishRevocations(app);
    const after = await listOf(certificate);
    expect(after.number).toBe((before.number ?? 0) + 1);
    expect(serialsOf(after)).toEqual([serialNumber]);
  });
});
