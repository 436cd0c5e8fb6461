import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { commonNames } from "../../../core/formats/name.ts";
import {
  decodeCertificate,
  encodeCertificate,
  verifyCertificateSignature,
} from "../../../core/formats/x509/certificate.ts";
import {
  decodeTbsCertificate,
  encodeTbsCertificate,
  type TbsCertificateTemplate,
} from "../../../core/formats/x509/tbs-certificate.ts";
import { hex } from "../refusal.ts";
import {
  type Authority,
  authorityIds,
  deviceTemplate,
  makeAuthority,
  otherSignature,
  signCertificate,
} from "./certificate-maker.ts";

let authority: Authority;
let template: TbsCertificateTemplate;
let device: Buffer;

beforeAll(() => {
  authority = makeAuthority("P-256");
  template = deviceTemplate(authority, makeAuthority("P-256").publicKey);
  device = signCertificate(authority, template);
});

describe("verifyCertificateSignature", () => {
  const verify = (raw: Uint8Array, issuer: Authority): Promise<boolean> =>
    verifyCertificateSignature(decodeCertificate(raw), issuer.publicKey);

  test.each(authorityIds)(
    "an authority of %s: we and node:crypto verify its signature, and no other",
    async (id) => {
      const issuer = makeAuthority(id);
      const issued = signCertificate(issuer, deviceTemplate(issuer, authority.publicKey));
      expect(await verify(issued, issuer)).toBe(true);
      expect(new X509Certificate(issued).verify(issuer.publicKey.keyObject)).toBe(true);
      expect(await verify(issued, id === "P-256" ? makeAuthority("P-256") : authority)).toBe(false);
      const { tbs, signatureValue } = decodeCertificate(issued);
      for (const view of [tbs.raw, signatureValue]) {
        const changed = Buffer.from(issued);
        const at = view.byteOffset - issued.byteOffset + (view === tbs.raw ? 20 : view.length - 1);
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(await verify(changed, issuer)).toBe(false);
      }
    },
  );

  test("RFC 5280 §4.1.1.2: algorithm identifiers that differ inside and outside do not verify", async () => {
    const { tbs, signatureValue } = decodeCertificate(device);
    expect(await verify(device, authority)).toBe(true);
    expect(await verify(encodeCertificate(tbs.raw, otherSignature, signatureValue), authority)).toBe(false);
    const inside = signCertificate(authority, { ...template, signature: otherSignature });
    expect(await verify(inside, authority)).toBe(false);
  });

  test.each([
    { name: "an empty signature", signature: () => Buffer.alloc(0) },
    { name: "a signature that is not DER", signature: () => Buffer.from("00112233", "hex") },
    { name: "r and s of zero", signature: () => hex("3006020100020100") },
    {
      name: "octets after the signature",
      signature: () => Buffer.concat([decodeCertificate(device).signatureValue, hex("00")]),
    },
  ])("$name does not verify and does not throw", async ({ signature }) => {
    expect(
      await verify(
        encodeCertificate(encodeTbsCertificate(template), template.signature, signature()),
        authority,
      ),
    ).toBe(false);
  });

  test("an algorithm that is not in our table does not verify", async () => {
    const unknown = { ...template.signature, identifier: hex("300406022a03") };
    const tbs = encodeTbsCertificate({ ...template, signature: unknown });
    expect(await verify(encodeCertificate(tbs, unknown, Buffer.alloc(64)), authority)).toBe(false);
    expect(commonNames(decodeTbsCertificate(tbs).subject)).toEqual(["pump-7"]);
  });
});
