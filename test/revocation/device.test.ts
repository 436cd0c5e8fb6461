/** Room: test. Trust taken back from a whole device, and by a device from itself. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { issueForDeployment } from "../../core/bootstrap/end-entity.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { revokeDevice, revokeOwn } from "../../core/revocation/device.ts";
import { ownReasons } from "../../core/revocation/reason.ts";
import { type RevocationRequest, revoke } from "../../core/revocation/revoke.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import {
  actor,
  fleet,
  openPublishingFleet,
  otherFleet,
  type Ports,
  type PublishingFleet,
} from "./publishing-fleet.ts";

let house: PublishingFleet;
let app: Ports;
beforeAll(async () => {
  house = await openPublishingFleet();
  app = house.app;
});
afterAll(() => house.close());

type Reason = RevocationRequest["reason"];
const ask = (serialNumber: string, reason: Reason = "keyCompromise") => ({
  ...{ fleet, actor, serialNumber, reason },
});
const door = (certificate: string) => authenticateClientCertificate(app, { certificate });

describe("a whole device", () => {
  it("loses all its certificates that are in force, whatever the spelling of its id", async () => {
    const { certificate, deviceId, serialNumber } = await house.enrol("pump-Whole");
    const client = await door(certificate);
    const renewed = await renew(app, { fleet, client, csr: deviceCsr(deviceKey()) });
    const third = await renew(app, { fleet, client, csr: deviceCsr(deviceKey()) });
    await revoke(app, ask(third.serialNumber, "superseded"));
    await revoke(app, ask(renewed.serialNumber, "certificateHold"));
    const neighbour = await house.enrol("pump-whole-not");
    const started = house.started.length;
    const request = { fleet, actor, deviceId: deviceId.toLowerCase(), reason: "keyCompromise" } as const;
    expect(await revokeDevice(app, request)).toEqual({
      deviceId: "pump-whole",
      revoked: 2,
      unchanged: 1,
    });
    expect(house.started.slice(started)).toEqual(["publish"]);
    for (const each of [serialNumber, renewed.serialNumber])
      expect(await house.record(each)).toMatchObject({ state: "revoked", revocationReason: "keyCompromise" });
    expect((await house.record(third.serialNumber)).revocationReason).toBe("superseded");
    await door(neighbour.certificate);
    expect(await revokeDevice(app, request)).toMatchObject({ revoked: 0, unchanged: 3 });
  });

  it("is not handed a certificate that it asked for before, and that was signed afterwards", async () => {
    const { certificate } = await house.enrol("pump-thief");
    const client = await door(certificate);
    const request = { fleet, actor, deviceId: "pump-thief", reason: "keyCompromise" } as const;
    const keys = {
      ...app.keys,
      describeKey: (keyId: string) => app.keys.describeKey(keyId),
      sign: async (keyId: string, message: Uint8Array) => {
        await revokeDevice(app, request);
        return app.keys.sign(keyId, message);
      },
    };
    const renewal = renew({ ...app, keys }, { fleet, client, csr: deviceCsr(deviceKey()) });
    expect(await codeOf(renewal)).toBe("issuance_closed");
    expect(await codeOf(door(certificate))).toBe("client_certificate_revoked");
  });

  it("is not found when nothing is known of it", async () => {
    const request = { fleet, actor, deviceId: "pump-unknown", reason: "keyCompromise" } as const;
    expect(await codeOf(revokeDevice(app, request))).toBe("not_found");
  });
});

describe("a device's own word", () => {
  it.each(ownReasons)("revokes the certificate that it presents, with reason %s", async (reason) => {
    const { certificate, serialNumber } = await house.enrol(`pump-own-${reason}`);
    const client = await door(certificate);
    expect(await revokeOwn(app, { client, reason })).toMatchObject({
      serialNumber,
      status: "revoked",
      reason,
    });
    expect(await codeOf(door(certificate))).toBe("client_certificate_revoked");
    expect((await house.record(serialNumber)).revokedBy).toBe(`certificate:${serialNumber}`);
  });

  it("revokes another certificate of the same device, and no other device's, which it is not told of", async () => {
    const { certificate, serialNumber } = await house.enrol("pump-own");
    const before = await door(certificate);
    const next = await renew(app, { fleet, client: before, csr: deviceCsr(deviceKey()) });
    const client = await door(next.certificate);
    await revokeOwn(app, { client, reason: "superseded", serialNumber });
    expect(await codeOf(door(certificate))).toBe("client_certificate_revoked");
    const [stranger, tenant] = [await house.enrol("pump-other"), await house.enrol("pump-own", otherFleet)];
    for (const other of [stranger.serialNumber, tenant.serialNumber, "0011"]) {
      const attempt = revokeOwn(app, { client, reason: "superseded", serialNumber: other });
      expect(await codeOf(attempt)).toBe("not_found");
    }
    await door(stranger.certificate);
    await door(tenant.certificate);
  });

  it("is a device's alone: an operator's certificate is refused", async () => {
    const subject = { kind: "operator", operatorId: "operator-9" } as const;
    const issued = await issueForDeployment(app, { fleet, subject, csr: deviceCsr(deviceKey()) });
    const client = await door(issued.certificate);
    expect(await codeOf(revokeOwn(app, { client, reason: "superseded" }))).toBe("access_denied");
  });
});
