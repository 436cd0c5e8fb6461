/** Room: test. Certificates of backends: the first by whoever may, each later one by the backend itself. */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backendItself } from "../../core/access/backend.ts";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { getFleet } from "../../core/authority/issuer.ts";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { certifyDeployedBackend, renewBackend } from "../../core/enrollment/backend-certificate.ts";
import { type ErrorCode, isAppError } from "../../core/errors.ts";
import type { App } from "../../core/ports.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { seededRandom } from "../formats/seeded-random.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { faultyKeys } from "../support/faulty-keys.ts";
import { faultyStore } from "../support/faulty-store.ts";
import { type FleetApp, type FleetPorts, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";
import { patientClock } from "../support/patient-clock.ts";
import { configure, suspendFleet } from "./fixtures/configured-fleet.ts";

let opened: FleetApp;
let app: FleetPorts;
beforeAll(async () => {
  opened = await openFleetApp();
  app = opened.app;
});
afterAll(() => opened.close());

const newCsr = (commonName?: string): Buffer =>
  deviceCsr(deviceKey(), commonName === undefined ? {} : { commonName });

const certifier = async (actor: string, on: App) => ({ actor, fleetState: await getFleet(on, fleet) });

const certify = async (backendId: string, csr: Buffer = newCsr(), on: App = app, by = "system") =>
  certifyDeployedBackend(on, { certifier: await certifier(by, on), backendId, csr });

async function backend(certificate: string, on: App = app) {
  const identity = await authenticateClientCertificate(on, { certificate });
  const { kind } = identity;
  if (kind !== "backend") expect.fail(`a certificate of a ${kind}`);
  return backendItself({ ...identity, kind });
}

const renew = async (certificate: string, backendId: string, csr: Buffer = newCsr(), on: App = app) =>
  renewBackend(on, await backend(certificate, on), { backendId, csr });

const day = 86_400_000;
const daysOf = ({ notBefore, notAfter }: { readonly notBefore: string; readonly notAfter: string }): number =>
  Math.round((Date.parse(notAfter) - Date.parse(notBefore)) / day);

async function audited(backendId: string): Promise<readonly unknown[]> {
  const today = new Date(app.clock.now()).toISOString().slice(0, 10);
  const pages = await Promise.all(
    [..."0123456789abcdef"].map((digit) =>
      app.items.query({ pk: `AUDIT#${fleet}#${today}#${digit}`, limit: 1_000 }),
    ),
  );
  const entries = pages.flatMap(({ items }) => items.map(({ attributes }) => attributes));
  return entries
    .filter(({ action, subject }) => action === "backend.certified" && subject === backendId)
    .sort((a, b) => String(a["time"]).localeCompare(String(b["time"])))
    .map(({ actor }) => actor);
}

describe("a backend's first certificate", () => {
  it("SPIFFE X.509-SVID §2: names the backend in one URI, and is for clients alone", async () => {
    const issued = await certify("observations-store");
    const certificate = new X509Certificate(issued.certificate);
    expect(certificate.subject).toBe("CN=observations-store");
    expect(certificate.subjectAltName).toBe(
      "URI:spiffe://example.test/fleet/default/backend/observations-store",
    );
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(certificate.ca).toBe(false);
    expect(daysOf(issued)).toBe(30);
  });

  it("of a fleet that says so is good for 90 days", async () => {
    await configure(app, { validityDays: { backend: 90 } });
    expect(daysOf(await certify("long-lived"))).toBe(90);
    await configure(app, { validityDays: {} });
  });

  it("is the same for the same request, whoever repeats it, and stands in the audit log once", async () => {
    const csr = newCsr();
    const first = await certify("repeated", csr);
    expect(await certify("repeated", csr, app, "operator:operator-2")).toEqual(first);
    expect(await audited("repeated")).toEqual(["system"]);
  });

  it("of one key and two backends is two certificates", async () => {
    const csr = newCsr();
    const [one, other] = [await certify("one", csr), await certify("other", csr)];
    expect(one.serialNumber).not.toBe(other.serialNumber);
  });

  it("of 20 calls with one CSR at once is one certificate", async () => {
    const csr = newCsr();
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => certify("burst", csr)));
    const serials = answers.flatMap((each) => (each.status === "fulfilled" ? [each.value.serialNumber] : []));
    expect(new Set(serials).size).toBe(1);
    for (const each of answers)
      if (each.status === "rejected") expect(each.reason).toMatchObject({ code: "issuance_in_progress" });
    const { certificates } = await listCertificates(app, { fleet, limit: 100 });
    expect(certificates.filter(({ subjectId }) => subjectId === "burst")).toHaveLength(1);
  });

  it.each([
    {
      name: "a CSR of another name",
      id: "store-1",
      csr: () => newCsr("store-2"),
      code: "csr_subject_mismatch",
    },
    { name: "a name like a person's address", id: "jane.doe@example.test", code: "name_not_permitted" },
    { name: "a name with a path in it", id: "store/../operator", code: "name_not_permitted" },
    { name: "no name", id: "", code: "name_not_permitted" },
    { name: "a name of 65 characters", id: "a".repeat(65), code: "name_not_permitted" },
    { name: "octets that are no CSR", id: "store-1", csr: () => Buffer.from("MII"), code: "csr_malformed" },
  ])("$name: $code", async ({ id, csr = () => newCsr(), code }) => {
    expect(await codeOf(certify(id, csr()))).toBe(code);
  });
});

