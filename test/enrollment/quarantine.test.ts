/** Room: test. A device that comes back after its certificate's expiry: into quarantine, and out of it. */
import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { getFleet } from "../../core/authority/issuer.ts";
import { issueForDeployment } from "../../core/bootstrap/end-entity.ts";
import { getDevice, setDeviceState } from "../../core/enrollment/device.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import type { FleetConfiguration } from "../../core/records/fleet-configuration.ts";
import { authorityItem } from "../../core/records/fleet-record.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { type DeviceKey, deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { addFleet, type FleetPorts, testFleet as fleet, type TestClock } from "../support/fleet-app.ts";
import { actor, configure, enrolled, openConfiguredFleet } from "./fixtures/configured-fleet.ts";

const day = 86_400_000;
const deviceId = "pump-1";

interface Shelf {
  readonly app: FleetPorts;
  readonly clock: TestClock;
  readonly key: DeviceKey;
  readonly previousCertificate: string;
  readonly serialNumber: string;
  /** The way back with the first key. */
  comeBack(csr?: Buffer): ReturnType<typeof enrolled>;
  code(csr?: Buffer): Promise<string>;
}

async function tokenCertificate(app: FleetPorts, key: DeviceKey, id = deviceId) {
  const { token } = await createEnrollmentToken(app, { fleet, actor, deviceId: id });
  return enroll(app, { fleet, token, csr: deviceCsr(key) });
}

/** A fleet with one device whose first certificate, of 90 days, is `age` days old. */
async function shelf(
  age: number,
  work: (shelf: Shelf) => Promise<void>,
  changes: Partial<FleetConfiguration> = {},
): Promise<void> {
  const { app, clock, close } = await openConfiguredFleet({ accepts: ["token", "quarantine"], ...changes });
  try {
    const key = deviceKey();
    const { certificate, serialNumber } = await tokenCertificate(app, key);
    clock.advance(age * day);
    const comeBack = (csr = deviceCsr(key)) =>
      enrolled(app, { fleet, previousCertificate: certificate, csr });
    const code = (csr?: Buffer) => codeOf(comeBack(csr));
    await work({ app, clock, key, previousCertificate: certificate, serialNumber, comeBack, code });
  } finally {
    await close();
  }
}

const clientOf = (app: FleetPorts, certificate: string) =>
  authenticateClientCertificate(app, { certificate });

describe("a device whose certificate expired on the shelf", () => {
  it("espressif/esp-aws-iot #139: comes back into quarantine, is released, and renews to a whole certificate", () =>
    shelf(100, async ({ app, comeBack }) => {
      const back = await comeBack();
      const certificate = new X509Certificate(back.certificate);
      expect(certificate.subject).toBe(`CN=${deviceId}`);
      expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
      expect(certificate.validToDate.getTime() - Date.parse(back.notBefore)).toBe(7 * day - 1_000);
      expect(await getDevice(app, fleet, deviceId)).toMatchObject({ state: "quarantined" });

      const client = await clientOf(app, back.certificate);
      expect(client).toMatchObject({ kind: "device", profile: "quarantine" });
      const csr = deviceCsr(deviceKey());
      expect(await codeOf(renew(app, { fleet, client, csr }))).toBe("device_not_active");

      await setDeviceState(app, { fleet, deviceId, state: "active", actor });
      const renewed = await renew(app, { fleet, client, csr });
      expect((await clientOf(app, renewed.certificate)).profile).toBe("device");
      expect(await getDevice(app, fleet, deviceId)).toMatchObject({
        state: "active",
        currentCertificate: { serialNumber: renewed.serialNumber },
      });
    }));

  it("keeps its key for the way back, and makes a new one for the renewal", () =>
    shelf(100, async ({ app, key, comeBack }) => {
      const client = await clientOf(app, (await comeBack()).certificate);
      await setDeviceState(app, { fleet, deviceId, state: "active", actor });
      expect(await codeOf(renew(app, { fleet, client, csr: deviceCsr(key) }))).toBe("key_reused");
    }));

  it("gets the same certificate for the same request, from twenty at once", () =>
    shelf(100, async ({ key, comeBack }) => {
      const csr = deviceCsr(key);
      const answers = await Promise.all(Array.from({ length: 20 }, () => comeBack(csr)));
      expect(new Set(answers.map(({ certificate }) => certificate)).size).toBe(1);
    }));

  it("may lose an answer, make a new request with the same key, and stay in quarantine", () =>
    shelf(100, async ({ app, comeBack }) => {
      const first = await comeBack();
      expect((await comeBack()).serialNumber).not.toBe(first.serialNumber);
      expect(await getDevice(app, fleet, deviceId)).toMatchObject({ state: "quarantined" });
    }));

  it("may come back with an expired quarantine certificate, while nobody has decided", () =>
    shelf(100, async ({ app, clock, key, comeBack }) => {
      const { certificate: previousCertificate } = await comeBack();
      clock.advance(8 * day);
      const again = await enrolled(app, { fleet, previousCertificate, csr: deviceCsr(key) });
      expect((await clientOf(app, again.certificate)).profile).toBe("quarantine");
    }));

  it("may ask for no more than an hour allows", () =>
    shelf(
      100,
      async ({ comeBack, code }) => {
        for (let count = 0; count < 3; count += 1) await comeBack();
        expect(await code()).toBe("rate_limited");
      },
      { issuancesPerHour: 3 },
    ));

  it("comes back under an authority that only drains, and not under a retired one", () =>
    shelf(100, async ({ app, code, comeBack }) => {
      // The authority that signed it gives way to nobody here, so only its word counts: it issues no more.
      const setState = async (state: "draining" | "retired" | "active") => {
        const { items } = await app.items.query({ pk: `FLEET#${fleet}`, limit: 100 });
        const item = items.find(({ sk }) => sk === "AUTHORITY#issuing-1") ?? expect.fail("no authority");
        const issuer = (await getFleet(app, fleet)).authorities.find(
          ({ record }) => record.authorityId === "issuing-1",
        );
        const record = issuer?.record ?? expect.fail("no authority");
        await app.items.transact([{ put: authorityItem({ ...record, state }), when: item.version }]);
      };
      await setState("retired");
      expect(await code()).toBe("credential_invalid");
      await setState("draining");
      // Recognised; what is missing is an authority to sign with.
      expect(await code()).toBe("authority_unavailable");
      await setState("active");
      await expect(comeBack()).resolves.toHaveProperty("certificate");
    }));
});

