import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkDer } from "../../../core/formats/der/structure.ts";
import { type ExtensionType, encodeExtensions } from "../../../core/formats/x509/extension.ts";
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  certificatePolicies,
  crlDistributionPoints,
  extendedKeyUsage,
  extensionTypes,
  issuerAltName,
  type KeyUsageBit,
  keyPurposes,
  keyUsage,
  nameConstraints,
  noRevAvail,
  ocspNoCheck,
  subjectAltName,
  subjectKeyIdentifier,
} from "../../../core/formats/x509/extensions/index.ts";
import { emptied, mutations, parseTree } from "../der-tree.ts";
import { accepts, hex, refusal, refusalCode } from "../refusal.ts";
import { sampleExtensions } from "./samples.ts";

interface Vector {
  readonly name: string;
  readonly type: ExtensionType<unknown>;
  readonly value: unknown;
  readonly encoded: string;
}

const bits = (...names: KeyUsageBit[]): ReadonlySet<KeyUsageBit> => new Set(names);
const url = { kind: "uniformResourceIdentifier", value: "a:b" } as const;

/** Encodings worked out by hand from the ASN.1 of RFC 5280 Appendix A. */
const vectors: readonly Vector[] = [
  { name: "basicConstraints, not a CA", type: basicConstraints, value: { cA: false }, encoded: "3000" },
  { name: "basicConstraints, a CA", type: basicConstraints, value: { cA: true }, encoded: "3003 0101ff" },
  {
    name: "basicConstraints, path length 0",
    type: basicConstraints,
    value: { cA: true, pathLenConstraint: 0 },
    encoded: "3006 0101ff 020100",
  },
  { name: "keyUsage, bit 0", type: keyUsage, value: bits("digitalSignature"), encoded: "0302 0780" },
  {
    name: "keyUsage, bits 5 and 6",
    type: keyUsage,
    value: bits("keyCertSign", "cRLSign"),
    encoded: "0302 0106",
  },
  { name: "keyUsage, bit 8", type: keyUsage, value: bits("decipherOnly"), encoded: "0303 070080" },
  {
    name: "extKeyUsage",
    type: extendedKeyUsage,
    value: [keyPurposes.clientAuth],
    encoded: "300a 0608 2b06010505070302",
  },
  {
    name: "subjectAltName",
    type: subjectAltName,
    value: [{ kind: "dNSName", value: "a" }],
    encoded: "3003 820161",
  },
  {
    name: "issuerAltName",
    type: issuerAltName,
    value: [{ kind: "dNSName", value: "a" }],
    encoded: "3003 820161",
  },
  { name: "subjectKeyIdentifier", type: subjectKeyIdentifier, value: hex("0102"), encoded: "0402 0102" },
  {
    name: "authorityKeyIdentifier",
    type: authorityKeyIdentifier,
    value: { keyIdentifier: hex("0102") },
    encoded: "3004 8002 0102",
  },
  {
    name: "authorityKeyIdentifier with issuer and serial number",
    type: authorityKeyIdentifier,
    value: { authorityCertIssuer: [{ kind: "dNSName", value: "a" }], authorityCertSerialNumber: hex("0080") },
    encoded: "3009 a103 820161 8202 0080",
  },
  {
    name: "nameConstraints",
    type: nameConstraints,
    value: {
      permittedSubtrees: [{ kind: "dNSName", value: "a" }],
      excludedSubtrees: [{ kind: "iPAddress", value: "10.0.0.0/8" }],
    },
    encoded: "3015 a005 3003 820161 a10c 300a 8708 0a000000ff000000",
  },
  {
    name: "certificatePolicies",
    type: certificatePolicies,
    value: [{ policyIdentifier: "1.2.3" }],
    encoded: "3006 3004 06022a03",
  },
  {
    name: "certificatePolicies with a qualifier",
    type: certificatePolicies,
    value: [{ policyIdentifier: "1.2.3", qualifiers: hex("3008 3006 06022a04 0500") }],
    encoded: "3010 300e 06022a03 3008 3006 06022a04 0500",
  },
  {
    name: "cRLDistributionPoints",
    type: crlDistributionPoints,
    value: [{ fullName: [url] }],
    encoded: "300b 3009 a007 a005 8603 613a62",
  },
  {
    name: "authorityInfoAccess",
    type: authorityInfoAccess,
    value: [{ accessMethod: "1.3.6.1.5.5.7.48.1", accessLocation: url }],
    encoded: "3011 300f 0608 2b06010505073001 8603 613a62",
  },
  { name: "ocspNoCheck", type: ocspNoCheck, value: true, encoded: "0500" },
  { name: "noRevAvail", type: noRevAvail, value: true, encoded: "0500" },
];

