/** Room: test. Two fleets in one store and one process: neither sees, opens or ends anything of the other's. */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { issueForDeployment } from "../../core/bootstrap/end-entity.ts";
import { getCertificate, listCertificates } from "../../core/distribution/inventory.ts";
import { trustBundlePem } from "../../core/distribution/trust.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { AppError } from "../../core/errors.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { addFleet, type FleetApp, type FleetPorts, openFleetApp } from "../support/fleet-app.ts";

// One is the beginning of the other's name, and both have a device and an operator of the same ids.
const ours = "clinic";
const theirs = "clinic-2";
const operatorId = "operator-1";
const actor = `operator:${operatorId}`;

let opened: FleetApp;
let app: FleetPorts;
beforeAll(async () => {
  opened = await openFleetApp({ fleet: ours });
  app = opened.app;
  await addFleet(app, theirs);
});
afterAll(() => opened.close());

const tokenOf = async (fleet: string, deviceId: string) =>
  (await createEnrollmentToken(app, { fleet, actor, deviceId })).token;

async function deviceOf(fleet: string, deviceId: string, csr = deviceCsr(deviceKey())) {
  return enroll(app, { fleet, token: await tokenOf(fleet, deviceId), csr });
}

function operatorOf(fleet: string) {
  const subject = { kind: "operator", operatorId } as const;
  return issueForDeployment(app, { fleet, subject, csr: deviceCsr(deviceKey()) });
}

/** As every door does: the fleet comes from the credential, and a path that names another does not exist. */
async function door(fleet: string, certificate: string) {
  const client = await authenticateClientCertificate(app, { certificate });
  if (client.fleet === fleet) return client;
  throw new AppError("not_found", "no such fleet");
}

const statusOf = async (fleet: string, serialNumber: string) =>
  (await getCertificate(app, { fleet, serialNumber })).status;

describe("EJBCA CVE-2021-40088: fleets that share a store", () => {
  it.each([
    { kind: "a device's certificate", issue: () => deviceOf(theirs, "pump-1") },
    { kind: "an operator's certificate", issue: () => operatorOf(theirs) },
  ])("$kind opens its own fleet only", async ({ issue }) => {
    const { certificate } = await issue();
    await expect(door(theirs, certificate)).resolves.toMatchObject({ fleet: theirs });
    expect(await codeOf(door(ours, certificate))).toBe("not_found");
    // Nor after their own door has remembered the signature as good.
    expect(await codeOf(door(ours, certificate))).toBe("not_found");
  });

  it("a device that their door let in cannot renew with us, whatever path it names", async () => {
    const { certificate } = await deviceOf(theirs, "pump-2");
    const client = await door(theirs, certificate);
    const csr = deviceCsr(deviceKey());
    expect(await codeOf(renew(app, { fleet: ours, client, csr }))).toBe("access_denied");
    const renewed = await renew(app, { fleet: theirs, client, csr });
    expect(new X509Certificate(renewed.certificate).issuer).toBe(`CN=${theirs} issuing-1`);
  });

  it("a token is good in its own fleet only, and is not spent by an attempt elsewhere", async () => {
    const request = { token: await tokenOf(ours, "pump-3"), csr: deviceCsr(deviceKey()) };
    expect(await codeOf(enroll(app, { ...request, fleet: theirs }))).toBe("credential_invalid");
    const issued = await enroll(app, { ...request, fleet: ours });
    expect(await codeOf(enroll(app, { ...request, fleet: theirs }))).toBe("credential_invalid");
    expect(await statusOf(ours, issued.serialNumber)).toBe("active");
  });

  it("one id and one CSR in both: two certificates, each under its own fleet's root", async () => {
    const csr = deviceCsr(deviceKey());
    for (const [own, other] of [
      [ours, theirs],
      [theirs, ours],
    ] as const) {
      const issued = await deviceOf(own, "pump-4", csr);
      const [leaf, issuing] = [issued.certificate, issued.chain].map((pem) => new X509Certificate(pem));
      expect(leaf?.subjectAltName).toBe(`URI:spiffe://example.test/fleet/${own}/device/pump-4`);
      const under = async (fleet: string) =>
        issuing?.verify(new X509Certificate(await trustBundlePem(app, { fleet })).publicKey);
      expect([await under(own), await under(other)]).toEqual([true, false]);
    }
  });
});

describe("Lemur: a serial number of another fleet", () => {
  it("is not found, as if it did not exist", async () => {
    const { serialNumber } = await deviceOf(theirs, "pump-5");
    expect(await codeOf(getCertificate(app, { fleet: ours, serialNumber }))).toBe("not_found");
    expect(await statusOf(theirs, serialNumber)).toBe("active");
  });

  it("cannot be revoked, and stays active and able to renew", async () => {
    const { serialNumber, certificate } = await deviceOf(theirs, "pump-6");
    const request = { serialNumber, actor, reason: "keyCompromise" } as const;
    expect(await codeOf(revoke(app, { ...request, fleet: ours }))).toBe("not_found");
    expect(await statusOf(theirs, serialNumber)).toBe("active");
    const client = await door(theirs, certificate);
    await expect(renew(app, { fleet: theirs, client, csr: deviceCsr(deviceKey()) })).resolves.toHaveProperty(
      "serialNumber",
    );
    await revoke(app, { ...request, fleet: theirs });
    expect(await statusOf(theirs, serialNumber)).toBe("revoked");
  });

  it("a revocation there leaves the same device's certificate here in force", async () => {
    const [here, there] = [await deviceOf(ours, "pump-7"), await deviceOf(theirs, "pump-7")];
    await revoke(app, {
      fleet: theirs,
      serialNumber: there.serialNumber,
      actor,
      reason: "keyCompromise",
    });
    await expect(door(ours, here.certificate)).resolves.toMatchObject({ subjectId: "pump-7" });
    expect(await codeOf(door(theirs, there.certificate))).toBe("client_certificate_revoked");
  });
});

describe("the list of a fleet beside another", () => {
  async function listed(fleet: string, more: { deviceId?: string; cursor?: string } = {}) {
    const { certificates } = await listCertificates(app, { fleet, limit: 1000, ...more });
    return certificates.map(({ serialNumber }) => serialNumber);
  }

  it("shows none of the other's: all, of one device that both have; the other's cursor is refused", async () => {
    const device = "pump-8";
    const own: string[] = [];
    const foreign: string[] = [];
    for (let count = 0; count < 6; count += 1) {
      own.push((await deviceOf(ours, device)).serialNumber);
      foreign.push((await deviceOf(theirs, device)).serialNumber);
    }
    expect(await listed(ours)).toEqual(expect.arrayContaining(own));
    expect((await listed(ours, { deviceId: device })).sort()).toEqual([...own].sort());
    expect((await listed(theirs, { deviceId: device })).sort()).toEqual([...foreign].sort());
    const { cursor } = await listCertificates(app, { fleet: theirs, limit: 1 });
    const fromThere = listed(ours, { cursor: cursor ?? expect.fail("no cursor") });
    expect(await codeOf(fromThere)).toBe("cursor_invalid");
    const everyForeign = new Set(await listed(theirs));
    expect((await listed(ours)).filter((serial) => everyForeign.has(serial))).toEqual([]);
  });
});
