/** Certificates alone in CMS, read by OpenSSL and by pkijs. */
import * as pkijs from "pkijs";
import { describe, expect, test } from "vitest";
import { encodeCertsOnly } from "../../core/formats/pkcs7.ts";
import { opensslInstalled, opensslOutput } from "../support/openssl.ts";
import { refusalCode } from "./refusal.ts";
import { deviceTemplate, makeAuthority, rootTemplate, signCertificate } from "./x509/certificate-maker.ts";

const authority = makeAuthority("P-256");
const root = signCertificate(authority, rootTemplate(authority));
const device = signCertificate(authority, deviceTemplate(authority, makeAuthority("P-384").publicKey));
const postQuantum = makeAuthority("ML-DSA-87");
const large = signCertificate(postQuantum, rootTemplate(postQuantum));

const pemBlocks = (text: string): readonly Buffer[] =>
  [...text.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END/g)].map(([, base64 = ""]) =>
    Buffer.from(base64, "base64"),
  );

const cases = [
  { name: "one certificate", certificates: [root] },
  { name: "a chain", certificates: [device, root] },
  { name: "a large one among them", certificates: [large, device, root] },
];

describe.runIf(opensslInstalled)("openssl", () => {
  test.each(cases)("RFC 5652 §5: openssl pkcs7 prints $name", async ({ certificates }) => {
    const raw = encodeCertsOnly(certificates);
    const printed = await opensslOutput(["pkcs7", "-inform", "DER", "-print_certs"], raw);
    expect(pemBlocks(printed)).toEqual([...certificates].sort(Buffer.compare));
  });

  test("RFC 5652 §5.1: openssl cms sees version 1, id-data without content, no signer", async () => {
    const shown = await opensslOutput(
      ["cms", "-cmsout", "-print", "-noout", "-inform", "DER"],
      encodeCertsOnly([root]),
    );
    expect(shown).toMatch(/contentType: pkcs7-signedData/);
    expect(shown).toMatch(/version: 1\s+digestAlgorithms:\s+<EMPTY>/);
    expect(shown).toMatch(/eContentType: pkcs7-data [^\n]+\s+eContent: <ABSENT>/);
    expect(shown).toMatch(/crls:\s+<(?:ABSENT|EMPTY)>\s+signerInfos:\s+<EMPTY>/);
  });
});

test.each(cases)("pkijs reads $name", ({ certificates }) => {
  const info = pkijs.ContentInfo.fromBER(new Uint8Array(encodeCertsOnly(certificates)));
  expect(info.contentType).toBe(pkijs.ContentInfo.SIGNED_DATA);
  const signed = new pkijs.SignedData({ schema: info.content });
  expect([signed.version, signed.signerInfos.length, signed.crls?.length ?? 0]).toEqual([1, 0, 0]);
  const found = signed.certificates?.map((each) => Buffer.from(each.toSchema().toBER()));
  expect(found).toEqual([...certificates].sort(Buffer.compare));
});

test("X.690 §11.6: the order that they are given in makes no difference, and is kept for the caller", () => {
  const given = [root, device, large];
  expect(encodeCertsOnly(given)).toEqual(encodeCertsOnly([large, device, root]));
  expect(given).toEqual([root, device, large]);
});

test("no certificate: refused", () => {
  expect(refusalCode(() => encodeCertsOnly([]))).toBe("der_malformed");
});
