import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { signatureAlgorithms } from "../../../core/formats/algorithms.ts";
import { decodeSubjectPublicKey } from "../../../core/formats/spki.ts";
import {
  type Certificate,
  decodeCertificate,
  verifyCertificateSignature,
} from "../../../core/formats/x509/certificate.ts";
import { type ExtensionType, extension } from "../../../core/formats/x509/extension.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  extensionTypes,
  nameConstraints,
  subjectAltName,
} from "../../../core/formats/x509/extensions/index.ts";
import { encodeTbsCertificate } from "../../../core/formats/x509/tbs-certificate.ts";
import { opensslInstalled, opensslOutput, withFiles } from "../../support/openssl.ts";

const config = `
[req]
distinguished_name = dn
x509_extensions = ext
prompt = no
utf8 = yes
string_mask = utf8only
[dn]
C = CH
O = Acmé
CN = OpenSSL root
[ext]
basicConstraints = critical,CA:TRUE,pathlen:1
keyUsage = critical,keyCertSign,cRLSign,digitalSignature
extendedKeyUsage = serverAuth,clientAuth,OCSPSigning
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid,issuer:always
subjectAltName = DNS:a.example,IP:192.0.2.1,IP:2001:db8::1,URI:spiffe://a/b,email:a@b.example,RID:1.2.3,dirName:dir,otherName:1.2.3.4;UTF8:x
issuerAltName = DNS:ca.example
nameConstraints = critical,permitted;DNS:.example,permitted;IP:10.0.0.0/255.0.0.0,excluded;email:evil.example
certificatePolicies = 1.2.3.4,@policy
crlDistributionPoints = URI:http://a.example/1.crl,URI:http://a.example/2.crl
authorityInfoAccess = OCSP;URI:http://ocsp.example,caIssuers;URI:http://a.example/ca.cer
noCheck = ignored
2.5.29.56 = ASN1:NULL
[dir]
CN = inner
[policy]
policyIdentifier = 1.2.3.5
CPS.1 = http://a.example/cps
`;

/** A self-signed certificate of OpenSSL's, DER. */
function opensslCertificate(): Promise<Buffer> {
  return withFiles({ config }, async (path) => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path("key")];
    const common = ["-config", path("config"), "-days", "3650", "-outform", "DER", "-out", path("root")];
    await opensslOutput(["req", "-x509", "-sha256", ...key, ...common]);
    return readFile(path("root"));
  });
}

describe.skipIf(!opensslInstalled)("we read what OpenSSL, where installed, writes", () => {
  let certificate: Certificate;
  beforeAll(async () => {
    certificate = decodeCertificate(await opensslCertificate());
  });
  const read = <Value>(type: ExtensionType<Value>): Value | undefined => {
    const found = certificate.tbs.extensions.find(({ oid }) => oid === type.oid);
    return found && type.decode(found.value);
  };

  test("its certificate decodes, and encodes to the same octets", () => {
    const { tbs } = certificate;
    expect(tbs.subject.flat().map(({ value }) => value)).toEqual(["CH", "Acmé", "OpenSSL root"]);
    expect(tbs.extensions.map(({ oid }) => oid).sort()).toEqual([...extensionTypes.keys()].sort());
    const extensions = tbs.extensions.map(({ oid, critical, value }) => {
      const type = extensionTypes.get(oid);
      return type === undefined ? { oid, critical, value } : extension(type, type.decode(value), critical);
    });
    const signature = signatureAlgorithms["ecdsa-with-SHA256"];
    expect(encodeTbsCertificate({ ...tbs, extensions, signature })).toEqual(tbs.raw);
  });

  test("its values are what its configuration says", () => {
    expect(read(basicConstraints)).toEqual({ cA: true, pathLenConstraint: 1 });
    expect(read(subjectAltName)?.slice(0, 6)).toEqual([
      { kind: "dNSName", value: "a.example" },
      { kind: "iPAddress", value: "192.0.2.1" },
      { kind: "iPAddress", value: "2001:db8::1" },
      { kind: "uniformResourceIdentifier", value: "spiffe://a/b" },
      { kind: "rfc822Name", value: "a@b.example" },
      { kind: "registeredID", value: "1.2.3" },
    ]);
    expect(read(nameConstraints)).toEqual({
      permittedSubtrees: [
        { kind: "dNSName", value: ".example" },
        { kind: "iPAddress", value: "10.0.0.0/8" },
      ],
      excludedSubtrees: [{ kind: "rfc822Name", value: "evil.example" }],
    });
    expect(read(crlDistributionPoints)?.length).toBe(2);
    expect(read(authorityKeyIdentifier)?.authorityCertSerialNumber).toEqual(certificate.tbs.serialNumber);
  });

  test("its self-signature verifies", async () => {
    const issuer = decodeSubjectPublicKey(certificate.tbs.subjectPublicKeyInfo);
    expect(await verifyCertificateSignature(certificate, issuer)).toBe(true);
  });
});
