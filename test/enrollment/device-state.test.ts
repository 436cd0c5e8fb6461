/** Room: test. How a device stands, who says so, and that it counts in the very transaction of an issuance. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { getDevice, setDeviceState } from "../../core/enrollment/device.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { isAppError } from "../../core/errors.ts";
import type { ItemStore } from "../../core/ports.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { faultyKeys } from "../support/faulty-keys.ts";
import { faultyStore } from "../support/faulty-store.ts";
import { addFleet, type FleetApp, type FleetPorts, testFleet as fleet } from "../support/fleet-app.ts";
import {
  actor,
  configure,
  openConfiguredFleet,
  register,
  suspendFleet,
} from "./fixtures/configured-fleet.ts";

let opened: FleetApp;
let app: FleetPorts;
beforeAll(async () => {
  opened = await openConfiguredFleet({ accepts: ["token"] });
  app = opened.app;
});
afterAll(() => opened.close());

let devices = 0;
const newId = () => {
  devices += 1;
  return `pump-${devices}`;
};

const tokenOf = async (deviceId: string, own = app) =>
  (await createEnrollmentToken(own, { fleet, actor, deviceId })).token;

async function deviceOf(deviceId: string, own = app) {
  return enroll(own, { fleet, token: await tokenOf(deviceId, own), csr: deviceCsr(deviceKey()) });
}

const set = (deviceId: string, state: "active" | "suspended" | "retired", own = app) =>
  setDeviceState(own, { fleet, deviceId, state, actor });

const stateOf = async (deviceId: string) => (await getDevice(app, fleet, deviceId)).state;

async function renewalOf(certificate: string, own = app) {
  const client = await authenticateClientCertificate(own, { certificate });
  return renew(own, { fleet, client, csr: deviceCsr(deviceKey()) });
}

describe("a device", () => {
  it("is registered, then active with its last certificate, then what an operator says", async () => {
    const deviceId = newId();
    await register(app, [deviceId]);
    expect(await getDevice(app, fleet, deviceId)).toEqual({
      deviceId,
      state: "registered",
      registeredAt: expect.stringMatching(/Z$/),
    });
    const { serialNumber, notAfter, renewAfter } = await deviceOf(deviceId);
    const current = { currentCertificate: { serialNumber, notAfter, renewAfter } };
    expect(await getDevice(app, fleet, deviceId)).toMatchObject({ state: "active", ...current });
    const held = { ...current, stateSince: expect.stringMatching(/Z$/) };
    expect(await set(deviceId, "suspended")).toMatchObject({ state: "suspended", ...held });
    expect(await set(deviceId, "active")).not.toHaveProperty("stateSince");
    expect(await set(deviceId, "retired")).toMatchObject({ state: "retired", ...held });
  });

  it("shows no certificate that was revoked", async () => {
    const deviceId = newId();
    const { serialNumber } = await deviceOf(deviceId);
    await revoke(app, { fleet, serialNumber, actor, reason: "superseded" });
    expect(await getDevice(app, fleet, deviceId)).not.toHaveProperty("currentCertificate");
  });

  it("is found in any spelling, and shown in its own", async () => {
    await register(app, ["Pump-Spelled"]);
    expect(await getDevice(app, fleet, "PUMP-spelled")).toMatchObject({ deviceId: "Pump-Spelled" });
    expect(await set("pump-spelled", "suspended")).toMatchObject({ deviceId: "Pump-Spelled" });
  });

  it("is retired for good", async () => {
    const deviceId = newId();
    await register(app, [deviceId]);
    await set(deviceId, "retired");
    for (const state of ["active", "suspended"] as const)
      expect(await codeOf(set(deviceId, state))).toBe("device_not_active");
    expect(await stateOf(deviceId)).toBe("retired");
    expect(await codeOf(tokenOf(deviceId))).toBe("device_not_active");
  });

  it("is not found where it is not known, in this fleet or in another", async () => {
    await addFleet(app, "clinic");
    const deviceId = newId();
    await register(app, [deviceId]);
    expect(await codeOf(getDevice(app, "clinic", deviceId))).toBe("not_found");
    expect(await codeOf(setDeviceState(app, { fleet: "clinic", deviceId, state: "retired", actor }))).toBe(
      "not_found",
    );
    expect(await codeOf(set("pump-nowhere", "suspended"))).toBe("not_found");
    expect(await stateOf(deviceId)).toBe("registered");
  });

  it("each change is recorded with who made it, and a repetition is no change", async () => {
    const deviceId = newId();
    await register(app, [deviceId]);
    const items = faultyStore(app.items, () => "none");
    const own = { ...app, items };
    for (const state of ["suspended", "suspended", "active", "active"] as const)
      await set(deviceId, state, own);
    const acts = items.kept.filter(({ pk }) => pk.startsWith("AUDIT#")).map(({ attributes }) => attributes);
    expect(acts).toMatchObject([
      { action: "device.state-changed", actor, subject: deviceId, reason: "suspended" },
      { action: "device.state-changed", actor, subject: deviceId, reason: "active" },
    ]);
  });

  it("of many changes at once each is told what came of it, and retired stays", async () => {
    const deviceId = newId();
    await register(app, [deviceId]);
    const changes = ["suspended", "active", "retired", "active", "suspended"] as const;
    const outcomes = await Promise.all(
      changes.map((state) =>
        set(deviceId, state).then(
          () => "changed",
          (error: unknown) => (isAppError(error) ? error.code : String(error)),
        ),
      ),
    );
    for (const outcome of outcomes) expect(["changed", "device_not_active"]).toContain(outcome);
    expect(await stateOf(deviceId)).toBe("retired");
  });
});

describe("a held device", () => {
  it.each(["suspended", "retired"] as const)("that is %s neither enrols nor renews", async (state) => {
    const deviceId = newId();
    const { certificate } = await deviceOf(deviceId);
    const token = await tokenOf(deviceId);
    await set(deviceId, state);
    const keys = faultyKeys(app.keys);
    const own = { ...app, keys };
    const request = { fleet, token, csr: deviceCsr(deviceKey()) };
    expect(await codeOf(enroll(own, request))).toBe("device_not_active");
    expect(await codeOf(renewalOf(certificate, own))).toBe("device_not_active");
    expect(keys.signatures).toBe(0);
  });

  it("finds its token unspent and its certificate as it was, once it is released", async () => {
    const deviceId = newId();
    const { certificate } = await deviceOf(deviceId);
    const request = { fleet, token: await tokenOf(deviceId), csr: deviceCsr(deviceKey()) };
    await set(deviceId, "suspended");
    expect(await codeOf(enroll(app, request))).toBe("device_not_active");
    await set(deviceId, "active");
    await expect(enroll(app, request)).resolves.toHaveProperty("certificate");
    await expect(renewalOf(certificate)).resolves.toHaveProperty("certificate");
  });

  /** A store that runs `act` before the first transaction that puts an intent. */
  function interrupted(items: ItemStore, act: () => Promise<unknown>): ItemStore {
    let done = false;
    return {
      get: (key) => items.get(key),
      query: (query) => items.query(query),
      async transact(operations) {
        const [first] = operations;
        const isIntent = first !== undefined && "put" in first && first.put.pk.startsWith("CERTIFICATE#");
        if (isIntent && !done) {
          done = true;
          await act();
        }
        return items.transact(operations);
      },
    };
  }

  it("that is suspended between the judgement and the transaction gets nothing", async () => {
    const deviceId = newId();
    const { certificate } = await deviceOf(deviceId);
    const token = await tokenOf(deviceId);
    const suspending = () => ({ ...app, items: interrupted(app.items, () => set(deviceId, "suspended")) });
    const request = { fleet, token, csr: deviceCsr(deviceKey()) };
    expect(await codeOf(enroll(suspending(), request))).toBe("device_not_active");
    await set(deviceId, "active");
    expect(await codeOf(renewalOf(certificate, suspending()))).toBe("device_not_active");
    await set(deviceId, "active");
    await expect(enroll(app, request)).resolves.toHaveProperty("certificate");
  });

  it("suspended while twenty enrolments run: what is issued was before, and nothing is after", async () => {
    const deviceId = newId();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => tokenOf(deviceId)));
    const csr = deviceCsr(deviceKey());
    const running = tokens.map((token, index) => {
      const act = index === 7 ? () => set(deviceId, "suspended") : async () => undefined;
      return enroll({ ...app, items: interrupted(app.items, act) }, { fleet, token, csr }).then(
        () => "issued",
        (error: unknown) => (isAppError(error) ? error.code : String(error)),
      );
    });
    const outcomes = await Promise.all(running);
    expect(outcomes.filter((outcome) => outcome === "issued").length).toBeLessThan(20);
    expect(new Set(outcomes).has("device_not_active")).toBe(true);
    const again = { fleet, token: await tokenOf(deviceId), csr };
    expect(await codeOf(enroll(app, again))).toBe("device_not_active");
  });
});

