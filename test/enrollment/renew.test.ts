/** Room: test. Renewal with the present certificate, and who may not. */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { assertKeyPermitted, renew } from "../../core/enrollment/renew.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { verifyCsr } from "../../core/formats/certification-request.ts";
import type { ItemStore } from "../../core/ports.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { type DeviceKey, deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { type FleetApp, type FleetPorts, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

let opened: FleetApp;
let app: FleetPorts;
beforeAll(async () => {
  opened = await openFleetApp();
  app = opened.app;
});
afterAll(() => opened.close());

async function enrolled(deviceId: string, key: DeviceKey = deviceKey(), on: FleetPorts = app) {
  const { token } = await createEnrollmentToken(on, { fleet, actor: "operator:operator-1", deviceId });
  return enroll(on, { fleet, token, csr: deviceCsr(key) });
}

/** As a store over a network: each call takes a few milliseconds each way. */
function slowStore(items: ItemStore): ItemStore {
  const pause = () => app.clock.sleep(1 + Math.random() * 4);
  const slowly = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    await pause();
    return call().finally(pause);
  };
  return {
    get: (key) => slowly(() => items.get(key)),
    query: (query) => slowly(() => items.query(query)),
    transact: (operations) => slowly(() => items.transact(operations)),
  };
}

const door = (certificate: string, on: FleetPorts = app) =>
  authenticateClientCertificate(on, { certificate });

describe("a device with its certificate", () => {
  it("RFC 7030 §4.2.2: renews to the same names with a new key, and the old certificate stays good", async () => {
    const first = await enrolled("pump-1");
    const second = await renew(app, {
      fleet,
      client: await door(first.certificate),
      csr: deviceCsr(deviceKey()),
    });
    const [before, after] = [new X509Certificate(first.certificate), new X509Certificate(second.certificate)];
    expect(after.subject).toBe(before.subject);
    expect(after.subjectAltName).toBe(before.subjectAltName);
    expect(after.serialNumber).not.toBe(before.serialNumber);
    await expect(door(first.certificate)).resolves.toMatchObject({ kind: "device", subjectId: "pump-1" });
    await expect(door(second.certificate)).resolves.toMatchObject({ kind: "device", subjectId: "pump-1" });
  });

  it("gets one certificate from 200 parallel retries of one renewal", async () => {
    const client = await door((await enrolled("pump-2")).certificate);
    const csr = deviceCsr(deviceKey());
    const answers = await Promise.all(Array.from({ length: 200 }, () => renew(app, { fleet, client, csr })));
    expect(new Set(answers.map(({ certificate }) => certificate)).size).toBe(1);
  });

  it("renews 8 times on one certificate and no more, in parallel too, and every answer stays available", async () => {
    const first = await enrolled("pump-12");
    const client = await door(first.certificate);
    const requests = Array.from({ length: 20 }, () => deviceCsr(deviceKey()));
    const outcomes = await Promise.allSettled(requests.map((csr) => renew(app, { fleet, client, csr })));
    const answered = outcomes.flatMap((outcome) =>
      outcome.status === "fulfilled" ? [outcome.value.serialNumber] : [],
    );
    expect(new Set(answered).size).toBe(8);
    const codes = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason.code] : []));
    expect(new Set(codes)).toEqual(new Set(["credential_spent"]));
    const index = outcomes.findIndex(({ status }) => status === "fulfilled");
    const csr = requests[index];
    if (csr === undefined) expect.fail("no renewal succeeded");
    const again = await renew(app, { fleet, client: await door(first.certificate), csr });
    expect(answered).toContain(again.serialNumber);
  });

  it("answers both of two equal renewals, also where they are the last that the certificate may have", async () => {
    const first = await enrolled("pump-16");
    const slow = { ...app, items: slowStore(app.items) };
    const client = await door(first.certificate, slow);
    const requests = Array.from({ length: 9 }, () => deviceCsr(deviceKey()));
    const twice = requests.flatMap((csr) => [csr, csr]);
    const outcomes = await Promise.all(
      twice.map((csr) =>
        renew(slow, { fleet, client, csr }).then(
          ({ serialNumber }) => serialNumber,
          ({ code }) => String(code),
        ),
      ),
    );
    for (let index = 0; index < outcomes.length; index += 2)
      expect(outcomes[index]).toBe(outcomes[index + 1]);
    expect(new Set(outcomes).size).toBe(9);
  });

  it("cannot keep its revocation away by renewing meanwhile", async () => {
    const { certificate, serialNumber } = await enrolled("pump-17");
    const slow = { ...app, items: slowStore(app.items) };
    const client = await door(certificate, slow);
    const renewals = Array.from({ length: 20 }, () =>
      renew(slow, { fleet, client, csr: deviceCsr(deviceKey()) }),
    );
    const revocation = revoke(slow, {
      fleet,
      serialNumber,
      actor: "operator:operator-1",
      reason: "keyCompromise",
    });
    await expect(revocation).resolves.toMatchObject({ status: "revoked" });
    await Promise.allSettled(renewals);
    expect(await codeOf(door(certificate))).toBe("client_certificate_revoked");
  });

  it("may not keep its key", async () => {
    const key = deviceKey();
    const client = await door((await enrolled("pump-3", key)).certificate);
    expect(await codeOf(renew(app, { fleet, client, csr: deviceCsr(key) }))).toBe("key_reused");
  });

  it("keeps its key where the profile permits that", async () => {
    const csr = await verifyCsr(deviceCsr(deviceKey()));
    const presented = { keyFingerprint: csr.publicKey.fingerprint };
    expect(() => assertKeyPermitted({ id: "device", keyReuse: true }, csr, presented)).not.toThrow();
    expect(() => assertKeyPermitted({ id: "device", keyReuse: false }, csr, presented)).toThrow(/new key/);
    const other = { keyFingerprint: "00" };
    expect(() => assertKeyPermitted({ id: "device", keyReuse: false }, csr, other)).not.toThrow();
  });

  it("may not become another device", async () => {
    const client = await door((await enrolled("pump-4")).certificate);
    const csr = deviceCsr(deviceKey(), { commonName: "pump-5" });
    expect(await codeOf(renew(app, { fleet, client, csr }))).toBe("csr_subject_mismatch");
  });
});

