import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { keyAlgorithms, signatureAlgorithms } from "../../core/formats/algorithms.ts";
import { assembleCertificationRequest } from "../../core/formats/certification-request.ts";
import {
  encodeBitString,
  encodeElement,
  encodeNull,
  encodeOidElement,
  encodeSequence,
} from "../../core/formats/der/writer.ts";
import type { Extension } from "../../core/formats/x509/extension.ts";
import {
  extensionRequest,
  makeRequest,
  makeSubject,
  requestInfo,
  type Subject,
  signRequest,
  subjectOf,
  usualExtensions,
  verdictOn,
} from "./certification-request-maker.ts";

const device = makeSubject("P-256");
const other = makeSubject("P-256");
const ed25519 = makeSubject("Ed25519");
const rsa = makeSubject("RSA");

const integer = (hex: string): Buffer => encodeElement(0x02, Buffer.from(hex, "hex"));
const carrying = (...attributes: readonly Uint8Array[]): Buffer => makeRequest(device, { attributes });
const asking = (...extensions: readonly Extension[]): Buffer => carrying(extensionRequest(...extensions));

const changed = (request: Buffer, offset: number): Buffer => {
  const copy = Buffer.from(request);
  const at = offset < 0 ? copy.length + offset : offset;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

const sha1 = (subject: Subject, identifier: Uint8Array): Buffer => {
  const info = requestInfo({ spki: subject.spki });
  return encodeSequence(info, identifier, encodeBitString(sign("sha1", info, subject.privateKey)));
};
const underRow = (identifier: Uint8Array): Buffer => {
  const info = requestInfo({ spki: device.spki });
  return encodeSequence(info, identifier, encodeBitString(sign("sha256", info, device.privateKey)));
};
const rsa1024 = subjectOf(rsa.row, generateKeyPairSync("rsa", { modulusLength: 1024 }));
const exponent3 = subjectOf(rsa.row, generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 }));
const secp256k1 = subjectOf(device.row, generateKeyPairSync("ec", { namedCurve: "secp256k1" }));
const p521 = subjectOf(device.row, generateKeyPairSync("ec", { namedCurve: "P-521" }));
const ed448 = subjectOf(ed25519.row, generateKeyPairSync("ed448"));
const pss = subjectOf(rsa.row, generateKeyPairSync("rsa-pss", { modulusLength: 2048 }));
const offCurve = changed(device.spki, -1);
const compressed = encodeSequence(
  keyAlgorithms["P-256"].spkiIdentifier,
  encodeBitString(Buffer.concat([Buffer.of(2), device.spki.subarray(-64, -32)])),
);

const honest = asking(...usualExtensions);
const info = requestInfo({ spki: device.spki });
const ecdsa = (r: Uint8Array, s: Uint8Array): Buffer =>
  assembleCertificationRequest(info, device.row, encodeSequence(r, s));
const n256 = "00ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

