import { describe, expect, test } from "vitest";
import { signatureAlgorithms } from "../../../core/formats/algorithms.ts";
import {
  decodeCertificateList,
  encodeCertificateList,
  encodeTbsCertList,
  readCrlNumber,
  verifyCertificateListSignature,
} from "../../../core/formats/crl/certificate-list.ts";
import { type DerNode, parseTree, writeTree } from "../der-tree.ts";
import { refusal } from "../refusal.ts";
import { authorityIds, makeAuthority, otherSignature } from "../x509/certificate-maker.ts";
import {
  distributionPoint,
  listTemplate,
  makeList,
  nextUpdate,
  signTbsCertList,
  someRevoked,
  thisUpdate,
} from "./list-maker.ts";

const authority = makeAuthority("P-256");
const raw = makeList(authority);
const tbs = parseTree(decodeCertificateList(raw).tbsRaw);
const der = (text: string): DerNode => parseTree(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** The list with its field `index` replaced by `nodes`, signed. */
function withField(index: number, ...nodes: readonly DerNode[]): Buffer {
  const children = (tbs.children ?? []).toSpliced(index, 1, ...nodes);
  return signTbsCertList(authority, writeTree({ tag: tbs.tag, children }));
}
const field = (index: number): DerNode => tbs.children?.[index] ?? expect.fail("no such field");
const withoutField = (index: number): Buffer => withField(index);
const withExtension = (text: string): Buffer => {
  const list = field(6).children?.[0];
  const children = [...(list?.children ?? []), der(text)];
  return withField(6, { tag: 0xa0, children: [{ tag: 0x30, children }] });
};
const withEntry = (text: string): Buffer => withField(5, { tag: 0x30, children: [der(text)] });
const refused = (list: Uint8Array): string => {
  const { code, message } = refusal(() => decodeCertificateList(list));
  expect(code).toBe("crl_malformed");
  return message;
};

describe("decodeCertificateList", () => {
  test("reads what was written", () => {
    expect(decodeCertificateList(raw)).toMatchObject({
      thisUpdate,
      nextUpdate,
      number: 7,
      distributionPoint,
      onlyContains: undefined,
      revoked: [
        { serialNumber: "01", revocationDate: someRevoked[0]?.revocationDate },
        {
          serialNumber: "7f02030405060708090a0b0c0d0e0f10",
          revocationDate: thisUpdate - 1000,
          reason: "keyCompromise",
        },
        {
          serialNumber: "f00102030405060708090a0b0c0d0e0f",
          revocationDate: thisUpdate,
          reason: "superseded",
        },
      ],
    });
  });

  test("RFC 5280 §5.1.2.5: X.509 lets nextUpdate be absent, and we read such a list", () => {
    expect(decodeCertificateList(withoutField(4)).nextUpdate).toBeUndefined();
  });

  test("RFC 5280 §5.1.2.1: a list of version 1 is read when it has no extensions, and only then", () => {
    const plain = writeTree({ tag: 0x30, children: (tbs.children ?? []).slice(1, 5) });
    const list = decodeCertificateList(signTbsCertList(authority, plain));
    expect(list).toMatchObject({ revoked: [], extensions: [], number: undefined });
    refused(withoutField(0));
    const entries = writeTree({ tag: 0x30, children: (tbs.children ?? []).slice(1, 6) });
    refused(signTbsCertList(authority, entries));
  });

  test.each(["020100", "020102", "02020100"])("RFC 5280 §5.1.2.1: version %s is refused", (version) => {
    expect(refused(withField(0, der(version)))).toContain("version");
  });

  test("RFC 5280 §5.2: a critical extension that we do not know is refused, another is passed over", () => {
    expect(decodeCertificateList(withExtension("3009 06032a0304 04020500")).extensions).toHaveLength(4);
    expect(refused(withExtension("300c 06032a0304 0101ff 04020500"))).toContain("1.2.3.4");
  });

  test("RFC 5280 §5.2.4: a delta list is refused", () => {
    expect(refused(withExtension("300d 0603551d1b 0101ff 0403020101"))).toContain("2.5.29.27");
  });

  test("RFC 5280 §4.2: a repeated extension is refused", () => {
    expect(refused(withExtension("300a 0603551d14 0403020108"))).toContain("repeated");
  });

  test("RFC 5280 §5.2.3: a number beyond 2^53 - 1 is refused", () => {
    const children = (field(6).children?.[0]?.children ?? []).toSpliced(
      1,
      1,
      der("3010 0603551d14 0409 020720000000000000"),
    );
    const list = withField(6, { tag: 0xa0, children: [{ tag: 0x30, children }] });
    expect(refused(list)).toContain("9007199254740991");
    expect(refusal(() => readCrlNumber(list)).code).toBe("crl_malformed");
  });

  const date = "170d3236303130313030303030305a";
  const badEntries = [
    { what: "a negative serial number", text: `3012 0201ff ${date}`, message: "negative" },
    {
      what: "a serial number of 21 octets",
      text: `3026 0215${"01".repeat(21)} ${date}`,
      message: "21 octets",
    },
    {
      what: "a critical certificateIssuer, of an indirect list",
      text: `3024 020101 ${date} 3010 300e 0603551d1d 0101ff 0404 30028200`,
      message: "2.5.29.29",
    },
    {
      what: "removeFromCRL, of a delta list",
      text: `3020 020101 ${date} 300c 300a 0603551d15 0403 0a0108`,
      message: "reason",
    },
    {
      what: "the reason 7, which is not used",
      text: `3020 020101 ${date} 300c 300a 0603551d15 0403 0a0107`,
      message: "reason",
    },
    {
      what: "a reason of two octets",
      text: `3021 020101 ${date} 300d 300b 0603551d15 0404 0a020100`,
      message: "reason",
    },
    {
      what: "a reason that is an INTEGER",
      text: `3020 020101 ${date} 300c 300a 0603551d15 0403 020101`,
      message: "reason",
    },
    {
      what: "two reasons",
      text: `302c 020101 ${date} 3018 300a 0603551d15 0403 0a0101 300a 0603551d15 0403 0a0101`,
      message: "repeated",
    },
    { what: "extensions, but none of them", text: `3014 020101 ${date} 3000`, message: "" },
  ];
  test.each(badEntries)("an entry with $what is refused", ({ text, message }) => {
    expect(refused(withEntry(text))).toContain(message);
  });

  test("RFC 5280 §5.3.1: a reason that says `unspecified` is read, and an invalidityDate passed over", () => {
    const unspecified = withEntry(`3020 020101 ${date} 300c 300a 0603551d15 0403 0a0100`);
    expect(decodeCertificateList(unspecified).revoked[0]?.reason).toBe("unspecified");
    const invalidity = "0603551d18 0411 180f32303236303130313030303030305a";
    const dated = withEntry(`302e 020101 ${date} 301a 3018 ${invalidity}`);
    expect(decodeCertificateList(dated).revoked[0]).toEqual({
      serialNumber: "01",
      revocationDate: Date.UTC(2026, 0, 1),
    });
  });

  test("a list that exceeds the limits given is refused", () => {
    const limits = { maxBytes: raw.length, maxDepth: 16, maxElements: 100 };
    expect(decodeCertificateList(raw, limits).revoked).toHaveLength(3);
    for (const less of [{ maxBytes: raw.length - 1 }, { maxDepth: 3 }, { maxElements: 20 }]) {
      const { code } = refusal(() => decodeCertificateList(raw, { ...limits, ...less }));
      expect(code).toBe("crl_malformed");
    }
  });

  test("a list of 100,000 entries is within the usual limits", () => {
    const revoked = Array.from({ length: 100_000 }, (_, index) => {
      const serialNumber = Buffer.alloc(16, 0x11);
      serialNumber.writeUInt32BE(index, 12);
      return { serialNumber, revocationDate: thisUpdate - index * 1000, reason: "superseded" } as const;
    });
    const list = makeList(authority, { revoked, number: 12 });
    const decoded = decodeCertificateList(list).revoked;
    expect(decoded).toHaveLength(100_000);
    expect(decoded[99_999]).toEqual({
      serialNumber: `${"11".repeat(12)}0001869f`,
      revocationDate: thisUpdate - 99_999_000,
      reason: "superseded",
    });
    expect(readCrlNumber(list)).toBe(12);
  });
});

describe("readCrlNumber", () => {
  test.each([1, 300, Number.MAX_SAFE_INTEGER])("the number %d", (number) => {
    expect(readCrlNumber(makeList(authority, { number }))).toBe(number);
    expect(readCrlNumber(makeList(authority, { number, revoked: [] }))).toBe(number);
  });

  test("a list without one, or what is no list, is refused", () => {
    for (const bad of [withoutField(6), Buffer.alloc(0), Buffer.of(0x30, 0), raw.subarray(0, 40)]) {
      expect(refusal(() => readCrlNumber(bad)).code).toBe("crl_malformed");
    }
  });
});

describe("verifyCertificateListSignature", () => {
  const verify = (list: Uint8Array, issuer = authority): Promise<boolean> =>
    verifyCertificateListSignature(decodeCertificateList(list), issuer.publicKey);

  test.each(authorityIds)("an authority of %s: its list verifies, a changed one does not", async (id) => {
    const issuer = makeAuthority(id);
    const list = makeList(issuer);
    expect(await verify(list, issuer)).toBe(true);
    expect(await verify(list, makeAuthority(id === "P-384" ? "P-384" : "P-256"))).toBe(false);
    const { tbsRaw, signatureValue } = decodeCertificateList(list);
    const signature = Buffer.from(signatureValue);
    signature[signature.length - 1] = (signature[signature.length - 1] ?? 0) ^ 1;
    const { signature: row } = listTemplate(issuer);
    expect(await verify(encodeCertificateList(tbsRaw, row, signature), issuer)).toBe(false);
    const changed = encodeTbsCertList({ ...listTemplate(issuer), number: 8 });
    expect(await verify(encodeCertificateList(changed, row, signatureValue), issuer)).toBe(false);
  });

  test("RFC 5280 §5.1.1.2: algorithm identifiers that differ inside and outside do not verify", async () => {
    const { tbsRaw, signatureValue } = decodeCertificateList(raw);
    expect(await verify(raw)).toBe(true);
    expect(await verify(encodeCertificateList(tbsRaw, otherSignature, signatureValue))).toBe(false);
    expect(await verify(makeList(authority, { signature: otherSignature }))).toBe(false);
  });

  test("an algorithm that is not in our table does not verify", async () => {
    const unknown = { ...signatureAlgorithms.Ed25519, identifier: Buffer.from("300506032b6571", "hex") };
    const { signatureValue } = decodeCertificateList(raw);
    const list = encodeTbsCertList({ ...listTemplate(authority), signature: unknown });
    expect(await verify(encodeCertificateList(list, unknown, signatureValue))).toBe(false);
  });
});
