import { describe, expect, it } from "vitest";
import { csrLimits } from "../../core/formats/certification-request.ts";
import {
  encodeBitString,
  encodeContext,
  encodeElement,
  encodeNull,
  encodeOctetString,
  encodeOidElement,
  encodePrimitiveContext,
  encodeSequence,
  encodeSetOf,
  encodeSmallInteger,
} from "../../core/formats/der/writer.ts";
import { type Extension, extension } from "../../core/formats/x509/extension.ts";
import { basicConstraints } from "../../core/formats/x509/extensions/basic-constraints.ts";
import {
  attribute,
  deviceName,
  encodeUtf8String,
  extensionRequest,
  makeRequest,
  makeSubject,
  requestInfo,
  signRequest,
  usualExtensions,
  verdictOn,
} from "./certification-request-maker.ts";

const device = makeSubject("P-256");

const integer = (hex: string): Buffer => encodeElement(0x02, Buffer.from(hex, "hex"));
const carrying = (...attributes: readonly Uint8Array[]): Buffer => makeRequest(device, { attributes });
const asking = (...extensions: readonly Extension[]): Buffer => carrying(extensionRequest(...extensions));
const raw = (oid: string, value: string): Extension => ({
  oid,
  critical: false,
  value: Buffer.from(value, "hex"),
});
const challengePassword = attribute("1.2.840.113549.1.9.7", encodeUtf8String("secret"));
const poison = raw("1.3.6.1.4.1.11129.2.4.3", "0500");
const san = usualExtensions[0] ?? poison;

/** SEQUENCEs around one another. */
const nested = (levels: number): Buffer => (levels === 0 ? encodeNull() : encodeSequence(nested(levels - 1)));
const signatureOf = (request: Uint8Array): Buffer => Buffer.from(request).subarray(-60);

const honest = asking(...usualExtensions);
const info = requestInfo({ spki: device.spki });
const duplicated = raw("2.25.7", "0500");
const swapped = [attribute("2.25.1", encodeNull()), attribute("2.25.2", encodeNull())]
  .sort(Buffer.compare)
  .reverse();
const setInOrder = (...values: readonly Uint8Array[]): Buffer => encodeElement(0x31, ...values);

