import { describe, expect, test } from "vitest";
import {
  decodeCertificateList,
  encodeTbsCertList,
  type RevokedCertificate,
  type TbsCertListTemplate,
} from "../../../core/formats/crl/certificate-list.ts";
import { type CrlReason, crlReasons } from "../../../core/formats/crl/reason.ts";
import { tag } from "../../../core/formats/der/tag.ts";
import { encodeName, name } from "../../../core/formats/name.ts";
import { type DerNode, parseTree } from "../der-tree.ts";
import { refusal } from "../refusal.ts";
import { makeAuthority } from "../x509/certificate-maker.ts";
import { listTemplate, makeList, signTbsCertList, someRevoked, thisUpdate } from "./list-maker.ts";

const authority = makeAuthority("P-256");
const template = listTemplate(authority);
const [plain] = someRevoked;
if (plain === undefined) throw new Error("no entry");

const fields = (changes: Partial<TbsCertListTemplate> = {}): readonly DerNode[] =>
  parseTree(encodeTbsCertList({ ...template, ...changes })).children ?? [];
const tags = (nodes: readonly DerNode[] | undefined): readonly number[] =>
  (nodes ?? []).map((node) => node.tag);
const hexOf = (der: Uint8Array): string => Buffer.from(der).toString("hex");

function without<Key extends keyof TbsCertListTemplate>(key: Key): Omit<TbsCertListTemplate, Key> {
  const { [key]: _, ...rest } = template;
  return rest;
}

describe("fields", () => {
  test("RFC 5280 §5.1.2: version, signature, issuer, two times, entries, extensions", () => {
    const sequence = tag.sequence;
    const expected = [tag.integer, sequence, sequence, tag.utcTime, tag.utcTime, sequence, 0xa0];
    expect(tags(fields())).toEqual(expected);
  });

  test("RFC 5280 §5.1.2.1: version 2 is encoded as 1", () => {
    expect(fields()[0]).toEqual({ tag: tag.integer, content: Buffer.of(1) });
  });

  test("RFC 5280 §5.1.2.3: the issuer is the certificate's subject, octet for octet", () => {
    const list = decodeCertificateList(makeList(authority));
    expect(hexOf(list.issuerRaw)).toBe(hexOf(template.issuer));
  });

  const badIssuers: readonly { readonly what: string; readonly issuer: Uint8Array }[] = [
    { what: "empty", issuer: encodeName([]) },
    { what: "followed by something", issuer: Buffer.concat([template.issuer, Buffer.of(5, 0)]) },
    { what: "no name", issuer: Buffer.of(5, 0) },
    { what: "no DER", issuer: template.issuer.subarray(0, 9) },
  ];
  test.each(badIssuers)("RFC 5280 §5.1.2.3: an issuer that is $what is refused", ({ issuer }) => {
    expect(refusal(() => encodeTbsCertList({ ...template, issuer })).code).toBe("crl_malformed");
  });

  test("RFC 5280 §5.1.2.4: times from 2050 are GeneralizedTime, those before UTCTime", () => {
    const changes = { thisUpdate: Date.UTC(2049, 11, 31, 23, 59, 59), nextUpdate: Date.UTC(2050, 0, 1) };
    const [, , , before, from] = fields(changes);
    expect(before).toEqual({ tag: tag.utcTime, content: Buffer.from("491231235959Z") });
    expect(from).toEqual({ tag: tag.generalizedTime, content: Buffer.from("20500101000000Z") });
  });

  test("RFC 5280 §5.1.2.5: nextUpdate is there, and later than thisUpdate", () => {
    expect(fields()[4]?.content?.toString()).toBe("260109030405Z");
    for (const nextUpdate of [thisUpdate, thisUpdate - 1000, Number.NaN]) {
      const refused = refusal(() => encodeTbsCertList({ ...template, nextUpdate }));
      expect(refused.code).toBe("crl_malformed");
      expect(refused.message).toContain("nextUpdate");
    }
  });

  test("RFC 5280 §5.1.2.4: a time with a fraction of a second is refused", () => {
    const refused = refusal(() => encodeTbsCertList({ ...template, thisUpdate: thisUpdate + 1 }));
    expect(refused.code).toBe("crl_malformed");
  });
});