describe("renewal by the backend itself", () => {
  it("RFC 7030 §4.2.2: keeps the names, with a new key, and needs no entry of the configuration", async () => {
    const first = await certify("renewing");
    const second = await renew(first.certificate, "renewing");
    const [before, after] = [new X509Certificate(first.certificate), new X509Certificate(second.certificate)];
    expect(after.subjectAltName).toBe(before.subjectAltName);
    expect(after.serialNumber).not.toBe(before.serialNumber);
    await expect(backend(second.certificate)).resolves.toMatchObject({ subjectId: "renewing" });
    expect([...(await audited("renewing"))].sort()).toEqual(["backend:renewing", "system"]);
  });

  it("is the same for the same request", async () => {
    const { certificate } = await certify("again");
    const csr = newCsr();
    expect(await renew(certificate, "again", csr)).toEqual(await renew(certificate, "again", csr));
  });

  it("asks for a new key: key_reused", async () => {
    const key = deviceKey();
    const { certificate } = await certify("one-key", deviceCsr(key));
    expect(await codeOf(renew(certificate, "one-key", deviceCsr(key)))).toBe("key_reused");
  });

  it("is for itself: another backend's path, its own in other letters too, is access_denied", async () => {
    const { certificate } = await certify("itself");
    for (const other of ["renewing", "Itself"])
      expect(await codeOf(renew(certificate, other))).toBe("access_denied");
  });

  it("has at most 8 successors, of 12 requests at once too", async () => {
    const { certificate } = await certify("spent");
    const answers = await Promise.allSettled(Array.from({ length: 12 }, () => renew(certificate, "spent")));
    const issued = answers.filter(({ status }) => status === "fulfilled");
    expect(issued).toHaveLength(8);
    expect(await codeOf(renew(certificate, "spent"))).toBe("credential_spent");
  });

  it("ends with a revocation, also one that comes after the door", async () => {
    const { certificate, serialNumber } = await certify("revoked");
    const caller = await backend(certificate);
    await revoke(app, { fleet, serialNumber, actor: "operator:x", reason: "keyCompromise" });
    const request = { backendId: "revoked", csr: newCsr() };
    expect(await codeOf(renewBackend(app, caller, request))).toBe("client_certificate_revoked");
    expect(await codeOf(renew(certificate, "revoked"))).toBe("client_certificate_revoked");
  });

  it("ends with the certificate's own end", async () => {
    const house = await openFleetApp();
    const { certificate } = await certify("late", newCsr(), house.app);
    house.clock.advance(31 * day);
    expect(await codeOf(renew(certificate, "late", newCsr(), house.app))).toBe("client_certificate_expired");
    await house.close();
  });
});

it("a suspended fleet certifies no backend, neither anew nor again", async () => {
  const house = await openFleetApp();
  const { certificate } = await certify("store", newCsr(), house.app);
  await suspendFleet(house.app);
  expect(await codeOf(certify("store", newCsr(), house.app))).toBe("fleet_suspended");
  expect(await codeOf(renew(certificate, "store", newCsr(), house.app))).toBe("fleet_suspended");
  await house.close();
});

const worthRetry: readonly ErrorCode[] = [
  "store_unavailable",
  "key_service_unavailable",
  "issuance_in_progress",
];
const seed = 20_261_125;

describe(`a store and a key service that fail at every fourth call, seed ${seed}`, () => {
  it("20 backends have one certificate each and one renewal each, whatever was lost on the way", async () => {
    const house = await openFleetApp();
    const random = seededRandom(seed);
    const clock = patientClock(house.clock.now());
    const faulty: App = {
      ...house.app,
      clock,
      items: faultyStore(house.app.items, () =>
        random.pick(["none", "none", "none", "none", "unavailable", "committedThenUnavailable"]),
      ),
      keys: faultyKeys(house.app.keys, () =>
        random.pick(["none", "none", "none", "unavailable", "signedThenUnavailable"]),
      ),
    };
    async function persist<T>(work: () => Promise<T>): Promise<T> {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await work();
        } catch (error) {
          if (!isAppError(error) || !worthRetry.includes(error.code) || attempt === 100) throw error;
          await clock.sleep(200);
        }
      }
    }
    async function live(backendId: string): Promise<void> {
      const [csr, next] = [newCsr(), newCsr()];
      const { certificate } = await persist(() => certify(backendId, csr, faulty));
      await persist(() => renew(certificate, backendId, next, faulty));
    }
    const names = Array.from({ length: 20 }, (_, index) => `store-${index}`);
    await Promise.all(names.map((backendId) => clock.run(() => live(backendId))));
    const { certificates } = await listCertificates(house.app, { fleet, limit: 100 });
    for (const backendId of names)
      expect(certificates.filter(({ subjectId }) => subjectId === backendId)).toHaveLength(2);
    await house.close();
  }, 60_000);
});