const refusals: readonly {
  readonly code: string;
  readonly cases: readonly { name: string; input: Uint8Array }[];
}[] = [
  {
    code: "csr_too_large",
    cases: [
      { name: "16,385 octets", input: Buffer.alloc(csrLimits.maxBytes + 1, 0x30) },
      {
        name: "a signed request with an attribute of 17,000 octets",
        input: carrying(attribute("2.25.1", encodeOctetString(Buffer.alloc(17_000)))),
      },
      { name: "a megabyte of zeros", input: Buffer.alloc(1_000_000) },
    ],
  },
  {
    code: "csr_too_deep",
    cases: [
      { name: "an attribute nested 13 levels", input: carrying(attribute("2.25.1", nested(13))) },
      { name: "4,000 SEQUENCEs around one another", input: nested(4_000) },
      {
        name: "600 attributes' worth of elements",
        input: carrying(attribute("2.25.1", encodeSequence(...Array.from({ length: 600 }, encodeNull)))),
      },
      { name: "a deep structure inside a requested extension", input: asking({ ...san, value: nested(40) }) },
    ],
  },
  {
    code: "csr_malformed",
    cases: [
      { name: "nothing", input: Buffer.alloc(0) },
      { name: "one octet", input: Buffer.of(0x30) },
      { name: "an empty SEQUENCE", input: encodeSequence() },
      { name: "PEM text", input: Buffer.from("-----BEGIN CERTIFICATE REQUEST-----\n") },
      { name: "trailing octets", input: Buffer.concat([honest, Buffer.of(0)]) },
      { name: "a trailing element inside", input: encodeSequence(honest.subarray(4), encodeNull()) },
      { name: "a truncated request", input: honest.subarray(0, -1) },
      {
        name: "X.690 §10.1: indefinite length",
        input: Buffer.concat([Buffer.of(0x30, 0x80), honest.subarray(4), Buffer.alloc(2)]),
      },
      {
        name: "X.690 §10.1: a length in more octets than needed",
        input: Buffer.concat([Buffer.of(0x30, 0x83, 0), honest.subarray(2)]),
      },
      { name: "RFC 2986 §4.1: no attributes field", input: makeRequest(device, { attributes: null }) },
      {
        name: "attributes as an explicit SET",
        input: signRequest(
          encodeSequence(encodeSmallInteger(0), deviceName, device.spki, encodeContext(0, encodeSetOf())),
          device,
        ),
      },
      {
        name: "attributes in primitive form",
        input: signRequest(
          encodeSequence(
            encodeSmallInteger(0),
            deviceName,
            device.spki,
            encodePrimitiveContext(0, Buffer.alloc(0)),
          ),
          device,
        ),
      },
      {
        name: "attributes under [1]",
        input: signRequest(
          encodeSequence(encodeSmallInteger(0), deviceName, device.spki, encodeContext(1)),
          device,
        ),
      },
      {
        name: "a field after the attributes",
        input: signRequest(
          encodeSequence(encodeSmallInteger(0), deviceName, device.spki, encodeContext(0), encodeContext(1)),
          device,
        ),
      },
      { name: "X.690 §11.6: attributes out of order", input: carrying(...swapped) },
      {
        name: "X.690 §11.6: values out of order",
        input: carrying(
          encodeSequence(encodeOidElement("2.25.1"), setInOrder(encodeNull(), encodeSmallInteger(1))),
        ),
      },
      {
        name: "X.690 §8.23.8: a BMPString of an odd number of octets",
        input: carrying(attribute("2.25.1", encodeElement(0x1e, Buffer.alloc(3)))),
      },
      {
        name: "X.690 §8.23.7: a UniversalString of six octets",
        input: carrying(attribute("2.25.1", encodeElement(0x1c, Buffer.alloc(6)))),
      },
      { name: "an attribute without values", input: carrying(attribute("2.25.1")) },
      { name: "an extensionRequest without values", input: carrying(attribute("1.2.840.113549.1.9.14")) },
      {
        name: "an attribute with a third field",
        input: carrying(encodeSequence(encodeOidElement("2.25.1"), encodeSetOf(encodeNull()), encodeNull())),
      },
      { name: "an attribute that is not a SEQUENCE", input: carrying(encodeOidElement("2.25.1")) },
      { name: "an empty attribute", input: carrying(encodeSequence()) },
      {
        name: "RFC 5280 §4.1: an empty list of extensions",
        input: carrying(attribute("1.2.840.113549.1.9.14", encodeSequence())),
      },
      {
        name: "an extension list that is a SET",
        input: carrying(attribute("1.2.840.113549.1.9.14", encodeSetOf())),
      },
      {
        name: "an extension that is an empty SEQUENCE",
        input: carrying(attribute("1.2.840.113549.1.9.14", encodeSequence(encodeSequence()))),
      },
      {
        name: "X.690 §11.5: critical FALSE encoded",
        input: carrying(
          attribute(
            "1.2.840.113549.1.9.14",
            encodeSequence(
              encodeSequence(
                encodeOidElement("2.25.7"),
                encodeElement(1, Buffer.of(0)),
                encodeOctetString(encodeNull()),
              ),
            ),
          ),
        ),
      },
      { name: "an empty subjectAltName", input: asking(raw("2.5.29.17", "3000")) },
      { name: "an empty extendedKeyUsage", input: asking(raw("2.5.29.37", "3000")) },
      { name: "a keyUsage without bits", input: asking(raw("2.5.29.15", "030100")) },
      { name: "a keyUsage that is not a BIT STRING", input: asking(raw("2.5.29.15", "0500")) },
      { name: "a basicConstraints with octets after it", input: asking(raw("2.5.29.19", "300000")) },
      {
        name: "a basicConstraints with a negative pathLen",
        input: asking(raw("2.5.29.19", "30060101ff0201ff")),
      },
      { name: "a subject that is a SET", input: makeRequest(device, { subject: encodeSetOf() }) },
      {
        name: "a subject with an empty RDN",
        input: makeRequest(device, { subject: encodeSequence(encodeSetOf()) }),
      },
      { name: "a version that is not an INTEGER", input: makeRequest(device, { version: encodeNull() }) },
      { name: "a version of two octets for 0", input: makeRequest(device, { version: integer("0000") }) },
      {
        name: "a signature with unused bits",
        input: encodeSequence(info, device.row.identifier, encodeElement(0x03, Buffer.of(1, 0xfe))),
      },
      {
        name: "a signature that is an OCTET STRING",
        input: encodeSequence(info, device.row.identifier, encodeOctetString(signatureOf(honest))),
      },
      {
        name: "a signature algorithm that is an OID alone",
        input: encodeSequence(info, encodeOidElement(device.row.oid), encodeBitString(signatureOf(honest))),
      },
    ],
  },
  {
    code: "csr_version_unsupported",
    cases: [
      { name: "version 1", input: makeRequest(device, { version: encodeSmallInteger(1) }) },
      { name: "version 2", input: makeRequest(device, { version: encodeSmallInteger(2) }) },
      { name: "version −1", input: makeRequest(device, { version: integer("ff") }) },
      { name: "version 2^64", input: makeRequest(device, { version: integer("010000000000000000") }) },
    ],
  },
  {
    code: "csr_attribute_duplicate",
    cases: [
      {
        name: "two extensionRequests",
        input: carrying(...[extensionRequest(san), extensionRequest(poison)].sort(Buffer.compare)),
      },
      {
        name: "the same extensionRequest twice",
        input: carrying(extensionRequest(san), extensionRequest(san)),
      },
      {
        name: "RFC 2985 §5.4.2: one extensionRequest of two values",
        input: carrying(
          attribute(
            "1.2.840.113549.1.9.14",
            encodeSequence(encodeSequence(encodeOidElement("2.25.7"), encodeOctetString(encodeNull()))),
            encodeSequence(encodeSequence(encodeOidElement("2.25.8"), encodeOctetString(encodeNull()))),
          ),
        ),
      },
      { name: "two challengePasswords", input: carrying(challengePassword, challengePassword) },
      {
        name: "an unknown attribute twice",
        input: carrying(attribute("2.25.1", encodeNull()), attribute("2.25.1", encodeSmallInteger(1))),
      },
    ],
  },
  {
    code: "csr_extension_duplicate",
    cases: [
      { name: "RFC 5280 §4.2: subjectAltName twice", input: asking(san, san) },
      {
        name: "an unknown extension twice, apart",
        input: asking(duplicated, san, { ...duplicated, critical: true }),
      },
      {
        name: "basicConstraints FALSE, then TRUE",
        input: asking(
          extension(basicConstraints, { cA: false }, true),
          extension(basicConstraints, { cA: true }, true),
        ),
      },
    ],
  },
];

describe.each(refusals)("verifyCsr refuses as $code", ({ code, cases }) => {
  it.each(cases)("$name", async ({ input }) => {
    expect(await verdictOn(input)).toBe(code);
  });
});