describe("entries", () => {
  const entryOf = (entry: RevokedCertificate): DerNode | undefined =>
    fields({ revoked: [entry] })[5]?.children?.[0];

  test("RFC 5280 §5.1.2.6: the field is absent when nothing is revoked", () => {
    expect(tags(fields({ revoked: [] }))).toEqual([tag.integer, 0x30, 0x30, tag.utcTime, tag.utcTime, 0xa0]);
    expect(decodeCertificateList(makeList(authority, { revoked: [] })).revoked).toEqual([]);
  });

  test("RFC 5280 §5.3.1: each reason has its number, in an ENUMERATED that is not critical", () => {
    for (const reason of Object.keys(crlReasons) as CrlReason[]) {
      if (reason === "unspecified") continue;
      const [, , extensions] = entryOf({ ...plain, reason })?.children ?? [];
      const [extension] = extensions?.children ?? [];
      expect(tags(extension?.children)).toEqual([tag.oid, tag.octetString]);
      expect(extension?.children?.[1]?.content).toEqual(Buffer.of(0x0a, 1, crlReasons[reason]));
    }
  });

  test("RFC 5280 §5.3.1: a reason that is `unspecified`, or none, is left out", () => {
    expect(tags(entryOf({ ...plain, reason: "unspecified" })?.children)).toEqual([tag.integer, tag.utcTime]);
    expect(tags(entryOf(plain)?.children)).toEqual([tag.integer, tag.utcTime]);
  });

  const dates = [
    { date: Date.UTC(1970, 0, 1), kind: tag.utcTime, text: "700101000000Z" },
    { date: Date.UTC(1969, 11, 31, 23, 59, 59), kind: tag.utcTime, text: "691231235959Z" },
    { date: Date.UTC(2024, 1, 29, 9, 8, 7), kind: tag.utcTime, text: "240229090807Z" },
    { date: Date.UTC(2049, 11, 31, 23, 59, 59), kind: tag.utcTime, text: "491231235959Z" },
    { date: Date.UTC(2050, 0, 1), kind: tag.generalizedTime, text: "20500101000000Z" },
    { date: Date.UTC(9999, 11, 31, 23, 59, 59), kind: tag.generalizedTime, text: "99991231235959Z" },
  ];
  test.each(dates)("RFC 5280 §5.1.2.6: the date $text", ({ date, kind, text }) => {
    const entry = entryOf({ ...plain, revocationDate: date, reason: "keyCompromise" });
    expect(entry?.children?.[1]).toEqual({ tag: kind, content: Buffer.from(text) });
  });

  const badDates = [thisUpdate + 1, thisUpdate + 0.5, Date.UTC(1949, 0, 1), 2 ** 53, Number.NaN, Infinity];
  test.each(badDates)("a date of %d milliseconds is refused", (revocationDate) => {
    const refused = refusal(() => entryOf({ ...plain, revocationDate }));
    expect(refused.code).toBe("crl_malformed");
  });

  const serials = [
    { given: "00", content: "00" },
    { given: "0001", content: "01" },
    { given: "80", content: "0080" },
    { given: "0080", content: "0080" },
    { given: "7f".repeat(20), content: "7f".repeat(20) },
    { given: "ff".repeat(19), content: `00${"ff".repeat(19)}` },
    { given: `${"00".repeat(9)}${"7f".repeat(20)}`, content: "7f".repeat(20) },
  ];
  test.each(serials)("RFC 5280 §4.1.2.2: serial number $given, minimal and with its sign", (row) => {
    const entry = entryOf({ ...plain, serialNumber: Buffer.from(row.given, "hex") });
    expect(entry?.children?.[0]?.content?.toString("hex")).toBe(row.content);
  });

  test.each(["", "80".repeat(20), "01".repeat(21), "01".repeat(300)])(
    "RFC 5280 §4.1.2.2: serial number %j has not 1 to 20 octets and is refused",
    (given) => {
      const refused = refusal(() => entryOf({ ...plain, serialNumber: Buffer.from(given, "hex") }));
      expect(refused.code).toBe("crl_malformed");
      expect(refused.message).toMatch(/serial number of \d+ octets: 1 to 20 are allowed/);
    },
  );

  test("the order is the caller's", () => {
    const { revoked } = decodeCertificateList(makeList(authority, { revoked: someRevoked.toReversed() }));
    expect(revoked.map(({ serialNumber }) => serialNumber)).toEqual(
      someRevoked.toReversed().map(({ serialNumber }) => hexOf(serialNumber)),
    );
  });

  test.each([500_000, 900_000])("%d entries do not fit in one element: value, limit and remedy", (length) => {
    const entry: RevokedCertificate = { ...plain, serialNumber: Buffer.alloc(16, 1) };
    const refused = refusal(() => encodeTbsCertList({ ...template, revoked: Array(length).fill(entry) }));
    expect(refused.code).toBe("der_too_large");
    expect(refused.message).toMatch(
      /entries has \d+ octets of them or more, over the limit of 16711679; let/,
    );
    expect(refused.message).toContain("fewer days");
  });
});