const refusals: readonly {
  readonly code: string;
  readonly cases: readonly { name: string; input: Uint8Array }[];
}[] = [
  {
    code: "csr_algorithm_unsupported",
    cases: [
      {
        name: "RSA with SHA-1",
        input: sha1(rsa, encodeSequence(encodeOidElement("1.2.840.113549.1.1.5"), encodeNull())),
      },
      {
        name: "ECDSA with SHA-1",
        input: sha1(device, encodeSequence(encodeOidElement("1.2.840.10045.4.1"))),
      },
      {
        name: "RSA with MD5",
        input: underRow(encodeSequence(encodeOidElement("1.2.840.113549.1.1.4"), encodeNull())),
      },
      { name: "RSASSA-PSS", input: underRow(encodeSequence(encodeOidElement("1.2.840.113549.1.1.10"))) },
      {
        name: "RFC 5758 §3.2: ECDSA with NULL parameters",
        input: underRow(encodeSequence(encodeOidElement(device.row.oid), encodeNull())),
      },
      {
        name: "RFC 4055 §5: RSA without NULL",
        input: underRow(encodeSequence(encodeOidElement(rsa.row.oid))),
      },
      { name: "an OID that signs nothing", input: underRow(encodeSequence(encodeOidElement("2.25.1"))) },
      { name: "an RSA algorithm for an EC key", input: underRow(rsa.row.identifier) },
      {
        name: "an EC algorithm for an Ed25519 key",
        input: encodeSequence(
          requestInfo({ spki: ed25519.spki }),
          device.row.identifier,
          encodeBitString(Buffer.alloc(64)),
        ),
      },
      { name: "Ed25519 for an EC key", input: underRow(ed25519.row.identifier) },
      { name: "ML-DSA-65 for an EC key", input: underRow(signatureAlgorithms["ML-DSA-65"].identifier) },
    ],
  },
  {
    code: "key_unsupported",
    cases: [
      { name: "secp256k1", input: makeRequest(secp256k1) },
      { name: "P-521", input: makeRequest(p521) },
      { name: "Ed448", input: makeRequest(ed448) },
      { name: "RSASSA-PSS", input: makeRequest(pss) },
    ],
  },
  {
    code: "key_malformed",
    cases: [
      { name: "a point off its curve", input: makeRequest({ ...device, spki: offCurve }) },
      { name: "RFC 5480 §2.2: a compressed point", input: makeRequest({ ...device, spki: compressed }) },
      {
        name: "the point at infinity",
        input: makeRequest({
          ...device,
          spki: encodeSequence(keyAlgorithms["P-256"].spkiIdentifier, encodeBitString(Buffer.of(0))),
        }),
      },
      {
        name: "an ECDSA key of 0 octets",
        input: makeRequest({
          ...device,
          spki: encodeSequence(keyAlgorithms["P-256"].spkiIdentifier, encodeBitString(Buffer.alloc(0))),
        }),
      },
      {
        name: "a key that is a SEQUENCE of nothing",
        input: makeRequest({ ...device, spki: encodeSequence() }),
      },
    ],
  },
  {
    code: "key_weak",
    cases: [
      { name: "RSA 1024", input: makeRequest(rsa1024) },
      { name: "RSA with e = 3", input: makeRequest(exponent3) },
      {
        name: "Ed25519 of small order: every message verifies",
        input: assembleCertificationRequest(
          requestInfo({
            spki: encodeSequence(
              keyAlgorithms.Ed25519.spkiIdentifier,
              encodeBitString(Buffer.from(`01${"00".repeat(31)}`, "hex")),
            ),
          }),
          ed25519.row,
          Buffer.from(`01${"00".repeat(63)}`, "hex"),
        ),
      },
    ],
  },
  {
    code: "csr_signature_invalid",
    cases: [
      { name: "signed by another key", input: signRequest(info, other) },
      {
        name: "the key of another request swapped in",
        input: signRequest(info, { ...other, spki: device.spki }),
      },
      {
        name: "signed under another hash than it says",
        input: assembleCertificationRequest(info, device.row, sign("sha384", info, device.privateKey)),
      },
      { name: "one bit of the subject changed", input: changed(honest, honest.indexOf("pump-0001")) },
      { name: "the last bit of the signature changed", input: changed(honest, -1) },
      { name: "an empty signature", input: assembleCertificationRequest(info, device.row, Buffer.alloc(0)) },
      { name: "FIPS 186-5 §6.4.2: r = 0, s = 0", input: ecdsa(integer("00"), integer("00")) },
      { name: "FIPS 186-5 §6.4.2: r = 1, s = 0", input: ecdsa(integer("01"), integer("00")) },
      { name: "FIPS 186-5 §6.4.2: r = n, s = 1", input: ecdsa(integer(n256), integer("01")) },
      { name: "FIPS 186-5 §6.4.2: r = 1, s = n", input: ecdsa(integer("01"), integer(n256)) },
      { name: "a negative r", input: ecdsa(integer("ff"), integer("01")) },
      {
        name: "an ECDSA signature as r || s",
        input: assembleCertificationRequest(
          info,
          device.row,
          sign("sha256", info, { key: device.privateKey, dsaEncoding: "ieee-p1363" }),
        ),
      },
      {
        name: "octets after the ECDSA signature",
        input: assembleCertificationRequest(
          info,
          device.row,
          Buffer.concat([sign("sha256", info, device.privateKey), Buffer.of(0)]),
        ),
      },
      {
        name: "an RSA-PSS signature under PKCS #1 v1.5's name",
        input: (() => {
          const text = requestInfo({ spki: rsa.spki });
          return assembleCertificationRequest(
            text,
            rsa.row,
            sign("sha256", text, { key: rsa.privateKey, padding: 6 }),
          );
        })(),
      },
      {
        name: "an Ed25519 signature with S + L",
        input: (() => {
          const text = requestInfo({ spki: ed25519.spki });
          return assembleCertificationRequest(
            text,
            ed25519.row,
            malleable(sign(null, text, ed25519.privateKey)),
          );
        })(),
      },
    ],
  },
];

/** RFC 8032 §5.1.7: S must be below L; S + L satisfies the equation all the same. */
function malleable(signature: Buffer): Buffer {
  const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString("hex")}`) + order;
  return Buffer.concat([
    signature.subarray(0, 32),
    Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse(),
  ]);
}

describe.each(refusals)("verifyCsr refuses as $code", ({ code, cases }) => {
  it.each(cases)("$name", async ({ input }) => {
    expect(await verdictOn(input)).toBe(code);
  });
});
