import { describe, expect, test } from "vitest";
import { type CrlReason, crlReasonOf, crlReasons } from "../../../core/formats/crl/reason.ts";
import type { ExtensionType } from "../../../core/formats/x509/extension.ts";
import {
  crlNumber,
  crlReason,
  extensionTypes,
  type IssuingDistributionPoint,
  issuingDistributionPoint,
} from "../../../core/formats/x509/extensions/index.ts";
import { hex, refusal } from "../refusal.ts";

const url = { kind: "uniformResourceIdentifier", value: "http://a.example/1" } as const;
const urlHex = Buffer.from(url.value).toString("hex");

interface Vector {
  readonly type: ExtensionType<unknown>;
  readonly value: unknown;
  readonly der: string;
}

const vector = <Value>(type: ExtensionType<Value>, value: NoInfer<Value>, der: string): Vector => ({
  // The table has values of several types; each stands beside the type that takes it.
  type: type as ExtensionType<unknown>,
  value,
  der,
});

const point = (value: IssuingDistributionPoint, der: string): Vector =>
  vector(issuingDistributionPoint, value, der);

const vectors: readonly Vector[] = [
  vector(crlNumber, 0n, "020100"),
  vector(crlNumber, 1n, "020101"),
  vector(crlNumber, 128n, "02020080"),
  vector(crlNumber, 2n ** 64n, "0209010000000000000000"),
  vector(crlNumber, 2n ** 159n - 1n, `02147f${"ff".repeat(19)}`),
  vector(crlReason, "unspecified", "0a0100"),
  vector(crlReason, "certificateHold", "0a0106"),
  vector(crlReason, "aACompromise", "0a010a"),
  point({ fullName: [url] }, `3018a016a0148612${urlHex}`),
  point({ onlyContains: "userCerts" }, "30038101ff"),
  point({ fullName: [url], onlyContains: "caCerts" }, `301ba016a0148612${urlHex}8201ff`),
];

const refusals: readonly {
  readonly type: ExtensionType<unknown>;
  readonly what: string;
  readonly der: string;
}[] = [
  { type: crlNumber, what: "a negative number", der: "0201ff" },
  { type: crlNumber, what: "a number of 21 octets", der: `021501${"00".repeat(20)}` },
  { type: crlNumber, what: "a number that is not minimal", der: "02020001" },
  { type: crlNumber, what: "something after it", der: "0201010500" },
  { type: crlReason, what: "7, which is not used", der: "0a0107" },
  { type: crlReason, what: "8, removeFromCRL", der: "0a0108" },
  { type: crlReason, what: "11", der: "0a010b" },
  { type: crlReason, what: "-1", der: "0a01ff" },
  { type: crlReason, what: "nothing", der: "0a00" },
  { type: crlReason, what: "an INTEGER", der: "020101" },
  { type: issuingDistributionPoint, what: "an empty SEQUENCE (§5.2.5)", der: "3000" },
  { type: issuingDistributionPoint, what: "a point without a name", der: "3002a000" },
  { type: issuingDistributionPoint, what: "a fullName of no names", der: "3004a002a000" },
  {
    type: issuingDistributionPoint,
    what: "nameRelativeToCRLIssuer",
    der: "300fa00da10b300906035504030c024131",
  },
  { type: issuingDistributionPoint, what: "FALSE encoded, its default", der: "3003810100" },
  { type: issuingDistributionPoint, what: "a flag of two octets", der: "30048102ffff" },
  { type: issuingDistributionPoint, what: "both kinds at once", der: "30068101ff8201ff" },
  { type: issuingDistributionPoint, what: "the kinds in another order", der: "30068201ff8101ff" },
];

describe("extensions of CRLs", () => {
  test.each(vectors)("RFC 5280 §5.2.3, §5.2.5, §5.3.1: $type.name, $der", ({ type, value, der }) => {
    expect(type.encode(value).toString("hex")).toBe(der);
    expect(type.decode(hex(der))).toEqual(value);
  });

  test.each(refusals)("$type.name: $what is refused", ({ type, der }) => {
    const { code, message } = refusal(() => type.decode(hex(der)));
    expect(code).toBe("der_malformed");
    expect(message).toContain(`${type.name}: `);
  });

  const unsupported = [
    { name: "onlySomeReasons", der: "3004830206c0" },
    { name: "indirectCRL", der: "30038401ff" },
    { name: "onlyContainsAttributeCerts", der: "30038501ff" },
    { name: "field [6]", der: "30038601ff" },
  ];
  test.each(unsupported)("RFC 5280 §5.2.5: $name is refused by its name", ({ name, der }) => {
    const { message } = refusal(() => issuingDistributionPoint.decode(hex(der)));
    expect(message).toBe(`issuingDistributionPoint: ${name} is not supported`);
  });

  test("a value that cannot stand in a CRL is not encoded", () => {
    for (const value of [-1n, 2n ** 159n])
      expect(refusal(() => crlNumber.encode(value)).code).toBe("der_malformed");
    for (const value of [{}, { fullName: [] }])
      expect(refusal(() => issuingDistributionPoint.encode(value)).code).toBe("der_malformed");
  });

  test("are none of a certificate's", () => {
    for (const { oid } of [crlNumber, crlReason, issuingDistributionPoint]) {
      expect(extensionTypes.has(oid)).toBe(false);
    }
  });
});

test("RFC 5280 §5.3.1: each reason is found by its number; 7, 8 and 11 are none", () => {
  for (const reason of Object.keys(crlReasons) as CrlReason[]) {
    expect(crlReasonOf(crlReasons[reason])).toBe(reason);
  }
  for (const number of [-1, 7, 8, 11, 256]) expect(crlReasonOf(number)).toBeUndefined();
});
