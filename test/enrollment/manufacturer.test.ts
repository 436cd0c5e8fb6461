/** Room: test. A maker's certificate (IEEE 802.1AR IDevID): which of them enrol which device, and which do not. */
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { signatureAlgorithms } from "../../core/formats/algorithms.ts";
import { name } from "../../core/formats/name.ts";
import { extension } from "../../core/formats/x509/extension.ts";
import {
  basicConstraints,
  extendedKeyUsage,
  keyPurposes,
  keyUsage,
} from "../../core/formats/x509/extensions/index.ts";
import type { App } from "../../core/ports.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { faultyKeys } from "../support/faulty-keys.ts";
import { addFleet, type FleetApp, testFleet as fleet } from "../support/fleet-app.ts";
import { configure, enrolled, openConfiguredFleet, register } from "./fixtures/configured-fleet.ts";
import {
  authorityExtensions,
  type CertificateContent,
  deviceExtensions,
  forever,
  hardwareExtensions,
  hardwareModuleName,
  makeMaker,
  serialNumberSubject,
} from "./fixtures/maker.ts";

const other = "clinic";
const hwType = "1.3.6.1.4.1.32473.7";
const acme = makeMaker({ subject: name([["commonName", "Acme"]]) });
const chips = makeMaker({ subject: name([["commonName", "Chips"]]) });
const bad = {
  expired: makeMaker({ subject: name([["commonName", "Old"]]), validity: { notBefore: 0, notAfter: 1_000 } }),
  notAnAuthority: makeMaker({ subject: name([["commonName", "Leaf"]]), extensions: deviceExtensions }),
  cannotSign: makeMaker({
    subject: name([["commonName", "Unfit"]]),
    extensions: [
      extension(basicConstraints, { cA: true }, true),
      extension(keyUsage, new Set(["cRLSign"] as const), true),
    ],
  }),
  unknownCritical: makeMaker({
    subject: name([["commonName", "Odd"]]),
    extensions: [
      ...authorityExtensions,
      { oid: "1.3.6.1.4.1.32473.1", critical: true, value: Buffer.of(5, 0) },
    ],
  }),
};

let opened: FleetApp;
let app: App;
beforeAll(async () => {
  const trust = (id: string, certificate: string) =>
    ({ id, certificate, identifier: "serialNumber" }) as const;
  const manufacturers = [
    trust("acme", acme.anchor),
    { ...trust("chips", chips.anchor), identifier: "hardwareModuleName" } as const,
    ...Object.entries(bad).map(([id, { anchor }]) => trust(id.toLowerCase(), anchor)),
  ];
  opened = await openConfiguredFleet({ accepts: ["manufacturer"], manufacturers, issuancesPerHour: 3 });
  app = opened.app;
  await addFleet(app, other);
  await configure(app, { accepts: ["manufacturer"] }, other);
  const registration = (deviceId: string, id: string, serialNumber: string) => ({
    deviceId,
    manufacturer: { id, serialNumber },
  });
  await register(app, [
    ...Array.from({ length: 20 }, (_, index) => registration(`pump-${index}`, "acme", `SN-${index}`)),
    ...Object.keys(bad).map((id) => registration(`bad-${id}`, id.toLowerCase(), "SN-1")),
    registration("module-1", "chips", `${hwType}:SN-1`),
    registration("module-2", "chips", `${hwType}:hex:00ff10`),
  ]);
});
afterAll(() => opened.close());

const idevid = (serialNumber: string, content: CertificateContent = {}) =>
  acme.certify({ subject: serialNumberSubject(serialNumber), validity: forever, ...content });

const enrollWith = (certificate: string, csr = deviceCsr(deviceKey())) =>
  enrolled(app, { fleet, certificate, csr });

const subjectOf = async (certificate: string) =>
  new X509Certificate((await enrollWith(certificate)).certificate).subject;