describe("values", () => {
  test.each(vectors)("$name", ({ type, value, encoded }) => {
    expect(type.encode(value)).toEqual(hex(encoded));
    expect(type.decode(hex(encoded))).toEqual(value);
  });

  test("every type has a vector and stands in the table under its OID", () => {
    expect(new Set(vectors.map(({ type }) => type))).toEqual(new Set(extensionTypes.values()));
    for (const [oid, type] of extensionTypes) expect(type.oid).toBe(oid);
  });

  test.each<{ name: string; type: ExtensionType<unknown>; input: string }>([
    { name: "X.690 §11.5: cA FALSE, encoded", type: basicConstraints, input: "3003 010100" },
    { name: "cA of 01", type: basicConstraints, input: "3003 010101" },
    { name: "a negative path length", type: basicConstraints, input: "3006 0101ff 0201ff" },
    { name: "path length before cA", type: basicConstraints, input: "3006 020100 0101ff" },
    { name: "a third field", type: basicConstraints, input: "3008 0101ff 020100 0500" },
    { name: "RFC 5280 §4.2.1.3: no bit set", type: keyUsage, input: "0301 00" },
    { name: "X.690 §11.2.2: trailing zero bits", type: keyUsage, input: "0302 0580" },
    { name: "unused bits that are set", type: keyUsage, input: "0302 0781" },
    { name: "bit 9, which has no meaning", type: keyUsage, input: "0303 060040" },
    { name: "no purpose", type: extendedKeyUsage, input: "3000" },
    { name: "a purpose that is no OID", type: extendedKeyUsage, input: "3002 0500" },
    { name: "no subject name", type: subjectAltName, input: "3000" },
    { name: "no issuer name", type: issuerAltName, input: "3000" },
    { name: "an empty key identifier", type: subjectKeyIdentifier, input: "0400" },
    { name: "no field", type: authorityKeyIdentifier, input: "3000" },
    { name: "an empty keyIdentifier", type: authorityKeyIdentifier, input: "3002 8000" },
    { name: "an issuer without serial number", type: authorityKeyIdentifier, input: "3005 a103 820161" },
    { name: "a serial number without issuer", type: authorityKeyIdentifier, input: "3003 820101" },
    { name: "an empty issuer", type: authorityKeyIdentifier, input: "3005 a100 820101" },
    {
      name: "a serial number that is not minimal",
      type: authorityKeyIdentifier,
      input: "3009 a103 820161 8202 0001",
    },
    { name: "fields out of order", type: authorityKeyIdentifier, input: "3008 820101 a103 820161" },
    { name: "no subtrees", type: nameConstraints, input: "3000" },
    { name: "empty permitted subtrees", type: nameConstraints, input: "3002 a000" },
    { name: "empty excluded subtrees", type: nameConstraints, input: "3002 a100" },
    { name: "RFC 5280 §4.2.1.10: a maximum", type: nameConstraints, input: "300a a008 3006 820161 810100" },
    { name: "X.690 §11.5: minimum 0, encoded", type: nameConstraints, input: "300a a008 3006 820161 800100" },
    { name: "no policy", type: certificatePolicies, input: "3000" },
    {
      name: "RFC 5280 §4.2.1.4: a policy twice",
      type: certificatePolicies,
      input: "300c 3004 06022a03 3004 06022a03",
    },
    { name: "empty qualifiers", type: certificatePolicies, input: "3008 3006 06022a03 3000" },
    {
      name: "a qualifier of one element",
      type: certificatePolicies,
      input: "300e 300c 06022a03 3006 3004 06022a04",
    },
    { name: "no distribution point", type: crlDistributionPoints, input: "3000" },
    { name: "an empty distribution point", type: crlDistributionPoints, input: "3002 3000" },
    { name: "a full name without names", type: crlDistributionPoints, input: "3006 3004 a002 a000" },
    { name: "reasons", type: crlDistributionPoints, input: "300f 300d a007 a005 8603 613a62 8102 0780" },
    { name: "no access description", type: authorityInfoAccess, input: "3000" },
    {
      name: "an access description of three",
      type: authorityInfoAccess,
      input: "300d 300b 06022a03 8603 613a62 0500",
    },
    { name: "a NULL with content", type: ocspNoCheck, input: "0501 00" },
    { name: "another type than NULL", type: noRevAvail, input: "3000" },
    { name: "trailing octets", type: noRevAvail, input: "0500 00" },
    { name: "nothing", type: basicConstraints, input: "" },
    { name: "indefinite length", type: subjectAltName, input: "3080 820161 0000" },
  ])("$type.name refuses $name", ({ type, input }) => {
    const error = refusal(() => type.decode(hex(input)));
    expect(error.code).toBe("der_malformed");
    expect(error.message.startsWith(`${type.name}: `)).toBe(true);
  });

  test.each<{ name: string; act: () => unknown }>([
    { name: "an empty key usage", act: () => keyUsage.encode(bits()) },
    { name: "no purpose", act: () => extendedKeyUsage.encode([]) },
    { name: "a purpose that is no OID", act: () => extendedKeyUsage.encode(["clientAuth"]) },
    { name: "no subject name", act: () => subjectAltName.encode([]) },
    { name: "an empty key identifier", act: () => subjectKeyIdentifier.encode(Buffer.alloc(0)) },
    { name: "an authority key identifier without fields", act: () => authorityKeyIdentifier.encode({}) },
    { name: "name constraints without subtrees", act: () => nameConstraints.encode({}) },
    { name: "an empty list of subtrees", act: () => nameConstraints.encode({ permittedSubtrees: [] }) },
    { name: "no policy", act: () => certificatePolicies.encode([]) },
    {
      name: "qualifiers that are not DER",
      act: () => certificatePolicies.encode([{ policyIdentifier: "1.2", qualifiers: hex("30") }]),
    },
    { name: "no distribution point", act: () => crlDistributionPoints.encode([]) },
    {
      name: "a distribution point without names",
      act: () => crlDistributionPoints.encode([{ fullName: [] }]),
    },
    { name: "no access description", act: () => authorityInfoAccess.encode([]) },
    {
      name: "a negative path length",
      act: () => basicConstraints.encode({ cA: true, pathLenConstraint: -1 }),
    },
    { name: "an empty list of extensions", act: () => encodeExtensions([]) },
  ])("what cannot be read cannot be written: $name", ({ act }) => {
    expect(refusalCode(act)).toBe("der_malformed");
  });

  test.each(Object.entries(sampleExtensions))(
    "%s: decode after encode is the identity",
    (_, { type, values }) => {
      fc.assert(
        fc.property(values, (value) => {
          const encoded = type.encode(value);
          checkDer(encoded);
          const decoded = type.decode(encoded);
          expect(type.encode(decoded)).toEqual(encoded);
        }),
      );
    },
  );

  test("random octets as any extension meet an AppError or come back the same", () => {
    const octet = fc.oneof(
      fc.constantFrom(0x30, 3, 4, 5, 6, 0x80, 0x82, 0x86, 0xa0, 0xa1, 0, 1, 2),
      fc.nat(255),
    );
    fc.assert(
      fc.property(fc.array(octet, { maxLength: 20 }), (octets) => {
        const bytes = Buffer.of(0x30, octets.length, ...octets);
        for (const type of extensionTypes.values()) {
          if (accepts(() => type.decode(bytes))) expect(type.encode(type.decode(bytes))).toEqual(bytes);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("every list emptied is refused; only `not a CA` is an empty sequence", () => {
    const accepted = vectors.flatMap(({ name, type, encoded }) =>
      mutations(parseTree(hex(encoded)), emptied)
        .filter(({ bytes }) => accepts(() => type.decode(bytes)))
        .map(({ path }) => `${name} ${path}`),
    );
    expect(accepted).toEqual(["basicConstraints, a CA ", "basicConstraints, path length 0 "]);
  });

  test("one octet changed anywhere: an AppError, or a value that encodes to the same octets", () => {
    for (const { type, encoded } of vectors) {
      const original = hex(encoded);
      for (let at = 0; at < original.length; at += 1) {
        for (let octet = 0; octet < 256; octet += 1) {
          const changed = Buffer.from(original);
          changed[at] = octet;
          if (accepts(() => type.decode(changed))) expect(type.encode(type.decode(changed))).toEqual(changed);
        }
      }
    }
  });
});