describe("the way back is refused", () => {
  it("while the certificate is in force, to its last second: renew with it", () =>
    shelf(10, async ({ app, clock, previousCertificate, code, comeBack }) => {
      expect(await code()).toBe("credential_invalid");
      const end = new X509Certificate(previousCertificate).validToDate.getTime();
      const at = (time: number): FleetPorts => ({ ...app, clock: { ...clock, now: () => time } });
      const ask = (time: number) =>
        enroll(at(time), { fleet, previousCertificate, csr: deviceCsr(deviceKey()) });
      expect(await codeOf(ask(end + 999))).toBe("credential_invalid");
      clock.advance(end + 1_000 - clock.now());
      await expect(comeBack()).resolves.toHaveProperty("certificate");
    }));

  it("later than the fleet allows", () =>
    shelf(
      98,
      async ({ clock, code, comeBack }) => {
        expect(await code()).toBe("credential_expired");
        clock.advance(-2 * day);
        await expect(comeBack()).resolves.toHaveProperty("certificate");
      },
      { quarantineDays: 7 },
    ));

  it("for another key than the certificate's", () =>
    shelf(100, async ({ code }) => {
      expect(await code(deviceCsr(deviceKey()))).toBe("credential_invalid");
    }));

  it("for the very request that the certificate answered: whoever saw it could send it again", async () => {
    const { app, clock, close } = await openConfiguredFleet({ accepts: ["token", "quarantine"] });
    const csr = deviceCsr(deviceKey());
    const { token } = await createEnrollmentToken(app, { fleet, actor, deviceId });
    const { certificate: previousCertificate } = await enroll(app, { fleet, token, csr });
    clock.advance(100 * day);
    expect(await codeOf(enroll(app, { fleet, previousCertificate, csr }))).toBe("credential_invalid");
    await close();
  });

  it("for a revoked certificate, and for one whose successor was revoked", () =>
    shelf(100, async ({ app, serialNumber, code }) => {
      await tokenCertificate(app, deviceKey(), "pump-2");
      const later = await tokenCertificate(app, deviceKey());
      await revoke(app, { fleet, serialNumber: later.serialNumber, actor, reason: "keyCompromise" });
      expect(await code()).toBe("client_certificate_revoked");
      await revoke(app, { fleet, serialNumber, actor, reason: "superseded" });
      expect(await code()).toBe("client_certificate_revoked");
    }));

  it("for an old certificate of a device that has a newer one: it is neither certified nor held", () =>
    shelf(100, async ({ app, code }) => {
      await tokenCertificate(app, deviceKey());
      expect(await code()).toBe("credential_invalid");
      expect(await getDevice(app, fleet, deviceId)).toMatchObject({ state: "active" });
    }));

  it.each(["suspended", "retired"] as const)("of a %s device, which it does not release", (state) =>
    shelf(100, async ({ app, code }) => {
      await setDeviceState(app, { fleet, deviceId, state, actor });
      expect(await code()).toBe("device_not_active");
      expect(await getDevice(app, fleet, deviceId)).toMatchObject({ state });
    }),
  );

  it("by a fleet that does not accept it", () =>
    shelf(
      100,
      async ({ code }) => {
        expect(await code()).toBe("credential_not_accepted");
      },
      { accepts: ["token"] },
    ));

  it("of another fleet's certificate, and of what is no certificate", () =>
    shelf(100, async ({ app, key, previousCertificate }) => {
      await addFleet(app, "clinic");
      await configure(app, { accepts: ["quarantine"] }, "clinic");
      const request = { fleet: "clinic", previousCertificate, csr: deviceCsr(key) };
      expect(await codeOf(enroll(app, request))).toBe("credential_invalid");
      expect(await codeOf(enroll(app, { ...request, previousCertificate: "rubbish" }))).toBe(
        "credential_invalid",
      );
    }));

  it("of an operator's certificate", () =>
    shelf(1, async ({ app, clock }) => {
      const key = deviceKey();
      const subject = { kind: "operator", operatorId: "operator-1" } as const;
      const { certificate } = await issueForDeployment(app, { fleet, subject, csr: deviceCsr(key) });
      clock.advance(100 * day);
      const request = { fleet, previousCertificate: certificate, csr: deviceCsr(key) };
      expect(await codeOf(enroll(app, request))).toBe("credential_invalid");
    }));
});
