/** Room: test. Serial numbers that begin with zeros: the record, the answer and the certificate spell them alike. */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import type { App } from "../../core/ports.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

let opened: FleetApp;
beforeAll(async () => {
  opened = await openFleetApp();
});
afterAll(() => opened.close());

/** The App whose next draw of 16 octets, which is a serial number, begins with `start`. */
function drawing(start: string): App {
  let drawn = false;
  const { entropy } = opened.app;
  return {
    ...opened.app,
    entropy: {
      bytes(length) {
        const octets = Buffer.from(entropy.bytes(length));
        if (!drawn && length === 16) octets.set(Buffer.from(start, "hex"));
        drawn ||= length === 16;
        return octets;
      },
    },
  };
}

async function issuedWith(start: string) {
  const ask = { fleet, actor: "operator:operator-1", deviceId: `pump-${start}` };
  const { token } = await createEnrollmentToken(opened.app, ask);
  return enroll(drawing(start), { fleet, token, csr: deviceCsr(deviceKey()) });
}

const cases = [
  { start: "4f", octets: 16 },
  // The sign bit is cleared, so this one begins with a zero octet too.
  { start: "80f1", octets: 15 },
  { start: "007f", octets: 15 },
  { start: "0001", octets: 15 },
  { start: "00007f", octets: 14 },
  { start: "0000f1", octets: 14 },
  { start: "000000f1", octets: 13 },
] as const;

describe.each(cases)("X.690 §8.3.2: a serial number drawn as $start…", ({ start, octets }) => {
  it("is answered as the certificate has it", async () => {
    const issued = await issuedWith(start);
    expect(issued.serialNumber).toBe(new X509Certificate(issued.certificate).serialNumber.toLowerCase());
    expect(issued.serialNumber).toHaveLength(2 * octets);
  });

  it("opens the door, renews, and is revoked under the number that stands in the certificate", async () => {
    const { certificate } = await issuedWith(start);
    const client = await authenticateClientCertificate(opened.app, { certificate });
    const renewal = renew(opened.app, { fleet, client, csr: deviceCsr(deviceKey()) });
    await expect(renewal).resolves.toHaveProperty("certificate");
    const serialNumber = new X509Certificate(certificate).serialNumber.toLowerCase();
    const revocation = revoke(opened.app, {
      fleet,
      serialNumber,
      actor: "operator:operator-1",
      reason: "superseded",
    });
    await expect(revocation).resolves.toMatchObject({ status: "revoked" });
  });
});