describe("cert-manager/aws-privateca-issuer #479: the limit of an hour", () => {
  it("with three certificates an hour the fourth waits for the next, and the next hour serves it", async () => {
    const own = await openConfiguredFleet({ accepts: ["token"], issuancesPerHour: 3 });
    const hour = 3_600_000;
    own.clock.advance(hour - (own.clock.now() % hour) + 60_000);
    const { certificate } = await deviceOf("pump-1", own.app);
    await deviceOf("pump-1", own.app);
    await renewalOf(certificate, own.app);
    const request = { fleet, token: await tokenOf("pump-1", own.app), csr: deviceCsr(deviceKey()) };
    for (const attempt of [() => enroll(own.app, request), () => renewalOf(certificate, own.app)]) {
      const error: unknown = await attempt().then(
        () => "no failure",
        (failure: unknown) => failure,
      );
      if (!isAppError(error, "rate_limited")) expect.fail(String(error));
      expect(error.retryAfter).toBeGreaterThan(3_300);
      expect(error.retryAfter).toBeLessThanOrEqual(3_540);
    }
    // Another device has places of its own.
    await expect(deviceOf("pump-2", own.app)).resolves.toHaveProperty("certificate");
    own.clock.advance(hour);
    await expect(enroll(own.app, request)).resolves.toHaveProperty("certificate");
    await own.close();
  });

  it("of fifty at once exactly three are served", async () => {
    const own = await openConfiguredFleet({ accepts: ["token"], issuancesPerHour: 3 });
    const hour = 3_600_000;
    own.clock.advance(hour - (own.clock.now() % hour) + 60_000);
    const tokens = await Promise.all(Array.from({ length: 50 }, () => tokenOf("pump-1", own.app)));
    const outcomes = await Promise.all(
      tokens.map((token) =>
        enroll(own.app, { fleet, token, csr: deviceCsr(deviceKey()) }).then(
          () => "issued",
          (error: unknown) => (isAppError(error) ? error.code : String(error)),
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === "issued")).toHaveLength(3);
    expect(new Set(outcomes)).toEqual(new Set(["issued", "rate_limited"]));
    await own.close();
  });
});

describe("which credential counts", () => {
  it("with nothing presented, and nothing accepted that needs nothing: credential_missing", async () => {
    expect(await codeOf(enroll(app, { fleet, csr: deviceCsr(deviceKey()) }))).toBe("credential_missing");
  });

  it("a token counts before a client certificate, and no other is tried after it", async () => {
    const own = await openConfiguredFleet({ accepts: ["token", "manual"] });
    const token = await tokenOf("pump-1", own.app);
    const csr = deviceCsr(deviceKey(), { commonName: "pump-1" });
    const request = { fleet, csr, certificate: "rubbish" };
    expect(await codeOf(enroll(own.app, { ...request, token: "A".repeat(43) }))).toBe("credential_invalid");
    await expect(enroll(own.app, { ...request, token })).resolves.toHaveProperty("certificate");
    await own.close();
  });

  it("a token is refused by a fleet that accepts none any more, and the others are told what it accepts", async () => {
    const own = await openConfiguredFleet({ accepts: ["token"] });
    const token = await tokenOf("pump-1", own.app);
    await configure(own.app, { accepts: ["key"] });
    const request = { fleet, token, csr: deviceCsr(deviceKey()) };
    expect(await codeOf(enroll(own.app, request))).toBe("credential_not_accepted");
    await own.close();
  });

  it("a device's or an operator's certificate enrols nothing", async () => {
    const { certificate } = await deviceOf(newId());
    expect(await codeOf(enroll(app, { fleet, certificate, csr: deviceCsr(deviceKey()) }))).toBe(
      "credential_invalid",
    );
  });

  it("none while the fleet is suspended, not even for an answer of before", async () => {
    const own = await openConfiguredFleet({ accepts: ["token"] });
    const request = { fleet, token: await tokenOf("pump-1", own.app), csr: deviceCsr(deviceKey()) };
    await enroll(own.app, request);
    const fresh = { ...request, token: await tokenOf("pump-2", own.app) };
    await suspendFleet(own.app);
    expect(await codeOf(enroll(own.app, request))).toBe("fleet_suspended");
    expect(await codeOf(enroll(own.app, fresh))).toBe("fleet_suspended");
    await own.close();
  });

  it("a validity that the fleet shortened is the certificate's, and a renewal's", async () => {
    const own = await openConfiguredFleet({ accepts: ["token"], validityDays: { device: 10 } });
    const day = 86_400_000;
    const { certificate, notBefore, notAfter } = await deviceOf("pump-1", own.app);
    expect(Date.parse(notAfter) - Date.parse(notBefore)).toBe(10 * day - 1_000);
    const renewed = await renewalOf(certificate, own.app);
    expect(Date.parse(renewed.notAfter) - Date.parse(renewed.notBefore)).toBe(10 * day - 1_000);
    await own.close();
  });
});
