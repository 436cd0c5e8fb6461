import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { signatureAlgorithmOf } from "../../../core/formats/algorithms.ts";
import { encodeContext, encodePrimitiveContext, encodeSequence } from "../../../core/formats/der/writer.ts";
import { name } from "../../../core/formats/name.ts";
import { decodeSubjectPublicKey } from "../../../core/formats/spki.ts";
import { decodeCertificate, encodeCertificate } from "../../../core/formats/x509/certificate.ts";
import { extensionTypes } from "../../../core/formats/x509/extensions/index.ts";
import {
  decodeTbsCertificate,
  encodeTbsCertificate,
  serialNumberHex,
  type TbsCertificate,
  type TbsCertificateTemplate,
} from "../../../core/formats/x509/tbs-certificate.ts";
import { emptied, mutations, parseTree, writeTree } from "../der-tree.ts";
import { accepts, hex, refusalCode } from "../refusal.ts";
import {
  type Authority,
  deviceTemplate,
  makeAuthority,
  rootTemplate,
  signCertificate,
  validity,
} from "./certificate-maker.ts";

let authority: Authority;
let template: TbsCertificateTemplate;
let device: Buffer;

beforeAll(() => {
  authority = makeAuthority("P-256");
  template = deviceTemplate(authority, makeAuthority("P-256").publicKey);
  device = signCertificate(authority, template);
});

/** The template that a decoded certificate was made from, where it could have been made by us. */
function templateOf(tbs: TbsCertificate): TbsCertificateTemplate | undefined {
  const signature = signatureAlgorithmOf(tbs.signature);
  const ours = tbs.version === 3 && (tbs.serialNumber[0] ?? 0) < 0x80 && !tbs.hasUniqueIdentifiers;
  return signature !== undefined && ours ? { ...tbs, signature } : undefined;
}

/** Reads everything there is in a certificate. */
function readAll(raw: Uint8Array): void {
  const { tbs } = decodeCertificate(raw);
  decodeSubjectPublicKey(tbs.subjectPublicKeyInfo);
  for (const { oid, value } of tbs.extensions) extensionTypes.get(oid)?.decode(value);
}

