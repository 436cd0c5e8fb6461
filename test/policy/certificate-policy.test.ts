import { describe, expect, test } from "vitest";
import type { GeneralName } from "../../core/formats/general-name.ts";
import { encodeName, name } from "../../core/formats/name.ts";
import * as x from "../../core/formats/x509/extensions/index.ts";
import { decideCertificate } from "../../core/policy/certificate-policy.ts";
import type { Decision } from "../../core/policy/decision.ts";
import type { ProfileId } from "../../core/standard/index.ts";
import { identities, type Subject, subject, withExtension, withFields, without } from "../lint/subjects.ts";

const day = 86_400_000;

function decide({ tbs, context }: Subject, profile: ProfileId = context.profile.id): Decision {
  const issuer = context.issuer === "self" ? context.issuer : { notAfter: context.issuer.validity.notAfter };
  return decideCertificate(tbs, context.profile, identities[profile], issuer);
}

const spiffe: GeneralName = {
  kind: "uniformResourceIdentifier",
  value: "spiffe://fleet.example/fleet/clinic/device/pump-7",
};
const dns = (value: string): GeneralName => ({ kind: "dNSName", value });
const ip = (value: string): GeneralName => ({ kind: "iPAddress", value });
const device = (): Subject => subject("device");
const renamed = (commonName: string): Subject => {
  const own = name([["commonName", commonName]]);
  return withFields(device(), { subject: own, subjectRaw: encodeName(own) });
};
const sans = (...names: GeneralName[]): Subject => withExtension(device(), x.subjectAltName, names);
const serverSans = (...names: GeneralName[]): Subject =>
  withExtension(subject("server"), x.subjectAltName, names);
const lasting = (base: Subject, milliseconds: number): Subject => {
  const { notBefore } = base.tbs.validity;
  return withFields(base, { validity: { notBefore, notAfter: notBefore + milliseconds } });
};

