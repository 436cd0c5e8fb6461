/** Room: test. Inventory uploads: each row stands alone, and repeating an upload changes nothing. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { getDevice } from "../../core/enrollment/device.ts";
import { registerDevices } from "../../core/enrollment/devices.ts";
import type { DeviceRegistration, Registrar } from "../../core/enrollment/registration.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { AppError } from "../../core/errors.ts";
import type { App } from "../../core/ports.ts";
import { countingStore } from "../support/counting-store.ts";
import { codeOf } from "../support/errors.ts";
import { faultyStore } from "../support/faulty-store.ts";
import { addFleet, type FleetApp, testFleet as fleet } from "../support/fleet-app.ts";
import { actor, openConfiguredFleet, suspendFleet } from "./fixtures/configured-fleet.ts";
import { makeMaker } from "./fixtures/maker.ts";

let opened: FleetApp;
let app: App;
let registrar: Registrar;
beforeAll(async () => {
  const trust = { id: "acme", certificate: makeMaker().anchor, identifier: "serialNumber" } as const;
  opened = await openConfiguredFleet({ accepts: ["key"], manufacturers: [trust] });
  app = opened.app;
  registrar = { fleet: await getFleet(app, fleet), actor };
});
afterAll(() => opened.close());

const keyHash = (index: number) => index.toString(16).padStart(64, "0");
const rows = (prefix: string, count: number, firstKey: number): DeviceRegistration[] =>
  Array.from({ length: count }, (_, index) => ({
    deviceId: `${prefix}-${index}`,
    publicKeySha256: keyHash(firstKey + index),
    manufacturer: { id: "acme", serialNumber: `${prefix}/${index}` },
  }));
const upload = (devices: readonly DeviceRegistration[], by: Registrar = registrar) =>
  registerDevices(app, by, devices);
const codes = async (devices: readonly DeviceRegistration[], by?: Registrar) =>
  (await upload(devices, by)).refused.map(({ row, code }) => ({ row, code }));

describe("an upload", () => {
  it("of 500 rows is registered, and the same again is unchanged", async () => {
    const devices = rows("a", 500, 1_000);
    expect(await upload(devices)).toEqual({ registered: 500, unchanged: 0, refused: [] });
    expect(await upload(devices)).toEqual({ registered: 0, unchanged: 500, refused: [] });
    expect(await getDevice(app, fleet, "a-499")).toMatchObject({ deviceId: "a-499", state: "registered" });
  });

  it("costs a transaction for each 30 rows of three items, one for the audit, and not one read", async () => {
    const items = countingStore(app.items);
    await registerDevices({ ...app, items }, registrar, rows("b", 300, 2_000));
    expect(items.calls).toEqual({ reads: 0, transactions: 11 });
  });

  it("that was cut off in the middle is finished by repeating it", async () => {
    let left = 4;
    const items = faultyStore(app.items, () => {
      left -= 1;
      return left < 0 ? "unavailable" : "none";
    });
    const devices = rows("c", 300, 3_000);
    expect(await codeOf(registerDevices({ ...app, items }, registrar, devices))).toBe("store_unavailable");
    const { registered, unchanged, refused } = await upload(devices);
    expect({ sum: registered + unchanged, refused }).toEqual({ sum: 300, refused: [] });
    expect(unchanged).toBe(90);
  });

  it("adds to what is there: a key for a device that has a token already", async () => {
    await createEnrollmentToken(app, { fleet, actor, deviceId: "d-0" });
    expect(await upload(rows("d", 1, 4_000))).toMatchObject({ registered: 1 });
  });

  it("twenty of the same at once register each row once", async () => {
    const devices = rows("e", 40, 5_000);
    const results = await Promise.all(Array.from({ length: 20 }, () => upload(devices)));
    expect(results.flatMap(({ refused }) => refused)).toEqual([]);
    const sum = (of: "registered" | "unchanged") => results.reduce((total, each) => total + each[of], 0);
    expect(sum("registered")).toBe(40);
    expect(sum("unchanged")).toBe(760);
  });

  it("may name a row twice: the second is unchanged", async () => {
    const [row] = rows("f", 1, 6_000);
    const devices = row ? [row, row, row] : [];
    expect(await upload(devices)).toEqual({ registered: 1, unchanged: 2, refused: [] });
  });

  it("is recorded for the audit with who made it, once", async () => {
    const store = faultyStore(app.items, () => "none");
    await registerDevices({ ...app, items: store }, registrar, rows("g", 100, 7_000));
    const acts = store.kept.filter(({ pk }) => pk.startsWith("AUDIT#"));
    expect(acts.map(({ attributes }) => attributes)).toMatchObject([{ action: "devices.registered", actor }]);
  });
});

describe("a row is refused by its index, and the others are stored", () => {
  it("what is another's: a key, a maker's number, an id in other letters", async () => {
    await upload(rows("h", 3, 8_000));
    const devices: DeviceRegistration[] = [
      { deviceId: "i-0", publicKeySha256: keyHash(8_000) },
      { deviceId: "i-1" },
      { deviceId: "i-2", manufacturer: { id: "acme", serialNumber: "h/1" } },
      { deviceId: "H-2" },
    ];
    expect(await codes(devices)).toEqual([
      { row: 0, code: "already_exists" },
      { row: 2, code: "already_exists" },
      { row: 3, code: "already_exists" },
    ]);
    await expect(getDevice(app, fleet, "i-1")).resolves.toMatchObject({ state: "registered" });
    // A row is stored whole or not at all.
    expect(await codeOf(getDevice(app, fleet, "i-0"))).toBe("not_found");
  });

  it.each<{ name: string; row: DeviceRegistration; code: string }>([
    { name: "an email address", row: { deviceId: "jane@example.test" }, code: "name_not_permitted" },
    { name: "an empty id", row: { deviceId: "" }, code: "name_not_permitted" },
    {
      name: "a server's profile",
      row: { deviceId: "j-1", profile: "server" },
      code: "profile_not_permitted",
    },
    { name: "quarantine", row: { deviceId: "j-1", profile: "quarantine" }, code: "profile_not_permitted" },
    {
      name: "a hash in upper case",
      row: { deviceId: "j-1", publicKeySha256: "A".repeat(64) },
      code: "request_invalid",
    },
    {
      name: "a maker that the fleet does not trust",
      row: { deviceId: "j-1", manufacturer: { id: "nobody", serialNumber: "1" } },
      code: "request_invalid",
    },
    {
      name: "a maker's number that is no text",
      row: { deviceId: "j-1", manufacturer: { id: "acme", serialNumber: "\u0000" } },
      code: "request_invalid",
    },
  ])("$name: $code", async ({ row, code }) => {
    expect(await codes([row])).toEqual([{ row: 0, code }]);
  });

  it("a pipeline's that asks for a profile which the fleet does not let it use", async () => {
    const pipeline = { ...registrar, actor: "pipeline:ci", permittedProfiles: ["server"] } as const;
    expect(await codes([{ deviceId: "k-1" }], pipeline)).toEqual([{ row: 0, code: "profile_not_permitted" }]);
  });

  it("a device whose id begins with none of the fleet's prefixes", async () => {
    const own = await openConfiguredFleet({ deviceIdPrefixes: ["pump-", "bed-"] });
    const by = { fleet: await getFleet(own.app, fleet), actor };
    const devices = [{ deviceId: "pump-1" }, { deviceId: "lamp-1" }, { deviceId: "bed-1" }];
    const result = await registerDevices(own.app, by, devices);
    expect(result).toMatchObject({ registered: 2, refused: [{ row: 1, code: "name_not_permitted" }] });
    expect(await codeOf(createEnrollmentToken(own.app, { fleet, actor, deviceId: "lamp-1" }))).toBe(
      "name_not_permitted",
    );
    await own.close();
  });
});

describe("an upload is refused whole", () => {
  it.each([0, 501])("of %i rows", async (count) => {
    expect(await codeOf(upload(rows("l", count, 9_000)))).toBe("request_invalid");
  });

  it("while the fleet is suspended", async () => {
    const own = await openConfiguredFleet({});
    await suspendFleet(own.app);
    const by = { fleet: await getFleet(own.app, fleet), actor };
    expect(await codeOf(registerDevices(own.app, by, [{ deviceId: "pump-1" }]))).toBe("fleet_suspended");
    await own.close();
  });

  it("when the store fails for another reason than a row's", async () => {
    const failing = {
      ...app.items,
      get: app.items.get.bind(app.items),
      query: app.items.query.bind(app.items),
      transact: () => Promise.reject(new AppError("store_limit_exceeded", "too large")),
    };
    const by = registerDevices({ ...app, items: failing }, registrar, rows("m", 2, 9_500));
    expect(await codeOf(by)).toBe("store_limit_exceeded");
  });
});

describe("two fleets", () => {
  it("may register the same ids and the same keys: neither sees the other's", async () => {
    await addFleet(app, "clinic");
    const theirs = { fleet: await getFleet(app, "clinic"), actor };
    const devices = [{ deviceId: "n-1", publicKeySha256: keyHash(9_900) }];
    expect(await upload(devices)).toMatchObject({ registered: 1 });
    expect(await codeOf(getDevice(app, "clinic", "n-1"))).toBe("not_found");
    expect(await upload(devices, theirs)).toMatchObject({ registered: 1 });
  });
});
