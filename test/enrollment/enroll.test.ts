/** Room: test. Enrolment with a one-time token: who gets a certificate, who does not, and what a retry gets. */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { reconcile } from "../../core/enrollment/reconciler.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { extension } from "../../core/formats/x509/extension.ts";
import {
  basicConstraints,
  extendedKeyUsage,
  keyPurposes,
  keyUsage,
  subjectAltName,
} from "../../core/formats/x509/extensions/index.ts";
import type { App } from "../../core/ports.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { type DeviceKey, deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { type FaultyKeys, faultyKeys } from "../support/faulty-keys.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

let opened: FleetApp;
let app: App;
let keys: FaultyKeys;
beforeAll(async () => {
  opened = await openFleetApp();
  keys = faultyKeys(opened.app.keys);
  app = { ...opened.app, keys };
});
afterAll(() => opened.close());

async function tokenFor(deviceId: string): Promise<string> {
  return (await createEnrollmentToken(app, { fleet, actor: "operator:operator-1", deviceId })).token;
}

async function issuedFor(deviceId: string): Promise<number> {
  return (await listCertificates(app, { fleet, deviceId, limit: 998 })).certificates.length;
}

describe("a device with a token", () => {
  it("RFC 5280 §4.1: gets a certificate for its key, named by the token and not by the CSR", async () => {
    const key = deviceKey();
    const issued = await enroll(app, { fleet, token: await tokenFor("pump-1"), csr: deviceCsr(key) });
    const certificate = new X509Certificate(issued.certificate);
    expect(certificate.subject).toBe("CN=pump-1");
    expect(certificate.subjectAltName).toBe("URI:spiffe://example.test/fleet/default/device/pump-1");
    expect(certificate.publicKey.export({ type: "spki", format: "der" })).toEqual(key.spki);
    expect(certificate.verify(new X509Certificate(issued.chain).publicKey)).toBe(true);
    expect(certificate.serialNumber.toLowerCase()).toBe(issued.serialNumber);
    expect(new Date(issued.notAfter).getTime()).toBe(certificate.validToDate.getTime());
  });

  it("RFC 5280 §7.1: may write its name in other letters, and is named as its token spells it", async () => {
    const csr = deviceCsr(deviceKey(), { commonName: "PUMP-1" });
    const issued = await enroll(app, { fleet, token: await tokenFor("pump-1"), csr });
    expect(new X509Certificate(issued.certificate).subject).toBe("CN=pump-1");
  });

  it("gets a token that no command line takes for a flag", async () => {
    const octets = [Buffer.alloc(32, 0xf8), Buffer.alloc(32, 0xfb), Buffer.alloc(32, 0x01)];
    const entropy = {
      bytes: (length: number) => (length === 32 ? octets.shift() : undefined) ?? app.entropy.bytes(length),
    };
    const request = { fleet, actor: "operator:operator-1", deviceId: "pump-18" };
    const { token } = await createEnrollmentToken({ ...app, entropy }, request);
    expect(token).toBe(Buffer.alloc(32, 0x01).toString("base64url"));
    expect(
      await codeOf(
        createEnrollmentToken({ ...app, entropy: { bytes: () => Buffer.alloc(32, 0xfb) } }, request),
      ),
    ).toBe("internal");
  });

  it("has one spelling of its id: a token for another is refused", async () => {
    await tokenFor("pump-1");
    expect(await codeOf(tokenFor("Pump-1"))).toBe("already_exists");
    const outcomes = ["Pump-99", "pump-99", "PUMP-99"].map((deviceId) =>
      tokenFor(deviceId).then(
        () => 1,
        () => 0,
      ),
    );
    expect((await Promise.all(outcomes)).reduce((sum: number, one) => sum + one, 0)).toBe(1);
  });

  it("gets the same certificate for the same request, and one signature is made", async () => {
    const request = { fleet, token: await tokenFor("pump-2"), csr: deviceCsr(deviceKey()) };
    const before = keys.signatures;
    const first = await enroll(app, request);
    expect(await enroll(app, request)).toEqual(first);
    expect(keys.signatures - before).toBe(1);
  });

  it("gets its certificate again after the token has expired", async () => {
    const other = await openFleetApp();
    const { token } = await createEnrollmentToken(other.app, {
      fleet,
      actor: "operator:operator-1",
      deviceId: "pump-3",
      ttlSeconds: 60,
    });
    const request = { fleet, token, csr: deviceCsr(deviceKey()) };
    const first = await enroll(other.app, request);
    other.clock.advance(61_000);
    expect(await enroll(other.app, request)).toEqual(first);
    await other.close();
  });

  it("is not given its certificate again once that is revoked or over", async () => {
    const other = await openFleetApp();
    const ask = { fleet, actor: "operator:operator-1" };
    const { token } = await createEnrollmentToken(other.app, { ...ask, deviceId: "pump-13" });
    const request = { fleet, token, csr: deviceCsr(deviceKey()) };
    const { serialNumber } = await enroll(other.app, request);
    await revoke(other.app, { ...ask, serialNumber, reason: "keyCompromise" });
    expect(await codeOf(enroll(other.app, request))).toBe("credential_spent");
    const second = {
      ...request,
      token: (await createEnrollmentToken(other.app, { ...ask, deviceId: "pump-14" })).token,
    };
    await enroll(other.app, second);
    other.clock.advance(91 * 86_400_000);
    expect(await codeOf(enroll(other.app, second))).toBe("credential_spent");
    await other.close();
  });

  it("gets one certificate, byte for byte, from 1,000 parallel retries of one request", async () => {
    const request = { fleet, token: await tokenFor("pump-4"), csr: deviceCsr(deviceKey()) };
    const before = keys.signatures;
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => enroll(app, request)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(keys.signatures - before).toBe(1);
    expect(await issuedFor("pump-4")).toBe(1);
  });

  it("is one of 10,000 that enrol at once and get 10,000 serial numbers", async () => {
    const count = 10_000;
    const key = deviceKey();
    const csr = deviceCsr(key);
    const tokens = await Promise.all(
      Array.from({ length: count }, (_, index) => tokenFor(`sensor-${index}`)),
    );
    const answers = await Promise.all(tokens.map((token) => enroll(app, { fleet, token, csr })));
    expect(new Set(answers.map(({ serialNumber }) => serialNumber)).size).toBe(count);
  }, 120_000);
});