describe("encodeTbsCertificate and decodeTbsCertificate", () => {
  test("every field comes back", () => {
    const encoded = encodeTbsCertificate(template);
    const decoded = decodeTbsCertificate(encoded);
    expect(decoded).toMatchObject({
      version: 3,
      validity,
      // RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050.
      validityTags: [0x17, 0x18],
      hasUniqueIdentifiers: false,
      issuer: template.issuer,
      subject: template.subject,
      extensions: template.extensions,
    });
    expect(Buffer.from(decoded.serialNumber).toString("hex")).toBe("00f00102030405060708090a0b0c0d0e0f");
    expect(serialNumberHex(decoded.serialNumber)).toBe("f00102030405060708090a0b0c0d0e0f");
    expect(decoded.subjectPublicKeyInfo).toEqual(template.subjectPublicKeyInfo);
    expect(encodeTbsCertificate({ ...decoded, signature: template.signature })).toEqual(encoded);
  });

  test.each([
    { name: "leading zero digit kept", content: "0a3f", expected: "0a3f" },
    { name: "sign octet dropped", content: "00ff", expected: "ff" },
    { name: "zero", content: "00", expected: "00" },
  ])("serialNumberHex: $name", ({ content, expected }) => {
    expect(serialNumberHex(hex(content))).toBe(expected);
  });

  test.each([
    { name: "20 octets", serialNumber: "7f".repeat(20), expected: true },
    { name: "20 octets that need a sign octet", serialNumber: "ff".repeat(20), expected: false },
    { name: "21 octets", serialNumber: "01".repeat(21), expected: false },
    { name: "21 octets of which the first is zero", serialNumber: `00${"7f".repeat(20)}`, expected: true },
    { name: "no octet", serialNumber: "", expected: false },
  ])("RFC 5280 §4.1.2.2: a serial number of $name", ({ serialNumber, expected }) => {
    const changed = { ...template, serialNumber: hex(serialNumber) };
    expect(accepts(() => encodeTbsCertificate(changed))).toBe(expected);
  });

  test.each<{ name: string; change: Partial<TbsCertificateTemplate> }>([
    { name: "half a second", change: { validity: { ...validity, notBefore: validity.notBefore + 500 } } },
    { name: "a time before 1950", change: { validity: { ...validity, notBefore: Date.UTC(1949, 0, 1) } } },
    { name: "a name that cannot be read", change: { subject: [[]] } },
    {
      name: "an extension without an OID",
      change: { extensions: [{ oid: "x", critical: false, value: hex("0500") }] },
    },
  ])("refused: $name", ({ change }) => {
    expect(refusalCode(() => encodeTbsCertificate({ ...template, ...change }))).toBe("certificate_malformed");
  });

  test("an empty subject and no extensions are encoded as RFC 5280 §4.1 has them", () => {
    const bare = decodeTbsCertificate(
      encodeTbsCertificate({ ...template, subject: name([]), extensions: [] }),
    );
    expect(bare.subject).toEqual([]);
    expect(bare.extensions).toEqual([]);
  });

  /** The TBS with its fields changed: 0 version, 1 serial, 2 algorithm, 3 issuer, 4 validity, 5 subject, 6 key, 7 extensions. */
  const changed = (change: (fields: Buffer[]) => Buffer[]): Buffer => {
    const fields = parseTree(encodeTbsCertificate(template)).children ?? [];
    return encodeSequence(...change(fields.map(writeTree)));
  };

  test.each<{ name: string; change: (fields: Buffer[]) => Buffer[]; expected: Partial<TbsCertificate> }>([
    { name: "version 1", change: (f) => f.slice(1, 7), expected: { version: 1, extensions: [] } },
    { name: "version 2", change: (f) => [hex("a003020101"), ...f.slice(1, 7)], expected: { version: 2 } },
    {
      name: "a serial number of zero",
      change: (f) => f.with(1, hex("020100")),
      expected: { serialNumber: hex("00") },
    },
    {
      name: "a negative serial number",
      change: (f) => f.with(1, hex("0201ff")),
      expected: { serialNumber: hex("ff") },
    },
    { name: "a long serial number", change: (f) => f.with(1, hex(`0218${"11".repeat(24)}`)), expected: {} },
    {
      name: "unique identifiers",
      change: (f) =>
        f.toSpliced(7, 0, encodePrimitiveContext(1, hex("00ff")), encodePrimitiveContext(2, hex("00ff"))),
      expected: { hasUniqueIdentifiers: true },
    },
    { name: "extensions in version 1", change: (f) => f.slice(1), expected: { version: 1 } },
  ])("read, for lint to judge: $name", ({ change, expected }) => {
    expect(decodeTbsCertificate(changed(change))).toMatchObject(expected);
  });

  test.each<{ name: string; change: (fields: Buffer[]) => Buffer[] }>([
    { name: "X.690 §11.5: version 1, encoded", change: (f) => f.with(0, hex("a003020100")) },
    { name: "version 4", change: (f) => f.with(0, hex("a003020103")) },
    { name: "an empty version", change: (f) => f.with(0, hex("a000")) },
    { name: "no serial number", change: (f) => f.toSpliced(1, 1) },
    { name: "an empty algorithm identifier", change: (f) => f.with(2, hex("3000")) },
    {
      name: "an algorithm identifier of three elements",
      change: (f) => f.with(2, hex("300806022a0305000500")),
    },
    { name: "an algorithm identifier without OID", change: (f) => f.with(2, hex("30020500")) },
    {
      name: "one time",
      change: (f) => f.with(4, hex(`300f170d${Buffer.from("250101000000Z").toString("hex")}`)),
    },
    { name: "no times", change: (f) => f.with(4, hex("3000")) },
    {
      name: "GeneralizedTime before 2050",
      change: (f) =>
        f.with(
          4,
          Buffer.from(
            `3022180f${Buffer.from("20250101000000Z").toString("hex")}180f${Buffer.from("20260101000000Z").toString("hex")}`,
            "hex",
          ),
        ),
    },
    { name: "a public key that is no SEQUENCE", change: (f) => f.with(6, hex("0500")) },
    { name: "empty extensions", change: (f) => f.with(7, encodeContext(3, hex("3000"))) },
    { name: "extensions without their list", change: (f) => f.with(7, hex("a300")) },
    { name: "extensions twice", change: (f) => [...f, f[7] ?? hex("")] },
    {
      name: "unique identifiers out of order",
      change: (f) => f.toSpliced(7, 0, hex("820200ff"), hex("810200ff")),
    },
    { name: "a field more", change: (f) => [...f, hex("0500")] },
  ])("refused: $name", ({ change }) => {
    expect(refusalCode(() => decodeTbsCertificate(changed(change)))).toBe("certificate_malformed");
  });
});