describe("extensions", () => {
  const list = decodeCertificateList(makeList(authority));
  const extensionsOf = (changes: Partial<TbsCertListTemplate>) =>
    decodeCertificateList(makeList(authority, changes)).extensions;

  test("RFC 5280 §5.2.1, §5.2.3, §5.2.5: authorityKeyIdentifier, cRLNumber and a critical distribution point", () => {
    expect(list.extensions.map(({ oid, critical }) => ({ oid, critical }))).toEqual([
      { oid: "2.5.29.35", critical: false },
      { oid: "2.5.29.20", critical: false },
      { oid: "2.5.29.28", critical: true },
    ]);
  });

  test("RFC 5280 §5.2.1: the key identifier is the issuer's", () => {
    expect(hexOf(list.authorityKeyIdentifier ?? Buffer.alloc(0))).toBe(
      hexOf(authority.publicKey.keyIdentifier),
    );
    const none = { authorityKeyIdentifier: Buffer.alloc(0) };
    expect(refusal(() => encodeTbsCertList({ ...template, ...none })).code).toBe("crl_malformed");
  });

  test.each([1, 127, 128, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER])(
    "RFC 5280 §5.2.3: cRLNumber %d, of at most 20 octets",
    (number) => {
      const extension = extensionsOf({ number }).find(({ oid }) => oid === "2.5.29.20");
      expect(extension?.value.length).toBeLessThanOrEqual(22);
      expect(decodeCertificateList(makeList(authority, { number })).number).toBe(number);
    },
  );

  test.each([0, -1, 1.5, 2 ** 53, Number.NaN])("RFC 5280 §5.2.3: number %d is refused", (number) => {
    expect(refusal(() => encodeTbsCertList({ ...template, number })).code).toBe("crl_malformed");
  });

  test("RFC 5280 §5.2.5: a list without a distribution point speaks of all certificates", () => {
    const complete = encodeTbsCertList(without("distributionPoint"));
    const decoded = decodeCertificateList(signTbsCertList(authority, complete));
    expect(decoded.extensions.map(({ oid }) => oid)).toEqual(["2.5.29.35", "2.5.29.20"]);
    expect(decoded.distributionPoint).toBeUndefined();
  });

  test("RFC 5280 §5.2.5: a distribution point of no names is refused", () => {
    expect(refusal(() => encodeTbsCertList({ ...template, distributionPoint: [] })).code).toBe(
      "crl_malformed",
    );
    const emptyName = [{ kind: "directoryName", value: name([]) }] as const;
    expect(refusal(() => encodeTbsCertList({ ...template, distributionPoint: emptyName })).code).toBe(
      "crl_malformed",
    );
  });
});