describe("a request that is refused", () => {
  const otherKey = deviceKey();
  const san = (value: string) =>
    extension(subjectAltName, [{ kind: "uniformResourceIdentifier", value }], false);
  const uri = "spiffe://example.test/fleet/default/device/pump-5";
  const csr = (content: Parameters<typeof deviceCsr>[1]) => (key: DeviceKey) => deviceCsr(key, content);
  const duplicated = [san(uri), san(uri)];
  const cases: readonly { name: string; request: (key: DeviceKey) => Buffer; expected: string }[] = [
    {
      name: "RFC 2986 §4.2: a signature by another key",
      request: (key) => deviceCsr({ ...key, privateKey: otherKey.privateKey }),
      expected: "csr_signature_invalid",
    },
    { name: "another device's id", request: csr({ commonName: "pump-6" }), expected: "csr_subject_mismatch" },
    {
      name: "another device's URI",
      request: csr({ extensions: [san("spiffe://example.test/fleet/default/device/pump-6")] }),
      expected: "csr_san_not_permitted",
    },
    {
      name: "a DNS name beside its own URI",
      request: csr({
        extensions: [
          extension(
            subjectAltName,
            [
              { kind: "uniformResourceIdentifier", value: uri },
              { kind: "dNSName", value: "example.test" },
            ],
            false,
          ),
        ],
      }),
      expected: "csr_san_not_permitted",
    },
    {
      name: "CA:TRUE",
      request: csr({ extensions: [extension(basicConstraints, { cA: true }, true)] }),
      expected: "csr_ca_requested",
    },
    {
      name: "a purpose that the profile does not have",
      request: csr({ extensions: [extension(extendedKeyUsage, [keyPurposes.OCSPSigning], false)] }),
      expected: "csr_extended_key_usage_not_permitted",
    },
    {
      name: "a key usage that the profile does not have",
      request: csr({ extensions: [extension(keyUsage, new Set(["keyCertSign"] as const), true)] }),
      expected: "csr_key_usage_not_permitted",
    },
    {
      name: "one extension twice",
      request: csr({ extensions: duplicated }),
      expected: "csr_extension_duplicate",
    },
  ];

  it.each(cases)(
    "$name: $expected, no certificate, and the token is still good",
    async ({ request, expected }) => {
      const token = await tokenFor("pump-5");
      const key = deviceKey();
      const before = keys.signatures;
      const held = await issuedFor("pump-5");
      expect(await codeOf(enroll(app, { fleet, token, csr: request(key) }))).toBe(expected);
      expect(keys.signatures).toBe(before);
      expect(await issuedFor("pump-5")).toBe(held);
      await expect(enroll(app, { fleet, token, csr: deviceCsr(key) })).resolves.toHaveProperty("certificate");
    },
  );

  it("a second CSR on a spent token", async () => {
    const token = await tokenFor("pump-7");
    await enroll(app, { fleet, token, csr: deviceCsr(deviceKey()) });
    expect(await codeOf(enroll(app, { fleet, token, csr: deviceCsr(deviceKey()) }))).toBe("credential_spent");
    expect(await issuedFor("pump-7")).toBe(1);
  });

  it("two CSRs that race for one token: one wins, the other is told", async () => {
    const token = await tokenFor("pump-8");
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () =>
        enroll(app, { fleet, token, csr: deviceCsr(deviceKey()) }).then(
          () => "issued",
          () => "refused",
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === "issued")).toHaveLength(1);
    expect(await issuedFor("pump-8")).toBe(1);
  });

  it("a token of another fleet, an unknown one, an expired one, a profile that is not the token's", async () => {
    const request = { fleet, token: await tokenFor("pump-9"), csr: deviceCsr(deviceKey()) };
    const other = await openFleetApp({ fleet: "other" });
    expect(await codeOf(enroll(other.app, { ...request, fleet: "other" }))).toBe("credential_invalid");
    await other.close();
    expect(await codeOf(enroll(app, { ...request, token: "A".repeat(43) }))).toBe("credential_invalid");
    expect(await codeOf(enroll(app, { ...request, profile: "server" }))).toBe("profile_not_permitted");
    const later = { ...app, clock: { ...app.clock, now: () => app.clock.now() + 2 * 86_400_000 } };
    expect(await codeOf(enroll(later, request))).toBe("credential_expired");
  });
});

