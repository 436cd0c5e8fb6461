/** Values that can stand in a certificate, for fast-check. */
import fc from "fast-check";
import { refusedCharacter } from "../../core/formats/canonical-text.ts";
import { tag } from "../../core/formats/der/tag.ts";
import type { GeneralName } from "../../core/formats/general-name.ts";
import { formatIpAddress } from "../../core/formats/ip-address.ts";
import type { Name, NameAttribute } from "../../core/formats/name.ts";

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const printableUnit = fc.constantFrom(...letters, ..." '()+,-./:=?");
/** Separators, quotes and letters that fold, more often than chance would have them. */
const utf8Unit = fc.oneof(
  fc.constantFrom(...letters, ...',+=\\"<>;# ', "é", "İ", "ı", "ß", "Ａ", "Σ", "ς", "\u00a0", "\u0301"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
);
export const nameText = fc.string({ unit: utf8Unit, minLength: 1, maxLength: 12 }).filter((text) => {
  return refusedCharacter(text) === undefined && text.isWellFormed();
});
const printableText = fc.string({ unit: printableUnit, minLength: 1, maxLength: 20 });
const ia5Text = fc.string({ unit: fc.constantFrom(...letters, ..."@._-* "), minLength: 1, maxLength: 20 });

const arc = fc.oneof(fc.nat(200), fc.nat());
export const oid: fc.Arbitrary<string> = fc
  .tuple(fc.nat(2), fc.nat(39), fc.array(arc, { minLength: 1, maxLength: 5 }))
  .map(([root, second, rest]) => [root, second, ...rest].join("."));

const directoryTypes = ["2.5.4.3", "2.5.4.7", "2.5.4.8", "2.5.4.10", "2.5.4.11", "1.3.6.1.4.1.99999.1"];
const attribute: fc.Arbitrary<NameAttribute> = fc.oneof(
  fc.record({
    type: fc.constantFrom(...directoryTypes),
    value: nameText,
    encoding: fc.constant(tag.utf8String),
  }),
  fc.record({
    type: fc.constantFrom(...directoryTypes, "2.5.4.5", "2.5.4.46"),
    value: printableText,
    encoding: fc.constant(tag.printableString),
  }),
  fc.record({
    type: fc.constantFrom("0.9.2342.19200300.100.1.25", "1.2.840.113549.1.9.1"),
    value: ia5Text,
    encoding: fc.constant(tag.ia5String),
  }),
  fc.constant({ type: "2.5.4.6", value: "CH", encoding: tag.printableString }),
);

export const distinguishedName: fc.Arbitrary<Name> = fc.array(
  fc.uniqueArray(attribute, { minLength: 1, maxLength: 3, selector: (each) => each.type }),
  { maxLength: 5 },
);

const label = fc.string({ unit: fc.constantFrom(...letters, "-"), minLength: 1, maxLength: 12 });
export const dnsName = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
const path = fc.array(label, { maxLength: 4 }).map((segments) => segments.map((each) => `/${each}`).join(""));
export const ipAddress = fc
  .oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc
      .array(fc.constantFrom(0, 0, 0, 1, 0xff), { minLength: 16, maxLength: 16 })
      .map((each) => Uint8Array.from(each)),
  )
  .map((octets) => formatIpAddress(octets) ?? "");
const network = fc.tuple(ipAddress, fc.nat(128)).map(([address, prefix]) => {
  return `${address}/${address.includes(":") ? prefix : prefix % 33}`;
});

/** DER elements that hold nothing we read. */
export const someElement = fc
  .uint8Array({ maxLength: 20 })
  .map((content) => Buffer.of(4, content.length, ...content));
export const octets = fc.uint8Array({ minLength: 1, maxLength: 24 }).map((each) => Buffer.from(each));

const rest: fc.Arbitrary<GeneralName>[] = [
  fc.record({
    kind: fc.constant("directoryName" as const),
    value: distinguishedName.filter(({ length }) => length > 0),
  }),
  fc.record({ kind: fc.constant("registeredID" as const), value: oid }),
  fc.record({ kind: fc.constant("otherName" as const), type: oid, value: someElement }),
  fc.record({ kind: fc.constantFrom("x400Address" as const, "ediPartyName" as const), value: someElement }),
];

export const generalName: fc.Arbitrary<GeneralName> = fc.oneof(
  fc.record({ kind: fc.constant("dNSName" as const), value: dnsName }),
  fc.record({
    kind: fc.constant("uniformResourceIdentifier" as const),
    value: fc.tuple(dnsName, path).map(([host, tail]) => `spiffe://${host}${tail}`),
  }),
  fc.record({ kind: fc.constant("iPAddress" as const), value: ipAddress }),
  fc.record({
    kind: fc.constant("rfc822Name" as const),
    value: fc.tuple(label, dnsName).map(([local, host]) => `${local}@${host}`),
  }),
  ...rest,
);

export const constraintName: fc.Arbitrary<GeneralName> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("dNSName" as const, "uniformResourceIdentifier" as const),
    value: fc.oneof(
      dnsName,
      dnsName.map((each) => `.${each}`),
      fc.constant(""),
    ),
  }),
  fc.record({ kind: fc.constant("iPAddress" as const), value: network }),
  fc.record({ kind: fc.constant("rfc822Name" as const), value: dnsName }),
  ...rest,
);
