import { X509Certificate } from "node:crypto";
import { calculateJwkThumbprint, importJWK, type JWK } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deviceKeys } from "../../core/distribution/device-keys.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { findCertificate } from "../../core/enrollment/intent.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { certificateItem } from "../../core/records/certificate-record.ts";
import { type DeviceAlgorithm, deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

let opened: FleetApp;
beforeAll(async () => {
  opened = await openFleetApp();
});
afterAll(() => opened.close());

async function enrolled(deviceId: string, algorithm: DeviceAlgorithm = "P-256") {
  opened.clock.advance(1000);
  const actor = "operator:operator-1";
  const { token } = await createEnrollmentToken(opened.app, { fleet, actor, deviceId });
  const csr = deviceCsr(deviceKey(algorithm));
  return enroll(opened.app, { fleet, token, csr });
}

async function revoked(serialNumber: string, revocationReason: string): Promise<void> {
  const stored = await findCertificate(opened.app, fleet, serialNumber);
  const record = {
    ...stored!.value,
    state: "revoked",
    revokedAt: opened.clock.now(),
    revocationReason,
  } as const;
  await opened.app.items.transact([{ put: certificateItem(record), when: stored!.version }]);
}

const keysOf = (deviceId: string, limit = 100, cursor?: string) =>
  deviceKeys(opened.app, { fleet, deviceId, limit, ...(cursor === undefined ? {} : { cursor }) });

const joseNames: Readonly<Record<string, string>> = {
  "P-256": "ES256",
  "P-384": "ES384",
  Ed25519: "Ed25519",
  "RSA-2048": "RS256",
};

describe("the keys of a device", () => {
  it.each(["P-256", "P-384", "Ed25519", "RSA-2048", "ML-DSA-44"] as const)(
    "RFC 7517, RFC 7638: %s, as jose and node:crypto read them",
    async (algorithm) => {
      const deviceId = `pump-${algorithm.toLowerCase()}`;
      const issued = await enrolled(deviceId, algorithm);
      const { keys } = await keysOf(deviceId);
      const [key] = keys;
      expect(keys).toHaveLength(1);
      const { publicKey } = new X509Certificate(issued.certificate);
      expect(key).toMatchObject(publicKey.export({ format: "jwk" }) as object);
      if (!algorithm.startsWith("ML-DSA")) {
        expect(await calculateJwkThumbprint(key as unknown as JWK)).toBe(key?.kid);
        await importJWK(key as unknown as JWK, joseNames[algorithm]);
      }
      expect(key).toMatchObject({
        serialNumber: issued.serialNumber,
        profile: "device",
        notBefore: issued.notBefore,
        notAfter: issued.notAfter,
        status: "active",
        current: true,
      });
    },
  );

  it("the newest first, each with the status of its certificate; current is the newest that is active", async () => {
    const serials: string[] = [];
    for (let index = 0; index < 4; index += 1) serials.push((await enrolled("pump-many")).serialNumber);
    const [, second = "", third = "", fourth = ""] = serials;
    await revoked(fourth, "keyCompromise");
    await revoked(second, "certificateHold");
    const { keys } = await keysOf("pump-many");
    expect(keys.map(({ serialNumber, status, current }) => [serialNumber, status, current])).toEqual([
      [fourth, "revoked", false],
      [third, "active", true],
      [second, "held", false],
      [serials[0], "active", false],
    ]);
  });

  it("page by page: the same rows, and one is current, wherever a page ends", async () => {
    const whole = (await keysOf("pump-many")).keys;
    const paged: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await keysOf("pump-many", 1, cursor);
      paged.push(...page.keys);
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(paged).toEqual(whole);
    expect(whole.filter(({ current }) => current)).toHaveLength(1);
  });

  it("under any spelling of its id", async () => {
    expect((await keysOf("PUMP-many")).keys).toEqual((await keysOf("pump-many")).keys);
  });

  it("expired ones say so, and none is current then", async () => {
    await enrolled("pump-old");
    opened.clock.advance(91 * 86_400_000);
    expect((await keysOf("pump-old")).keys).toMatchObject([{ status: "expired", current: false }]);
  });

  it("of subjects of other kinds: none, whatever their name", async () => {
    for (const deviceId of ["root-1", "issuing-1", "nobody"])
      expect(await codeOf(keysOf(deviceId))).toBe("not_found");
    // A device of an authority's name has its own certificates alone.
    const { serialNumber } = await enrolled("issuing-1");
    expect((await keysOf("issuing-1")).keys).toMatchObject([{ serialNumber, profile: "device" }]);
  });

  it.each([0, 1001, 1.5])("limit %s: request_invalid", async (limit) => {
    expect(await codeOf(keysOf("pump-many", limit))).toBe("request_invalid");
  });

  it("another device's cursor: cursor_invalid", async () => {
    const { cursor } = await keysOf("pump-many", 1);
    expect(await codeOf(keysOf("pump-old", 1, cursor))).toBe("cursor_invalid");
  });
});
