/** Room: test. serverless-ca: no certificate outlives its issuer, and none is issued when nothing is left. */
import { X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { type EnrollmentRequest, enroll } from "../../core/enrollment/enroll.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { type TemplateIssuer, validityFor } from "../../core/enrollment/template.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { decodeCertificate } from "../../core/formats/x509/certificate.ts";
import { decideCertificate } from "../../core/policy/certificate-policy.ts";
import { fleetItem } from "../../core/records/fleet-record.ts";
import { profiles } from "../../core/standard/profiles.ts";
import { refusalCode } from "../formats/refusal.ts";
import { now, subject } from "../lint/subjects.ts";
import { addAuthority } from "../ocsp/answering-fleet.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { faultyKeys } from "../support/faulty-keys.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

const second = 1000;
const minute = 60 * second;
const day = 86_400 * second;
const backdate = profiles.device.backdateSeconds * second;
/** To the second, back-dated, both ends inclusive: RFC 5280 §4.1.2.5. */
const whole = { notBefore: now - backdate, notAfter: now - backdate + 90 * day - second };

/** An issuer that begins and ends so many milliseconds from `now`. */
function issuer(begin: number, end: number): TemplateIssuer {
  const { tbs, publicKey } = subject("issuing");
  const validity = { notBefore: now + begin, notAfter: now + end };
  return { kind: "authority", tbs: { ...tbs, validity }, publicKey };
}

describe("the validity of a device certificate under an issuer", () => {
  it.each([
    { name: "with years left: the profile's own", begin: -day, end: 1000 * day, expected: whole },
    {
      name: "that ends in the same second: the profile's own",
      begin: -day,
      end: whole.notAfter - now,
      expected: whole,
    },
    {
      name: "that ends one second earlier: clamped by that second",
      begin: -day,
      end: whole.notAfter - now - second,
      expected: { ...whole, notAfter: whole.notAfter - second },
    },
    {
      name: "that ends in ten days: the issuer's end",
      begin: -day,
      end: 10 * day,
      expected: { ...whole, notAfter: now + 10 * day },
    },
    {
      name: "with one second left: that second",
      begin: -day,
      end: second,
      expected: { ...whole, notAfter: now + second },
    },
    {
      name: "that began a minute ago: not before it",
      begin: -minute,
      end: 1000 * day,
      expected: { ...whole, notBefore: now - minute },
    },
  ])("$name", ({ begin, end, expected }) => {
    expect(validityFor(profiles.device, issuer(begin, end), now)).toEqual(expected);
  });

  it.each([
    { name: "that ends now", end: 0 },
    { name: "that ended a second ago", end: -second },
    { name: "that ended a year ago", end: -365 * day },
  ])("$name: authority_unavailable", ({ end }) => {
    expect(refusalCode(() => validityFor(profiles.device, issuer(-1000 * day, end), now))).toBe(
      "authority_unavailable",
    );
  });

  it("a root is bound by its profile only", () => {
    const { notBefore, notAfter } = validityFor(profiles.root, { kind: "self" }, now);
    expect(notAfter - notBefore + second).toBe(3650 * day);
  });
});

describe("enrolment near the issuing authority's end", () => {
  let opened: FleetApp;
  /** Milliseconds since the epoch. */
  let end: number;
  beforeEach(async () => {
    opened = await openFleetApp();
    const { app, clock } = opened;
    const [root] = opened.fleet.authorities.filter(({ record }) => record.kind === "root");
    // An authority past its cryptoperiod issues nothing: this one is young, and ends early because its root does.
    clock.advance((root?.certificate.tbs.validity.notAfter ?? 0) - 300 * day - clock.now());
    const { record, version, authorities } = await addAuthority(app, opened.fleet, "issuing-2");
    const put = fleetItem({ ...record, issuingAuthorityId: "issuing-2" });
    await app.items.transact([{ put, when: version }]);
    const issuing = authorities.find((each) => each.record.authorityId === "issuing-2");
    end = issuing?.certificate.tbs.validity.notAfter ?? expect.fail("no issuing authority");
  });
  afterEach(() => opened.close());

  /** Moves the clock to `left` milliseconds before the authority's end. */
  const moveTo = (left: number) => opened.clock.advance(end - left - opened.clock.now());

  async function request(deviceId: string): Promise<EnrollmentRequest & { readonly token: string }> {
    const ask = { fleet, actor: "operator:operator-1", deviceId };
    const { token } = await createEnrollmentToken(opened.app, ask);
    return { fleet, token, csr: deviceCsr(deviceKey()) };
  }

  /** What policy says of a certificate's TBS, as it does before each signature. */
  function judged(pem: string, deviceId: string, issuerEnd = end) {
    const { tbs } = decodeCertificate(new X509Certificate(pem).raw);
    const identity = { kind: "device", fleet, trustDomain: "example.test", deviceId } as const;
    return decideCertificate(tbs, profiles.device, identity, { notAfter: issuerEnd });
  }

  it.each([
    { name: "100 days", left: 100 * day, lasts: 90 * day - second - backdate },
    { name: "10 days", left: 10 * day, lasts: 10 * day },
    { name: "a minute", left: minute, lasts: minute },
  ])("with $name left the certificate ends with its profile or with its issuer", async ({ left, lasts }) => {
    moveTo(left);
    const at = opened.clock.now();
    const issued = await enroll(opened.app, await request("pump-1"));
    const [leaf, issuing] = [issued.certificate, issued.chain].map((pem) => new X509Certificate(pem));
    const notAfter = leaf?.validToDate.getTime() ?? Number.NaN;
    expect(notAfter).toBeLessThanOrEqual(issuing?.validToDate.getTime() ?? Number.NaN);
    // The enrolment itself takes part of a second or of a few.
    expect(notAfter - at).toBeGreaterThan(lasts - 2 * second);
    expect(notAfter - at).toBeLessThan(lasts + 20 * second);
    expect(judged(issued.certificate, "pump-1")).toEqual({ allow: true });
    expect(judged(issued.certificate, "pump-1", notAfter - second)).toMatchObject({
      code: "validity_not_permitted",
    });
    expect(Date.parse(issued.renewAfter)).toBeLessThan(notAfter);
  });

  it("a renewal is clamped as an enrolment is", async () => {
    moveTo(50 * day);
    const { certificate } = await enroll(opened.app, await request("pump-1"));
    moveTo(10 * day);
    const client = await authenticateClientCertificate(opened.app, { certificate });
    const renewed = await renew(opened.app, { fleet, client, csr: deviceCsr(deviceKey()) });
    expect(new Date(renewed.notAfter).getTime()).toBe(end);
    expect(judged(renewed.certificate, "pump-1")).toEqual({ allow: true });
  });

  it("with nothing left: authority_unavailable, no signature, no record, and the token is not spent", async () => {
    const keys = faultyKeys(opened.app.keys);
    const app = { ...opened.app, keys };
    moveTo(minute);
    const asked = await request("pump-1");
    moveTo(0);
    expect(await codeOf(enroll(app, asked))).toBe("authority_unavailable");
    opened.clock.advance(day / 2);
    expect(await codeOf(enroll(app, asked))).toBe("authority_unavailable");
    expect(keys.signatures).toBe(0);
    const { certificates } = await listCertificates(app, { fleet, deviceId: "pump-1", limit: 1 });
    expect(certificates).toEqual([]);
    opened.clock.advance(-day / 2 - minute);
    await expect(enroll(app, asked)).resolves.toHaveProperty("certificate");
  });
});