describe("the final certificate", () => {
  for (const profile of ["root", "issuing", "cross", "device", "server", "operator"] as const) {
    test(`as issuance builds it: profile ${profile}`, () =>
      expect(decide(subject(profile))).toEqual({ allow: true }));
  }

  test("an RSA device gets keyEncipherment, and only it", () => {
    expect(decide(subject("device", "RSA-2048"))).toEqual({ allow: true });
    const ec = withExtension(
      device(),
      x.keyUsage,
      new Set(["digitalSignature", "keyEncipherment"] as const),
      true,
    );
    expect(decide(ec)).toMatchObject({ code: "profile_not_permitted" });
  });

  const denied: Readonly<Record<string, readonly [code: string, make: () => Subject]>> = {
    "CVE-2026-105818: a SAN beside the identity's": [
      "name_not_permitted",
      () => sans(spiffe, dns("evil.example")),
    ],
    "OpenBao CVE-2026-115369: an IP SAN beside the identity's": [
      "name_not_permitted",
      () => sans(spiffe, ip("192.0.2.1")),
    ],
    "OpenBao CVE-2026-115369: an IP SAN in the place of the identity's": [
      "name_not_permitted",
      () => sans(ip("192.0.2.1")),
    ],
    "OpenBao CVE-2026-115369: an IPv6 SAN": ["name_not_permitted", () => sans(spiffe, ip("2001:db8::1"))],
    "OpenBao CVE-2026-115369: another IP SAN than the server's": [
      "name_not_permitted",
      () => serverSans(dns("api.fleet.example"), ip("192.0.2.2")),
    ],
    "OpenBao CVE-2026-115369: the server's IP address as a DNS name": [
      "name_not_permitted",
      () => serverSans(dns("api.fleet.example"), dns("192.0.2.1")),
    ],
    "another SPIFFE ID": [
      "name_not_permitted",
      () => sans({ kind: "uniformResourceIdentifier", value: `${spiffe.value}8` }),
    ],
    "CVE-2026-115732: the SPIFFE ID in another case": [
      "name_not_permitted",
      () =>
        sans({
          kind: "uniformResourceIdentifier",
          value: "spiffe://FLEET.example/fleet/clinic/device/pump-7",
        }),
    ],
    "the SPIFFE ID twice": ["name_not_permitted", () => sans(spiffe, spiffe)],
    "no SAN": ["name_not_permitted", () => without(device(), x.subjectAltName)],
    "another common name": ["name_not_permitted", () => renamed("pump-8")],
    "the common name in another case": ["name_not_permitted", () => renamed("PUMP-7")],
    "CA:TRUE": [
      "profile_not_permitted",
      () => withExtension(device(), x.basicConstraints, { cA: true }, true),
    ],
    "another path length": [
      "profile_not_permitted",
      () => withExtension(subject("issuing"), x.basicConstraints, { cA: true, pathLenConstraint: 1 }, true),
    ],
    "one purpose more": [
      "profile_not_permitted",
      () => withExtension(device(), x.extendedKeyUsage, [...Object.values(x.keyPurposes)]),
    ],
    "one purpose less": [
      "profile_not_permitted",
      () => withExtension(device(), x.extendedKeyUsage, [x.keyPurposes.clientAuth]),
    ],
    "no purpose": ["profile_not_permitted", () => without(device(), x.extendedKeyUsage)],
    "no key usage": ["profile_not_permitted", () => without(device(), x.keyUsage)],
    "one usage more": [
      "profile_not_permitted",
      () =>
        withExtension(device(), x.keyUsage, new Set(["digitalSignature", "nonRepudiation"] as const), true),
    ],
    "an extension of no profile": [
      "profile_not_permitted",
      () => withExtension(device(), x.noRevAvail, true),
    ],
    "an unknown extension": [
      "profile_not_permitted",
      () =>
        withFields(device(), {
          extensions: [
            ...device().tbs.extensions,
            { oid: "1.2.3.4", critical: false, value: Buffer.of(5, 0) },
          ],
        }),
    ],
    "a second SAN behind the first": [
      "profile_not_permitted",
      () => {
        const more = {
          oid: x.subjectAltName.oid,
          critical: false,
          value: x.subjectAltName.encode([dns("evil.example")]),
        };
        return withFields(device(), { extensions: [...device().tbs.extensions, more] });
      },
    ],
    "an extension that does not decode": [
      "profile_not_permitted",
      () => {
        const { extensions } = without(device(), x.extendedKeyUsage).tbs;
        const empty = { oid: x.extendedKeyUsage.oid, critical: false, value: Buffer.of(0x30, 0) };
        return withFields(device(), { extensions: [...extensions, empty] });
      },
    ],
    "a key of another kind than the profile's": [
      "algorithm_not_permitted",
      () =>
        withFields(subject("issuing"), {
          subjectPublicKeyInfo: subject("device", "ML-DSA-44").publicKey.der,
        }),
    ],
    "RFC 5280 §4.1.2.5: 397 days and one second": [
      "validity_not_permitted",
      () => lasting(device(), 397 * day),
    ],
    "an end before the start": ["validity_not_permitted", () => lasting(device(), -1000)],
    "a certificate that outlives its issuer": [
      "validity_not_permitted",
      () => {
        const { tbs } = device();
        const notAfter = tbs.validity.notAfter - 1000;
        const issuer = { ...tbs, validity: { ...tbs.validity, notAfter } };
        return { ...device(), context: { ...device().context, issuer } };
      },
    ],
  };
  for (const [title, [code, make]] of Object.entries(denied)) {
    test(`${title}: ${code}`, () => expect(decide(make())).toMatchObject({ allow: false, code }));
  }

  test("OpenBao CVE-2026-115369: the reason names the foreign IP SAN by its place and kind", () => {
    expect(decide(sans(spiffe, ip("192.0.2.1")))).toMatchObject({
      reason: "certificate's subjectAltName 2 of 2 (iPAddress) does not trace to the verified identity",
    });
    expect(decide(serverSans(dns("api.fleet.example"), ip("192.0.2.1")))).toEqual({ allow: true });
  });

  test("397 days to the second are allowed", () => {
    expect(decide(lasting(device(), 397 * day - 1000))).toEqual({ allow: true });
  });

  test("N distinct names: each is checked, not the first N times", () => {
    const { context } = subject("server");
    const dnsNames = Array.from({ length: 64 }, (_, i) => `h${i}.example`);
    const identity = { kind: "server", fleet: "clinic", dnsNames, ipAddresses: [] } as const;
    const own = name([["commonName", "h0.example"]]);
    const base = withFields(subject("server"), { subject: own, subjectRaw: encodeName(own) });
    const judge = (names: readonly string[]): Decision => {
      const { tbs } = withExtension(base, x.subjectAltName, names.map(dns));
      return decideCertificate(tbs, context.profile, identity, "self");
    };
    expect(judge(dnsNames)).toEqual({ allow: true });
    for (const index of [0, 1, 31, 63]) {
      const one = dnsNames.with(index, "evil.example");
      expect(judge(one)).toMatchObject({
        allow: false,
        reason: expect.stringContaining(`${index + 1} of 64`),
      });
      const twice = dnsNames.with(index, dnsNames[(index + 1) % 64] ?? "");
      expect(judge(twice)).toMatchObject({ allow: false });
    }
  });

  test("a profile for another kind of subject", () => {
    expect(decide(device(), "server")).toMatchObject({ code: "profile_not_permitted" });
  });
});
