import { createHash, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { keyAlgorithms, signatureAlgorithms } from "../../core/formats/algorithms.ts";
import {
  assembleCertificationRequest,
  encodeCertificationRequestInfo,
  verifyCsr,
} from "../../core/formats/certification-request.ts";
import {
  encodeBitString,
  encodeNull,
  encodeSequence,
  encodeSmallInteger,
} from "../../core/formats/der/writer.ts";
import { name } from "../../core/formats/name.ts";
import { type Extension, extension } from "../../core/formats/x509/extension.ts";
import { basicConstraints } from "../../core/formats/x509/extensions/basic-constraints.ts";
import {
  attribute,
  encodeUtf8String,
  extensionRequest,
  makeRequest,
  makeSubject,
  requestInfo,
  signRequest,
  subjectAlgorithms,
  usualExtensions,
  verdictOn,
} from "./certification-request-maker.ts";

const device = makeSubject("P-256");
const p384 = makeSubject("P-384");
const rsa = makeSubject("RSA");

const carrying = (...attributes: readonly Uint8Array[]): Buffer => makeRequest(device, { attributes });
const asking = (...extensions: readonly Extension[]): Buffer => carrying(extensionRequest(...extensions));
const raw = (oid: string, value: string): Extension => ({
  oid,
  critical: false,
  value: Buffer.from(value, "hex"),
});
const challengePassword = attribute("1.2.840.113549.1.9.7", encodeUtf8String("secret"));
const unknown = attribute("2.25.1", encodeNull());
const poison = raw("1.3.6.1.4.1.11129.2.4.3", "0500");
const san = usualExtensions[0] ?? poison;

const underRow = (identifier: Uint8Array): Buffer => {
  const info = requestInfo({ spki: device.spki });
  return encodeSequence(info, identifier, encodeBitString(sign("sha256", info, device.privateKey)));
};

describe("verifyCsr accepts", () => {
  it.each(subjectAlgorithms)("%s, with and without extensions", async (id) => {
    const subject = makeSubject(id);
    const plain = await verifyCsr(makeRequest(subject));
    expect(plain.publicKey.algorithm).toBe(keyAlgorithms[id]);
    expect(plain.signatureAlgorithm).toBe(subject.row);
    expect(plain.requested).toEqual({ subjectAltName: [], others: [] });
    const asked = await verifyCsr(
      makeRequest(subject, { attributes: [extensionRequest(...usualExtensions)] }),
    );
    expect(asked.requested).toEqual({
      subjectAltName: [
        { kind: "uniformResourceIdentifier", value: "spiffe://fleet.example/fleet/a/device/pump-0001" },
      ],
      basicConstraints: { cA: false },
      keyUsage: new Set(["digitalSignature"]),
      extendedKeyUsage: ["1.3.6.1.5.5.7.3.2"],
      others: [],
    });
  });

  it.each([
    { name: "P-256 with SHA-384", subject: device, row: signatureAlgorithms["ecdsa-with-SHA384"] },
    { name: "P-256 with SHA-512", subject: device, row: signatureAlgorithms["ecdsa-with-SHA512"] },
    { name: "P-384 with SHA-256", subject: p384, row: signatureAlgorithms["ecdsa-with-SHA256"] },
    { name: "RSA with SHA-384", subject: rsa, row: signatureAlgorithms.sha384WithRSAEncryption },
    { name: "RSA with SHA-512", subject: rsa, row: signatureAlgorithms.sha512WithRSAEncryption },
  ])("$name", async ({ subject, row }) => {
    const request = signRequest(requestInfo({ spki: subject.spki }), subject, row);
    expect((await verifyCsr(request)).signatureAlgorithm).toBe(row);
  });

  it.each([
    { name: "RFC 2985 §5.4.1: challengePassword, ignored", input: carrying(challengePassword) },
    { name: "an attribute nobody knows, ignored", input: carrying(unknown) },
    {
      name: "Microsoft's own request for extensions, ignored as nothing is copied anyway",
      input: carrying(attribute("1.3.6.1.4.1.311.2.1.14", encodeSequence())),
    },
    {
      name: "RFC 2986 §4.1: an attribute of two values",
      input: carrying(attribute("2.25.1", encodeNull(), encodeSmallInteger(1))),
    },
    {
      name: "three attributes in DER order",
      input: carrying(...[challengePassword, unknown, extensionRequest(san)].sort(Buffer.compare)),
    },
    { name: "an empty subject", input: makeRequest(device, { subject: encodeSequence() }) },
  ])("$name", async ({ input }) => {
    expect(await verdictOn(input)).toBe("accepted");
  });

  it("extensions that we do not read are named by OID, in order", async () => {
    const { requested } = await verifyCsr(asking(raw("2.25.9", "00"), san, poison));
    expect(requested.others).toEqual(["2.25.9", "1.3.6.1.4.1.11129.2.4.3"]);
  });

  it("CA:TRUE is read, for policy to refuse", async () => {
    const { requested } = await verifyCsr(asking(extension(basicConstraints, { cA: true }, true)));
    expect(requested.basicConstraints).toEqual({ cA: true });
  });

  it("digest is the SHA-256 of the whole; raw is a copy", async () => {
    const request = makeRequest(device);
    const expected = createHash("sha256").update(request).digest("hex");
    const pending = verifyCsr(request);
    request.fill(0);
    const csr = await pending;
    expect(csr.digest).toBe(expected);
    expect(createHash("sha256").update(csr.raw).digest("hex")).toBe(expected);
    expect(device.spki.equals(csr.publicKey.der)).toBe(true);
  });
});

describe("encodeCertificationRequestInfo and assembleCertificationRequest", () => {
  it.each(subjectAlgorithms)("%s: what they make is accepted and says what was asked", async (id) => {
    const subject = makeSubject(id);
    const info = encodeCertificationRequestInfo({
      subject: name([["commonName", "pump-0001"]]),
      subjectPublicKeyInfo: subject.spki,
      extensions: usualExtensions,
    });
    const signature = sign(subject.row.digest, info, subject.privateKey);
    const csr = await verifyCsr(assembleCertificationRequest(info, subject.row, signature));
    expect(csr.subject).toEqual(name([["commonName", "pump-0001"]]));
    expect(csr.requested.extendedKeyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  });

  it("RFC 2986 §4.1: without extensions the attributes are an empty set", () => {
    const subject = name([["commonName", "pump-0001"]]);
    const info = encodeCertificationRequestInfo({
      subject,
      subjectPublicKeyInfo: device.spki,
      extensions: [],
    });
    expect(info.subarray(-2).toString("hex")).toBe("a000");
    expect(info.equals(requestInfo({ spki: device.spki }))).toBe(true);
  });
});

describe("messages give value, limit and remedy, and nothing of the request", () => {
  it.each([
    {
      name: "size",
      input: Buffer.alloc(20_000),
      expected: "certification request: input of 20000 octets exceeds the limit of 16384",
    },
    {
      name: "attributes",
      input: makeRequest(device, { attributes: null }),
      expected: "certification request has no attributes; encode an empty set as a0 00",
    },
    {
      name: "algorithm for the key",
      input: underRow(rsa.row.identifier),
      expected:
        "signature algorithm sha256WithRSAEncryption does not suit a key of P-256; use ecdsa-with-SHA256 or ecdsa-with-SHA384 or ecdsa-with-SHA512",
    },
    {
      name: "version",
      input: makeRequest(device, { version: encodeSmallInteger(1) }),
      expected: "request version 0x01 is not 0, which means PKCS#10 v1",
    },
  ])("$name", async ({ input, expected }) => {
    await expect(verifyCsr(input)).rejects.toThrow(expected);
  });
});
