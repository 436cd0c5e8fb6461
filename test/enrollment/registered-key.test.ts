/** Room: test. Keys that were registered before: 100,000 of them, found one by one and without a scan. */
import { hash, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { registerDevices } from "../../core/enrollment/devices.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import type { App, ItemQuery } from "../../core/ports.ts";
import { countingStore } from "../support/counting-store.ts";
import { type DeviceKey, deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { faultyKeys } from "../support/faulty-keys.ts";
import { addFleet, type FleetApp, testFleet as fleet } from "../support/fleet-app.ts";
import { actor, configure, enrolled, openConfiguredFleet, register } from "./fixtures/configured-fleet.ts";

const keyHash = (key: DeviceKey): string => hash("sha256", key.spki);

describe("a registered key", () => {
  let opened: FleetApp;
  let app: App;
  beforeAll(async () => {
    opened = await openConfiguredFleet({ accepts: ["key"] });
    app = opened.app;
    await addFleet(app, "clinic");
    await configure(app, { accepts: ["key"] }, "clinic");
  });
  afterAll(() => opened.close());

  let devices = 0;
  async function newDevice() {
    devices += 1;
    const deviceId = `pump-${devices}`;
    const key = deviceKey();
    await register(app, [{ deviceId, publicKeySha256: keyHash(key) }]);
    return { deviceId, key };
  }

  it("enrols its device, which need not name itself", async () => {
    const { deviceId, key } = await newDevice();
    const { certificate } = await enrolled(app, { fleet, csr: deviceCsr(key) });
    expect(new X509Certificate(certificate).subject).toBe(`CN=${deviceId}`);
  });

  it("gets the same certificate for the same request, from a hundred at once, with one signature", async () => {
    const { key } = await newDevice();
    const keys = faultyKeys(app.keys);
    const csr = deviceCsr(key);
    const ask = () => enrolled({ ...app, keys }, { fleet, csr });
    const answers = await Promise.all(Array.from({ length: 100 }, ask));
    expect(new Set(answers.map(({ certificate }) => certificate)).size).toBe(1);
    expect(keys.signatures).toBe(1);
  });

  it("is used up: another request of the same key is refused", async () => {
    const { deviceId, key } = await newDevice();
    await enrolled(app, { fleet, csr: deviceCsr(key) });
    const another = { fleet, csr: deviceCsr(key, { commonName: deviceId }) };
    expect(await codeOf(enroll(app, another))).toBe("credential_spent");
  });

  it("stays used up when it is registered again", async () => {
    const { deviceId, key } = await newDevice();
    await enrolled(app, { fleet, csr: deviceCsr(key) });
    await register(app, [{ deviceId, publicKeySha256: keyHash(key) }]);
    const another = { fleet, csr: deviceCsr(key, { commonName: deviceId }) };
    expect(await codeOf(enroll(app, another))).toBe("credential_spent");
  });

  it.each([
    { name: "a key that nobody registered", expected: "device_unknown" },
    { name: "another device's name", expected: "csr_subject_mismatch" },
    { name: "another device's name beside the CSR", expected: "csr_subject_mismatch" },
    { name: "another fleet", expected: "device_unknown" },
    { name: "a forged signature", expected: "csr_signature_invalid" },
    { name: "another profile", expected: "profile_not_permitted" },
  ])("$name: $expected", async ({ name, expected }) => {
    const { key } = await newDevice();
    const csr = deviceCsr(key);
    const forged = { ...key, privateKey: deviceKey().privateKey };
    const requests: Readonly<Record<string, Parameters<typeof enroll>[1]>> = {
      "a key that nobody registered": { fleet, csr: deviceCsr(deviceKey()) },
      "another device's name": { fleet, csr: deviceCsr(key, { commonName: "pump-x" }) },
      "another device's name beside the CSR": { fleet, csr, deviceId: "pump-x" },
      "another fleet": { fleet: "clinic", csr },
      "a forged signature": { fleet, csr: deviceCsr(forged) },
      "another profile": { fleet, csr, profile: "operator" },
    };
    const request = requests[name] ?? expect.fail(`no request for ${name}`);
    expect(await codeOf(enroll(app, request))).toBe(expected);
    // Nothing was used up by it.
    await expect(enroll(app, { fleet, csr })).resolves.toHaveProperty("certificate");
  });
});

describe("100,000 registered keys", () => {
  it("are uploaded, and 200 of them at random enrol with two reads each, as one alone does", async () => {
    const count = 100_000;
    const opened = await openConfiguredFleet({ accepts: ["key"] });
    const queries: ItemQuery[] = [];
    const items = countingStore(opened.app.items);
    const app: App = {
      ...opened.app,
      items: {
        get: (key) => items.get(key),
        transact: (operations) => items.transact(operations),
        query: (query) => {
          queries.push(query);
          return items.query(query);
        },
      },
    };
    // 200 places at random hold real keys; to the store all rows are hashes that look alike.
    const keys = new Map<number, DeviceKey>();
    while (keys.size < 200) keys.set(Buffer.from(app.entropy.bytes(4)).readUInt32BE() % count, deviceKey());
    const rowOf = (index: number) => {
      const key = keys.get(index);
      const publicKeySha256 = key === undefined ? hash("sha256", `stranger ${index}`) : keyHash(key);
      return { deviceId: `pump-${index}`, publicKeySha256 };
    };
    const registrar = { fleet: await getFleet(app, fleet), actor };
    const started = performance.now();
    for (let start = 0; start < count; start += 500) {
      const rows = Array.from({ length: 500 }, (_, index) => rowOf(start + index));
      expect(await registerDevices(app, registrar, rows)).toEqual({
        registered: 500,
        unchanged: 0,
        refused: [],
      });
    }
    const uploaded = performance.now();
    queries.length = 0;
    for (const [index, key] of keys) {
      const before = items.calls;
      const answer = await enrolled(app, { fleet, csr: deviceCsr(key) });
      expect(new X509Certificate(answer.certificate).subject).toBe(`CN=pump-${index}`);
      const after = items.calls;
      expect({
        reads: after.reads - before.reads,
        transactions: after.transactions - before.transactions,
      }).toEqual({ reads: 2, transactions: 2 });
    }
    const done = performance.now();
    // The only query is the fleet's own partition: nothing walks over devices or keys.
    expect(new Set(queries.map(({ pk }) => pk))).toEqual(new Set([`FLEET#${fleet}`]));
    const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(1);
    process.stdout.write(
      `100,000 keys registered in ${seconds(started, uploaded)} s; 200 enrolments in ${seconds(uploaded, done)} s\n`,
    );
    await opened.close();
  }, 120_000);
});
