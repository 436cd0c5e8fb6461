/** Room: test. New material for a wrapping key: two people ask, the task does it once, and the limit is watched. */
import { afterEach, describe, expect, it } from "vitest";
import { type ApprovedOperation, redeemApproval } from "../../core/access/approval.ts";
import { createApproval } from "../../core/access/approval-request.ts";
import { operationDigest } from "../../core/access/operation.ts";
import { AppError } from "../../core/errors.ts";
import { approvalItem, approvalKey, approvalRecord } from "../../core/records/approval-record.ts";
import { dataKeyWish, dataKeyWishKey } from "../../core/records/data-key-wish-record.ts";
import { operatorItem } from "../../core/records/operator-record.ts";
import { rotateDataKey } from "../../core/rotation/data-keys.ts";
import { rotate } from "../../core/rotation/rotate.ts";
import type { CriticalOperationId } from "../../core/standard/access.ts";
import { callerOf } from "../revocation/bulk-fleet.ts";
import { codeOf } from "../support/errors.ts";
import { fleet, hour, openRotatingFleet, type RotatingFleet } from "./rotating-fleet.ts";

let world: RotatingFleet;
afterEach(() => world.close());

async function open(names: readonly string[] = ["clinic-data"]): Promise<RotatingFleet> {
  world = await openRotatingFleet(names);
  for (const operatorId of ["owner-1", "owner-2"]) {
    const record = {
      fleet,
      operatorId,
      roles: ["owner"],
      state: "active",
      origin: "invitation",
      passkeys: [`passkey-of-${operatorId}`],
      createdAt: 0,
    } as const;
    await world.app.items.transact([{ put: operatorItem(record), when: "absent" }]);
  }
  await world.rotate();
  return world;
}

const caller = () => callerOf(world.app, "owner-1", fleet);

/** Both owners have said yes; how they prove it is tested elsewhere. */
async function approved(name: string, critical: CriticalOperationId): Promise<ApprovedOperation> {
  const { app } = world;
  const who = await caller();
  const operation = { operation: "rotateDataKey", parameters: { name }, body: {} };
  const { approvalId } = await createApproval(app, who, { ...operation, critical, roles: ["owner"] });
  const { value, version } = approvalRecord((await app.items.get(approvalKey(fleet, approvalId)))!);
  const now = app.clock.now();
  const proof = { by: "oidc", issuer: "https://idp.example.test", tokenSha256: "00" } as const;
  const assertions = ["owner-1", "owner-2"].map((operatorId) => ({
    operatorId,
    since: now,
    takenAt: now,
    proof,
  }));
  await app.items.transact([{ put: approvalItem({ ...value, assertions }), when: version }]);
  const digest = operationDigest({ fleet, ...operation });
  return redeemApproval(app, { caller: who, critical, approvalId, operationDigest: digest });
}

async function ask(name: string, critical: CriticalOperationId = "authorityRotation") {
  const approval = await approved(name, critical);
  return rotateDataKey(world.app, { caller: await caller(), approval, name });
}

async function isWaiting(name: string): Promise<boolean> {
  const item = await world.app.items.get(dataKeyWishKey(name));
  return item !== undefined && dataKeyWish(item).value.endedAt === undefined;
}

describe("a wish", () => {
  it("wakes the task, which grants it once", async () => {
    await open();
    expect(await ask("clinic-data")).toMatchObject({
      name: "clinic-data",
      onDemandRotations: 0,
      onDemandLimit: 25,
    });
    expect(world.started).toContain("rotate");
    expect((await world.rotate()).rotated).toBe(1);
    expect(world.dataKeys.rotations).toEqual(["clinic-data"]);
    expect(await isWaiting("clinic-data")).toBe(false);
    expect((await world.rotate()).rotated).toBe(0);
  });

  it("that is repeated before it was granted is one rotation", async () => {
    await open();
    const [first] = [await ask("clinic-data")];
    world.clock.advance(60_000);
    expect(await ask("clinic-data")).toEqual(first);
    await world.rotate();
    await world.rotate();
    expect(world.dataKeys.rotations).toEqual(["clinic-data"]);
  });

  it("is granted by two runs at once, twice at most, and is gone afterwards", async () => {
    await open();
    await ask("clinic-data");
    await Promise.all([world.rotate(), world.rotate(), world.rotate()]);
    await world.rotate();
    expect(world.dataKeys.rotations.length).toBeLessThanOrEqual(2);
    expect(await isWaiting("clinic-data")).toBe(false);
  });

  it("waits for a service that is out of reach", async () => {
    await open();
    await ask("clinic-data");
    const dataKeys = {
      list: world.dataKeys.list,
      rotateNow: () => Promise.reject(new AppError("key_service_unavailable", "throttled")),
    };
    expect(await rotate({ ...world.app, dataKeys })).toMatchObject({ rotated: 0, failed: 1 });
    expect(await isWaiting("clinic-data")).toBe(true);
    expect((await world.rotate()).rotated).toBe(1);
  });

  it("that the service refuses for good is told, and waits no more", async () => {
    await open();
    await ask("clinic-data");
    world.dataKeys.keys = world.dataKeys.keys.map((key) => ({ ...key, onDemandRotations: 25 }));
    world.told();
    expect((await world.rotate()).rotated).toBe(0);
    expect(world.told()).toContain("data-key.not-rotated clinic-data");
    expect(await isWaiting("clinic-data")).toBe(false);
  });
});

describe("what is refused", () => {
  it("another operation's approval; a key of another fleet, an unknown one, one that is disabled, the 26th rotation", async () => {
    await open(["data", "clinic-data", "clinic-used-up", "clinic-off", "clinic-protection"]);
    world.dataKeys.keys = world.dataKeys.keys.map((key) => ({
      ...key,
      ...(key.name === "clinic-used-up" ? { onDemandRotations: 25 } : {}),
      ...(key.name === "clinic-off" ? { condition: "disabled" as const } : {}),
    }));
    world.clock.advance(hour);
    await world.rotate();
    expect(await codeOf(ask("clinic-data", "keyDestruction"))).toBe("approval_mismatch");
    // All fleets share this one, and its twenty-five.
    expect(await codeOf(ask("data"))).toBe("not_found");
    expect(await codeOf(ask("nothing"))).toBe("not_found");
    expect(await codeOf(ask("clinic-used-up"))).toBe("key_rotation_exhausted");
    expect(await codeOf(ask("clinic-off"))).toBe("key_disabled");
    expect(world.dataKeys.rotations).toEqual([]);
  });

  it("twenty-five rotations are granted; people are told from the twentieth on, and at the last it is critical", async () => {
    await open();
    for (let count = 1; count <= 25; count += 1) {
      await ask("clinic-data");
      await world.rotate();
      world.clock.advance(hour);
      await world.rotate();
    }
    expect(world.dataKeys.rotations).toHaveLength(25);
    const told = world.notices.filter(({ event }) => event === "rotation.inspect-rotation");
    expect(told.map(({ severity }) => severity)).toEqual(["warning", "critical"]);
    expect(await codeOf(ask("clinic-data"))).toBe("key_rotation_exhausted");
  });
});