describe("a key service in trouble", () => {
  it("throttled: nothing is issued, and the same request later gets its certificate", async () => {
    const request = { fleet, token: await tokenFor("pump-10"), csr: deviceCsr(deviceKey()) };
    keys.fault = "unavailable";
    expect(await codeOf(enroll(app, request))).toBe("key_service_unavailable");
    expect(await issuedFor("pump-10")).toBe(0);
    keys.fault = "none";
    await expect(enroll(app, request)).resolves.toHaveProperty("certificate");
    expect(await issuedFor("pump-10")).toBe(1);
  });

  it("a signature that does not verify is never stored or answered", async () => {
    const request = { fleet, token: await tokenFor("pump-11"), csr: deviceCsr(deviceKey()) };
    keys.fault = "wrongSignature";
    expect(await codeOf(enroll(app, request))).toBe("signature_invalid");
    keys.fault = "none";
    const issued = await enroll(app, request);
    expect(new X509Certificate(issued.certificate).verify(new X509Certificate(issued.chain).publicKey)).toBe(
      true,
    );
  });

  it("an intent from a clock that ran ahead is not waited for", async () => {
    const other = await openFleetApp();
    const broken = faultyKeys(other.app.keys);
    const faulty = { ...other.app, keys: broken };
    const { token } = await createEnrollmentToken(faulty, {
      fleet,
      actor: "operator:operator-1",
      deviceId: "pump-15",
    });
    const request = { fleet, token, csr: deviceCsr(deviceKey()) };
    const hour = 3_600_000;
    const ahead = { ...faulty, clock: { ...other.clock, now: () => other.clock.now() + 2 * hour } };
    // Neither the signature nor the release of the lease: as a kill would leave it.
    const killed = { ...ahead, keys: { ...broken, sign: () => new Promise<never>(() => undefined) } };
    void enroll(killed, request);
    await other.clock.sleep(200);
    expect(await reconcile(faulty)).toMatchObject({ finished: 1, closed: 0, failed: 0 });
    await expect(enroll(faulty, request)).resolves.toHaveProperty("certificate");
    await other.close();
  });

  it("the reconciler closes an intent after a day, and the request is told so", async () => {
    const other = await openFleetApp();
    const broken = faultyKeys(other.app.keys);
    const faulty = { ...other.app, keys: broken };
    const { token } = await createEnrollmentToken(faulty, {
      fleet,
      actor: "operator:operator-1",
      deviceId: "pump-12",
    });
    const request = { fleet, token, csr: deviceCsr(deviceKey()) };
    broken.fault = "unavailable";
    expect(await codeOf(enroll(faulty, request))).toBe("key_service_unavailable");
    expect(await reconcile(faulty)).toMatchObject({ finished: 0, closed: 0, failed: 1 });
    other.clock.advance(86_400_000 + leaseMilliseconds);
    expect(await reconcile(faulty)).toMatchObject({ finished: 0, closed: 1, failed: 0 });
    expect(await codeOf(enroll(faulty, request))).toBe("issuance_closed");
    expect(await reconcile(faulty)).toMatchObject({ finished: 0, closed: 0, failed: 0 });
    await other.close();
  });
});