describe("a device with its maker's certificate", () => {
  it("RFC 5280 §4.1.2.5: is enrolled though 99991231235959Z is no date to expire at", async () => {
    const pem = idevid("SN-1");
    expect(new X509Certificate(pem).validTo).toContain("9999");
    expect(await subjectOf(pem)).toBe("CN=pump-1");
  });

  it("X.520: is known by its subject's serialNumber", async () => {
    expect(
      await subjectOf(idevid("SN-2", { validity: { notBefore: 0, notAfter: Date.UTC(2100, 0, 1) } })),
    ).toBe("CN=pump-2");
  });

  it.each([
    { name: "text", octets: Buffer.from("SN-1"), expected: "CN=module-1" },
    { name: "octets that are no text", octets: Buffer.from("00ff10", "hex"), expected: "CN=module-2" },
  ])(
    "RFC 4108 §5: is known by its hardwareModuleName, type and number of $name",
    async ({ octets, expected }) => {
      const extensions = hardwareExtensions([hardwareModuleName(hwType, octets)]);
      expect(await subjectOf(chips.certify({ extensions, validity: forever }))).toBe(expected);
    },
  );

  it("gets the same certificate for the same request, and one signature is made", async () => {
    const keys = faultyKeys(app.keys);
    const request = { fleet, certificate: idevid("SN-3"), csr: deviceCsr(deviceKey()) };
    const first = await enrolled({ ...app, keys }, request);
    expect(await enrolled({ ...app, keys }, request)).toEqual(first);
    expect(keys.signatures).toBe(1);
  });

  it("gets another one after a reset to factory state, as often as the limit of an hour allows", async () => {
    const certificate = idevid("SN-4");
    const serials = new Set<string>();
    for (let count = 0; count < 3; count += 1) serials.add((await enrollWith(certificate)).serialNumber);
    expect(serials.size).toBe(3);
    expect(await codeOf(enrollWith(certificate))).toBe("rate_limited");
  });

  it("renews with what it got, not with its maker's certificate", async () => {
    const { certificate } = await enrollWith(idevid("SN-5"));
    const client = await authenticateClientCertificate(app, { certificate });
    await expect(renew(app, { fleet, client, csr: deviceCsr(deviceKey()) })).resolves.toHaveProperty("chain");
    expect(await codeOf(authenticateClientCertificate(app, { certificate: idevid("SN-5") }))).toBe(
      "client_certificate_untrusted",
    );
  });

  it.each([
    { name: "clientAuth", purposes: [keyPurposes.clientAuth] },
    { name: "any purpose", purposes: [keyPurposes.codeSigning, "2.5.29.37.0"] },
  ])("RFC 5280 §4.2.1.12: may be for $name", async ({ purposes }) => {
    const extensions = [...deviceExtensions, extension(extendedKeyUsage, purposes, true)];
    expect(await subjectOf(idevid("SN-6", { extensions }))).toBe("CN=pump-6");
  });

  it("RFC 5280 §4.2.1.3: may have no keyUsage, which is no restriction", async () => {
    expect(await subjectOf(idevid("SN-7", { extensions: [] }))).toBe("CN=pump-7");
  });
});

