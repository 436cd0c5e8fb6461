// @peculiar/x509 needs this polyfill before it is loaded.
import "reflect-metadata";
import { createPublicKey, X509Certificate } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as PeculiarCertificate,
  SubjectAlternativeNameExtension,
} from "@peculiar/x509";
import { describe, expect, test } from "vitest";
import { name } from "../../../core/formats/name.ts";
import { encodePem } from "../../../core/formats/pem.ts";
import { decodeCertificate } from "../../../core/formats/x509/certificate.ts";
import { extension } from "../../../core/formats/x509/extension.ts";
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  certificatePolicies,
  crlDistributionPoints,
  issuerAltName,
  nameConstraints,
  noRevAvail,
  ocspNoCheck,
  subjectAltName,
} from "../../../core/formats/x509/extensions/index.ts";
import { serialNumberHex } from "../../../core/formats/x509/tbs-certificate.ts";
import { opensslInstalled, opensslKnows, opensslOutput, verifyChain } from "../../support/openssl.ts";
import {
  authorityIds,
  deviceTemplate,
  makeAuthority,
  rootTemplate,
  signCertificate,
  validity,
} from "./certificate-maker.ts";

const authority = makeAuthority("P-256");
const subject = makeAuthority("P-384").publicKey;

/** A device certificate that carries every extension we know, several names in each. */
const everything = signCertificate(authority, {
  ...deviceTemplate(authority, subject),
  subject: name([
    ["countryName", "CH"],
    ["organizationName", 'Acmé, "Pumps"+1'],
    ["commonName", "#pump 7 "],
  ]),
  extensions: [
    ...deviceTemplate(authority, subject).extensions.filter(
      ({ oid }) => oid !== subjectAltName.oid && oid !== authorityKeyIdentifier.oid,
    ),
    extension(
      subjectAltName,
      [
        { kind: "dNSName", value: "pump-7.example" },
        { kind: "iPAddress", value: "192.0.2.7" },
        { kind: "iPAddress", value: "2001:db8::7" },
        { kind: "uniformResourceIdentifier", value: "spiffe://fleet.example/pump-7" },
        { kind: "rfc822Name", value: "ops@fleet.example" },
        { kind: "registeredID", value: "1.2.3.4" },
        { kind: "directoryName", value: name([["commonName", "pump-7"]]) },
        { kind: "otherName", type: "1.3.6.1.4.1.311.20.2.3", value: Buffer.from("0c0375706e", "hex") },
      ],
      true,
    ),
    extension(issuerAltName, [{ kind: "dNSName", value: "ca.example" }], false),
    extension(
      authorityKeyIdentifier,
      {
        keyIdentifier: authority.publicKey.keyIdentifier,
        authorityCertIssuer: [{ kind: "directoryName", value: name([["commonName", "root"]]) }],
        authorityCertSerialNumber: Buffer.of(0x0a, 0x0b),
      },
      false,
    ),
    extension(
      nameConstraints,
      {
        permittedSubtrees: [
          { kind: "dNSName", value: "example" },
          { kind: "iPAddress", value: "10.0.0.0/8" },
        ],
        excludedSubtrees: [{ kind: "iPAddress", value: "2001:db8::/32" }],
      },
      true,
    ),
    extension(certificatePolicies, [{ policyIdentifier: "1.2.3.4.5" }], false),
    extension(
      crlDistributionPoints,
      [{ fullName: [{ kind: "uniformResourceIdentifier", value: "http://crl.example/1.crl" }] }],
      false,
    ),
    extension(
      authorityInfoAccess,
      [
        {
          accessMethod: "1.3.6.1.5.5.7.48.2",
          accessLocation: { kind: "uniformResourceIdentifier", value: "http://ca.example/1.cer" },
        },
      ],
      false,
    ),
    extension(ocspNoCheck, true, false),
    extension(noRevAvail, true, false),
  ],
});