describe("a certificate that opens nothing", () => {
  it("EJBCA CVE-2020-25276: revoked, refused at once", async () => {
    const { certificate, serialNumber } = await enrolled("pump-6");
    await door(certificate);
    await revoke(app, { fleet, serialNumber, actor: "operator:operator-1", reason: "keyCompromise" });
    expect(await codeOf(door(certificate))).toBe("client_certificate_revoked");
  });

  it("revoked between the door and the renewal", async () => {
    const { certificate, serialNumber } = await enrolled("pump-7");
    const client = await door(certificate);
    await revoke(app, { fleet, serialNumber, actor: "operator:operator-1", reason: "keyCompromise" });
    const renewal = renew(app, { fleet, client, csr: deviceCsr(deviceKey()) });
    expect(await codeOf(renewal)).toBe("client_certificate_revoked");
  });

  it("expired", async () => {
    const other = await openFleetApp();
    const { certificate } = await enrolled("pump-8", deviceKey(), other.app);
    other.clock.advance(91 * 86_400_000);
    expect(await codeOf(door(certificate, other.app))).toBe("client_certificate_expired");
    await other.close();
  });

  it("EJBCA CVE-2021-40088: of a fleet with the same names and other keys", async () => {
    const other = await openFleetApp();
    const { certificate } = await enrolled("pump-9", deviceKey(), other.app);
    expect(await codeOf(door(certificate))).toBe("client_certificate_untrusted");
    await other.close();
  });

  it.each([
    { name: "no PEM", pem: "hello" },
    { name: "PEM of no DER", pem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
    { name: "nothing", pem: "" },
  ])("$name", async ({ pem }) => {
    expect(await codeOf(door(pem))).toBe("client_certificate_untrusted");
  });

  it("the authorities' own certificates", async () => {
    const { chain } = await enrolled("pump-10");
    expect(await codeOf(door(chain))).toBe("client_certificate_untrusted");
  });
});

describe("revocation", () => {
  it("repeats with the same reason, refuses another reason, an unknown serial and an authority", async () => {
    const { serialNumber } = await enrolled("pump-11");
    const request = { fleet, serialNumber, actor: "operator:operator-1", reason: "superseded" } as const;
    const first = await revoke(app, request);
    expect(await revoke(app, request)).toEqual(first);
    expect(await codeOf(revoke(app, { ...request, reason: "keyCompromise" }))).toBe("already_revoked");
    expect(await codeOf(revoke(app, { ...request, serialNumber: "00" }))).toBe("not_found");
    const root = opened.fleet.authorities[0]?.certificate.tbs.serialNumber;
    const authority = Buffer.from(root ?? []).toString("hex");
    expect(await codeOf(revoke(app, { ...request, serialNumber: authority }))).toBe("access_denied");
  });
});