describe("a maker's certificate is refused", () => {
  const unknown = { oid: "1.3.6.1.4.1.32473.1", critical: true, value: Buffer.of(5, 0) };
  const [usage] = deviceExtensions;
  const day = 86_400_000;
  const cases: readonly { name: string; content: CertificateContent; expected?: string }[] = [
    { name: "RFC 5280 §4.2: an unknown critical extension", content: { extensions: [unknown] } },
    { name: "RFC 5280 §4.2: one extension twice", content: { extensions: usage ? [usage, usage] : [] } },
    {
      name: "RFC 5280 §4.2.1.9: an authority's",
      content: { extensions: [...deviceExtensions, extension(basicConstraints, { cA: true }, true)] },
    },
    { name: "RFC 5280 §4.2.1.3: one that signs certificates", content: { extensions: authorityExtensions } },
    {
      name: "RFC 5280 §4.2.1.3: one that is not for signatures",
      content: { extensions: [extension(keyUsage, new Set(["keyAgreement"] as const), true)] },
    },
    {
      name: "RFC 5280 §4.2.1.12: one for another purpose",
      content: { extensions: [extension(extendedKeyUsage, [keyPurposes.serverAuth], false)] },
    },
    {
      name: "an extension that is not what it says",
      content: { extensions: [{ oid: keyUsage.oid, critical: true, value: Buffer.of(5, 0) }] },
    },
    {
      name: "expired",
      content: { validity: { notBefore: 0, notAfter: Date.UTC(2026, 0, 1) } },
      expected: "client_certificate_expired",
    },
    {
      name: "not yet valid",
      content: {
        validity: { notBefore: Math.ceil(Date.now() / day) * day + day, notAfter: forever.notAfter },
      },
      expected: "client_certificate_expired",
    },
    { name: "no serialNumber", content: { subject: name([["commonName", "pump-8"]]) } },
    { name: "an empty subject", content: { subject: [] } },
    {
      name: "two serialNumbers",
      content: {
        subject: name([
          ["serialNumber", "SN-8"],
          ["serialNumber", "SN-9"],
        ]),
      },
    },
  ];

  it.each(cases)("$name", async ({ content, expected = "client_certificate_untrusted" }) => {
    expect(await codeOf(enrollWith(idevid("SN-8", content)))).toBe(expected);
  });

  it.each([
    { name: "none", names: [] },
    {
      name: "two",
      names: [
        hardwareModuleName(hwType, Buffer.from("SN-1")),
        hardwareModuleName(hwType, Buffer.from("SN-2")),
      ],
    },
    { name: "an empty one", names: [hardwareModuleName(hwType, Buffer.alloc(0))] },
    {
      name: "one that is not what its type says",
      names: [{ kind: "otherName", type: "1.3.6.1.5.5.7.8.4", value: Buffer.of(5, 0) } as const],
    },
  ])("RFC 4108 §5: of hardware module names $name", async ({ names }) => {
    const own = names.length === 0 ? deviceExtensions : hardwareExtensions(names);
    const certificate = chips.certify({ extensions: own, subject: serialNumberSubject("SN-1") });
    expect(await codeOf(enrollWith(certificate))).toBe("client_certificate_untrusted");
  });

  it("RFC 4108 §5: the same number of another type of hardware is another module", async () => {
    const extensions = hardwareExtensions([hardwareModuleName("1.3.6.1.4.1.32473.8", Buffer.from("SN-1"))]);
    expect(await codeOf(enrollWith(chips.certify({ extensions })))).toBe("device_unknown");
  });

  it.each(Object.entries(bad).map(([kind, maker]) => ({ kind, maker })))(
    "RFC 5280 §6.1.4: under an anchor that is $kind",
    async ({ maker }) => {
      const certificate = maker.certify({ subject: serialNumberSubject("SN-1"), validity: forever });
      expect(await codeOf(enrollWith(certificate))).toBe("client_certificate_untrusted");
    },
  );

  it("SP 800-131A §3: of a weak key", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const spki = publicKey.export({ type: "spki", format: "der" });
    const key = { privateKey, spki, signature: signatureAlgorithms.sha256WithRSAEncryption };
    expect(await codeOf(enrollWith(idevid("SN-8", { key })))).toBe("key_weak");
  });

  it("of another maker of the same name: the key decides, not the name", async () => {
    const forger = makeMaker({ subject: name([["commonName", "Acme"]]) });
    const certificate = forger.certify({ subject: serialNumberSubject("SN-1"), validity: forever });
    expect(await codeOf(enrollWith(certificate))).toBe("client_certificate_untrusted");
  });

  it("one maker's number is not another's", async () => {
    const certificate = acme.certify({ subject: serialNumberSubject(`${hwType}:SN-1`), validity: forever });
    expect(await codeOf(enrollWith(certificate))).toBe("device_unknown");
  });

  it("in a fleet that does not trust the maker, whoever else does", async () => {
    const request = { fleet: other, certificate: idevid("SN-1"), csr: deviceCsr(deviceKey()) };
    expect(await codeOf(enroll(app, request))).toBe("client_certificate_untrusted");
  });

  it("in a fleet that trusts the maker, for a device that only another fleet registered", async () => {
    const trust = { id: "acme", certificate: acme.anchor, identifier: "serialNumber" } as const;
    await configure(app, { manufacturers: [trust] }, other);
    const request = { fleet: other, certificate: idevid("SN-1"), csr: deviceCsr(deviceKey()) };
    expect(await codeOf(enroll(app, request))).toBe("device_unknown");
  });

  it("the anchor itself, and rubbish", async () => {
    for (const certificate of [
      acme.anchor,
      "rubbish",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ])
      expect(await codeOf(enrollWith(certificate))).toBe("client_certificate_untrusted");
  });

  it("a module that is not in the inventory, and after ten attempts for a quarter of an hour", async () => {
    const certificate = idevid("SN-unknown");
    for (let count = 0; count < 10; count += 1)
      expect(await codeOf(enrollWith(certificate))).toBe("device_unknown");
    expect(await codeOf(enrollWith(certificate))).toBe("rate_limited");
    // Nobody else's attempts are used up.
    expect(await subjectOf(idevid("SN-10"))).toBe("CN=pump-10");
  });
});