describe.skipIf(!opensslInstalled)("OpenSSL, where installed, reads what we write", () => {
  test("openssl x509 -text shows every field", async () => {
    const pem = encodePem("CERTIFICATE", everything);
    const text = (await opensslOutput(["x509", "-noout", "-text"], pem)).replace(/\s+/g, " ");
    const expected = [
      "Version: 3 (0x2)",
      "Serial Number: f0:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f",
      "Signature Algorithm: ecdsa-with-SHA256",
      "Not Before: Jan 1 00:00:00 2025 GMT Not After : Jan 1 00:00:00 2055 GMT",
      "NIST CURVE: P-384",
      "X509v3 Basic Constraints: critical CA:FALSE",
      "X509v3 Key Usage: critical Digital Signature X509v3",
      "X509v3 Extended Key Usage: TLS Web Client Authentication, TLS Web Server Authentication",
      "X509v3 Subject Alternative Name: critical DNS:pump-7.example, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7, " +
        "URI:spiffe://fleet.example/pump-7, email:ops@fleet.example, Registered ID:1.2.3.4, DirName:",
      "X509v3 Issuer Alternative Name: DNS:ca.example",
      "DirName:/CN=root serial:0A:0B",
      "X509v3 Name Constraints: critical Permitted: DNS:example IP:10.0.0.0/255.0.0.0 Excluded: IP:2001:DB8:0:0:0:0:0:0/FFFF:FFFF:0:0:0:0:0:0",
      "X509v3 Certificate Policies: Policy: 1.2.3.4.5",
      "X509v3 CRL Distribution Points: Full Name: URI:http://crl.example/1.crl",
      "Authority Information Access: CA Issuers - URI:http://ca.example/1.cer",
      "OCSP No Check:",
    ];
    for (const each of expected) expect(text).toContain(each);
    // Words that differ between versions of OpenSSL.
    expect(text).toMatch(/(?:2\.5\.29\.56|No Revocation Available): \.\./);
    expect(text).toMatch(/DirName:\/?CN ?= ?pump-7, othername: UPN: ?:upn/);
  });

  test("RFC 4514: openssl x509 -nameopt RFC2253 shows the names that went in, escaped", async () => {
    const options = ["-inform", "DER", "-noout", "-subject", "-issuer", "-nameopt", "RFC2253,-esc_msb,utf8"];
    const shown = await opensslOutput(["x509", ...options], everything);
    expect(shown.trim().split("\n")).toEqual([
      String.raw`subject=CN=\#pump 7\ ,O=Acmé\, \"Pumps\"\+1,C=CH`,
      String.raw`issuer=CN=root 1,O=Acme\, Pümps`,
    ]);
  });

  test("openssl asn1parse walks it to the end", async () => {
    const lines = (await opensslOutput(["asn1parse", "-inform", "DER"], everything)).trim().split("\n");
    expect(lines[0]?.replace(/\s+/g, "")).toContain(`l=${everything.length - 4}cons:SEQUENCE`);
    expect(lines.at(-1)).toContain("BIT STRING");
  });

  for (const id of authorityIds) {
    test.skipIf(!opensslKnows(id))(
      `openssl verify -x509_strict, where its version knows them, accepts a chain of ${id}`,
      async () => {
        const issuer = makeAuthority(id);
        const root = encodePem("CERTIFICATE", signCertificate(issuer, rootTemplate(issuer)));
        const leaf = encodePem("CERTIFICATE", signCertificate(issuer, deviceTemplate(issuer, subject)));
        const verdict = await verifyChain(leaf, "", root);
        expect(verdict, verdict.output).toMatchObject({
          accepted: true,
          stdout: expect.stringMatching(/leaf: OK\n$/),
        });
      },
    );
  }
});

describe("@peculiar/x509 and node:crypto read what we write", () => {
  const device = signCertificate(authority, deviceTemplate(authority, subject));

  test("@peculiar/x509 agrees on every field", () => {
    const judged = new PeculiarCertificate(new Uint8Array(device));
    const { tbs } = decodeCertificate(device);
    expect(judged.serialNumber).toBe(serialNumberHex(tbs.serialNumber));
    expect(judged.subject).toBe("CN=pump-7");
    expect(judged.notBefore.getTime()).toBe(validity.notBefore);
    expect(judged.notAfter.getTime()).toBe(validity.notAfter);
    expect(Buffer.from(judged.publicKey.rawData)).toEqual(subject.der);
    expect(
      judged.extensions.map(({ type, critical, value }) => ({
        oid: type,
        critical,
        value: Buffer.from(value),
      })),
    ).toEqual(tbs.extensions);
    expect(judged.getExtension(BasicConstraintsExtension)?.ca).toBe(false);
    expect(judged.getExtension(KeyUsagesExtension)?.usages).toBe(KeyUsageFlags.digitalSignature);
    expect(judged.getExtension(ExtendedKeyUsageExtension)?.usages).toEqual([
      "1.3.6.1.5.5.7.3.2",
      "1.3.6.1.5.5.7.3.1",
    ]);
    expect(judged.getExtension(SubjectAlternativeNameExtension)?.names.toJSON()).toEqual([
      { type: "url", value: "spiffe://fleet.example/fleet/default/device/pump-7" },
    ]);
    expect(judged.getExtension(AuthorityKeyIdentifierExtension)?.keyId).toBe(
      authority.publicKey.keyIdentifier.toString("hex"),
    );
  });

  test("node:crypto agrees on every field", () => {
    const judged = new X509Certificate(everything);
    expect(judged.serialNumber.toLowerCase()).toBe("f00102030405060708090a0b0c0d0e0f");
    expect(judged.subjectAltName).toContain("DNS:pump-7.example, IP Address:192.0.2.7");
    expect(judged.validToDate.getTime()).toBe(validity.notAfter);
    expect(judged.ca).toBe(false);
    expect(
      judged.publicKey.equals(
        createPublicKey({ key: Buffer.from(subject.der), format: "der", type: "spki" }),
      ),
    ).toBe(true);
    expect(judged.verify(authority.publicKey.keyObject)).toBe(true);
  });
});