describe("decodeCertificate", () => {
  test("every field comes back, as views of the input", () => {
    const decoded = decodeCertificate(device);
    expect(decoded.raw).toBe(device);
    expect(decoded.tbs.raw.buffer).toBe(device.buffer);
    expect(decoded.tbs.raw).toEqual(encodeTbsCertificate(template));
    expect(decoded.signatureAlgorithm).toEqual(template.signature.identifier);
    expect(encodeCertificate(decoded.tbs.raw, template.signature, decoded.signatureValue)).toEqual(device);
  });

  test.each([
    { name: "nothing", input: () => hex("") },
    { name: "an empty sequence", input: () => hex("3000") },
    { name: "trailing octets", input: () => Buffer.concat([device, hex("00")]) },
    { name: "the last octet missing", input: () => device.subarray(0, -1) },
    { name: "a TBSCertificate alone", input: () => encodeTbsCertificate(template) },
    {
      name: "no signature",
      input: () => encodeSequence(encodeTbsCertificate(template), template.signature.identifier),
    },
    {
      name: "more than 65,536 octets",
      input: () => encodeCertificate(device, template.signature, Buffer.alloc(65_536)),
    },
    { name: "60,000 levels of nesting", input: () => hex("3080".repeat(30_000)) },
  ])("refused: $name", ({ input }) => {
    expect(refusalCode(() => decodeCertificate(input()))).toBe("certificate_malformed");
  });

  test("every list emptied is refused, but names (RFC 5280 §4.1.2.6) and `not a CA`", () => {
    // TBS fields: 0/3 issuer, 0/5 subject. The root's first extension is basicConstraints.
    const root = signCertificate(authority, rootTemplate(authority));
    const accepted = mutations(parseTree(root, true), emptied).filter(({ bytes }) =>
      accepts(() => readAll(bytes)),
    );
    expect(accepted.map(({ path }) => path)).toEqual(["0/3", "0/5", "0/7/0/0/2/0"]);
  });

  test("one octet changed anywhere: an AppError, or a certificate that encodes to the same octets", () => {
    for (let at = 0; at < device.length; at += 1) {
      for (const octet of [
        0,
        1,
        5,
        0x30,
        0x7f,
        0x80,
        0xff,
        (device[at] ?? 0) + 1,
        (device[at] ?? 0) ^ 0x20,
      ]) {
        const changed = Buffer.from(device);
        changed[at] = octet;
        if (!accepts(() => readAll(changed))) continue;
        const { tbs } = decodeCertificate(changed);
        const remade = templateOf(tbs);
        if (remade !== undefined) expect(encodeTbsCertificate(remade)).toEqual(tbs.raw);
      }
    }
  });

  test("nothing is accepted that OpenSSL rejects: every bit flipped", () => {
    const onlyOurs: string[] = [];
    for (let bit = 0; bit < device.length * 8; bit += 1) {
      const changed = Buffer.from(device);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
      if (!accepts(() => readAll(changed))) continue;
      try {
        expect(new X509Certificate(changed).publicKey.type).toBe("public");
      } catch (error) {
        onlyOurs.push(`bit ${bit}: ${error}`);
      }
    }
    expect(onlyOurs).toEqual([]);
  });
});
