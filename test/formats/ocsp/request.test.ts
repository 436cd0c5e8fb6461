/** OCSP requests: OpenSSL's are read and written again octet for octet, and what is not strict is refused. */
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import {
  encodeContext,
  encodeNull,
  encodeOctetString,
  encodeOidElement,
  encodeSequence,
  encodeSmallInteger,
} from "../../../core/formats/der/writer.ts";
import { type CertId, certIdOf, encodeCertId } from "../../../core/formats/ocsp/cert-id.ts";
import { decodeOcspRequest, encodeOcspRequest } from "../../../core/formats/ocsp/request.ts";
import { basicResponseType } from "../../../core/formats/ocsp/response.ts";
import { encodeExtensions } from "../../../core/formats/x509/extension.ts";
import { opensslInstalled, opensslOutput, withFiles } from "../../support/openssl.ts";
import { hex, refusal, refusalCode } from "../refusal.ts";
import { certIdFor, certificatePem, deviceSerial, makeResponder } from "./ocsp-maker.ts";

const subject = makeResponder("P-256");
const sha1 = certIdFor(subject, "SHA-1", deviceSerial);
const sha256 = certIdFor(subject, "SHA-256", deviceSerial);

function opensslRequest(...parameters: readonly string[]): Promise<Buffer> {
  const key = subject.issuer.privateKey.export({ type: "pkcs8", format: "pem" });
  const files = { root: certificatePem(subject.root), device: certificatePem(subject.device), key };
  return withFiles(files, async (path) => {
    const named = parameters.map((each) => (each in files ? path(each) : each));
    await opensslOutput(["ocsp", "-issuer", path("root"), ...named, "-reqout", path("request")]);
    return readFile(path("request"));
  });
}

describe.runIf(opensslInstalled)("requests of openssl ocsp", () => {
  test.each([
    { name: "SHA-1", parameters: ["-no_nonce", "-cert", "device"], certIds: [sha1] },
    { name: "SHA-256", parameters: ["-no_nonce", "-sha256", "-cert", "device"], certIds: [sha256] },
    {
      name: "two certificates, two hashes",
      parameters: ["-no_nonce", "-cert", "device", "-sha256", "-serial", "0x80"],
      certIds: [sha1, certIdFor(subject, "SHA-256", "80")],
    },
    {
      name: "the serial number zero",
      parameters: ["-no_nonce", "-serial", "0"],
      certIds: [certIdFor(subject, "SHA-1", "00")],
    },
  ])("$name", async ({ parameters, certIds }) => {
    const raw = await opensslRequest(...parameters);
    expect(decodeOcspRequest(raw)).toEqual({ certIds });
    expect(encodeOcspRequest(decodeOcspRequest(raw))).toEqual(raw);
  });

  test("with a nonce", async () => {
    const raw = await opensslRequest("-cert", "device");
    const request = decodeOcspRequest(raw);
    expect(request.nonce?.length).toBeGreaterThanOrEqual(16);
    expect(encodeOcspRequest(request)).toEqual(raw);
  });

  test("RFC 6960 §4.1.2: a signed one is read as if it were not", async () => {
    const signer = ["-signer", "root", "-signkey", "key"];
    const raw = await opensslRequest("-no_nonce", "-cert", "device", ...signer);
    expect(decodeOcspRequest(raw)).toEqual({ certIds: [sha1] });
    const bare = await opensslRequest("-no_nonce", "-cert", "device", "-no_certs", ...signer);
    expect(decodeOcspRequest(bare)).toEqual({ certIds: [sha1] });
  });

  test("OpenSSL reads ours", async () => {
    const nonce = Buffer.from("0123456789abcdef".repeat(2));
    const raw = encodeOcspRequest({ certIds: [sha256], nonce, acceptableResponses: [basicResponseType] });
    const text = await withFiles({ raw }, (path) =>
      opensslOutput(["ocsp", "-reqin", path("raw"), "-req_text", "-noverify"]),
    );
    expect(text).toContain(`Serial Number: ${deviceSerial.toUpperCase()}`);
    expect(text).toContain("Hash Algorithm: sha256");
    expect(text).toContain("OCSP Nonce");
    expect(text).toContain("Acceptable OCSP Responses");
  });
});

test("RFC 6960 §4.1.1: a CertID has the hashes of the name's DER and of the key's bits (FIPS 180-4 vectors)", () => {
  const { issuerNameHash, issuerKeyHash } = certIdOf("SHA-1", Buffer.from("abc"), Buffer.alloc(0), "0a");
  expect(Buffer.from(issuerNameHash).toString("hex")).toBe("a9993e364706816aba3e25717850c26c9cd0d89d");
  expect(Buffer.from(issuerKeyHash).toString("hex")).toBe("da39a3ee5e6b4b0d3255bfef95601890afd80709");
});

/** The parts of a request, each replaceable. */
interface Parts {
  readonly certIds?: readonly Uint8Array[];
  readonly before?: readonly Uint8Array[];
  readonly single?: readonly Uint8Array[];
  readonly extensions?: readonly Uint8Array[];
  readonly after?: readonly Uint8Array[];
}

function request({
  certIds = [encodeCertId(sha1)],
  before = [],
  single = [],
  extensions = [],
  after = [],
}: Parts) {
  const list = encodeSequence(...certIds.map((each) => encodeSequence(each, ...single)));
  return encodeSequence(encodeSequence(...before, list, ...extensions), ...after);
}

interface CertIdParts {
  readonly hash?: Uint8Array;
  readonly nameHash?: number;
  readonly keyHash?: number;
  readonly serial?: Uint8Array;
}

const sha1Oid = encodeOidElement("1.3.14.3.2.26");

function certId({
  hash = encodeSequence(sha1Oid, encodeNull()),
  nameHash = 20,
  keyHash = 20,
  ...rest
}: CertIdParts) {
  const serial = rest.serial ?? encodeSmallInteger(5);
  const hashes = [encodeOctetString(Buffer.alloc(nameHash)), encodeOctetString(Buffer.alloc(keyHash))];
  return request({ certIds: [encodeSequence(hash, ...hashes, serial)] });
}

const nonceOid = "1.3.6.1.5.5.7.48.1.2";
const nonce = (octets: number) => ({
  oid: nonceOid,
  critical: false,
  value: encodeOctetString(Buffer.alloc(octets)),
});
const extensionsOf = (number: number, ...list: Parameters<typeof encodeExtensions>[0]) => [
  encodeContext(number, encodeExtensions(list)),
];
const unknownCritical = { oid: "2.25.1", critical: true, value: encodeNull() };

describe("what is taken", () => {
  test("RFC 5754 §2: a hash without parameters, which stays so", () => {
    const raw = certId({ hash: encodeSequence(sha1Oid) });
    const decoded = decodeOcspRequest(raw);
    expect(decoded.certIds[0]?.hashParameters).toBe("absent");
    expect(encodeOcspRequest(decoded)).toEqual(raw);
  });

  test.each([1, 16, 32, 128])("RFC 9654 §2.1: a nonce of %i octets", (octets) => {
    const raw = request({ extensions: extensionsOf(2, nonce(octets)) });
    expect(decodeOcspRequest(raw).nonce).toHaveLength(octets);
    expect(encodeOcspRequest(decodeOcspRequest(raw))).toEqual(raw);
  });

  test("a critical nonce, and an extension that is not known and not critical", () => {
    const list = [
      { ...nonce(3), critical: true },
      { ...unknownCritical, critical: false },
    ];
    expect(decodeOcspRequest(request({ extensions: extensionsOf(2, ...list) })).nonce).toHaveLength(3);
  });

  test("RFC 6960 §4.4.3: the response types that the client reads", () => {
    const types = [basicResponseType, "1.3.6.1.5.5.7.48.1.99"];
    const raw = encodeOcspRequest({ certIds: [sha1], acceptableResponses: types });
    expect(decodeOcspRequest(raw)).toEqual({ certIds: [sha1], acceptableResponses: types });
  });

  test("a serial number of 20 octets, and 16 certificates", () => {
    const long = certIdFor(subject, "SHA-1", `7f${"ff".repeat(19)}`);
    const certIds: readonly CertId[] = Array.from({ length: 16 }, () => long);
    expect(decodeOcspRequest(encodeOcspRequest({ certIds })).certIds).toEqual(certIds);
  });
});

const cases: readonly { readonly name: string; readonly raw: Uint8Array }[] = [
  { name: "nothing", raw: Buffer.alloc(0) },
  { name: "an empty SEQUENCE", raw: encodeSequence() },
  { name: "an octet too many", raw: Buffer.concat([request({}), Buffer.of(0)]) },
  { name: "more than 4,096 octets", raw: request({ after: [encodeOctetString(Buffer.alloc(4096))] }) },
  { name: "no certificate", raw: request({ certIds: [] }) },
  {
    name: "17 certificates",
    raw: request({ certIds: Array.from({ length: 17 }, () => encodeCertId(sha1)) }),
  },
  {
    name: "X.690 §11.5: version 1 written out",
    raw: request({ before: [encodeContext(0, encodeSmallInteger(0))] }),
  },
  { name: "version 2", raw: request({ before: [encodeContext(0, encodeSmallInteger(1))] }) },
  { name: "a name of the requestor with nothing in it", raw: request({ before: [encodeContext(1)] }) },
  { name: "SHA-384", raw: certId({ hash: encodeSequence(encodeOidElement("2.16.840.1.101.3.4.2.2")) }) },
  { name: "a hash without algorithm", raw: certId({ hash: encodeSequence() }) },
  { name: "parameters that are not NULL", raw: certId({ hash: encodeSequence(sha1Oid, encodeSequence()) }) },
  { name: "two parameters", raw: certId({ hash: encodeSequence(sha1Oid, encodeNull(), encodeNull()) }) },
  { name: "a name hash of 19 octets", raw: certId({ nameHash: 19 }) },
  { name: "a key hash of 32 octets under SHA-1", raw: certId({ keyHash: 32 }) },
  { name: "a negative serial number", raw: certId({ serial: hex("0201ff") }) },
  { name: "a serial number of 21 octets", raw: certId({ serial: hex(`0215 01${"00".repeat(20)}`) }) },
  { name: "a serial number that is not minimal", raw: certId({ serial: hex("02020005") }) },
  { name: "RFC 9654 §2.1: an empty nonce", raw: request({ extensions: extensionsOf(2, nonce(0)) }) },
  { name: "RFC 9654 §2.1: a nonce of 129 octets", raw: request({ extensions: extensionsOf(2, nonce(129)) }) },
  {
    name: "a nonce that is no OCTET STRING",
    raw: request({ extensions: extensionsOf(2, { ...nonce(1), value: Buffer.of(1, 2, 3) }) }),
  },
  { name: "two nonces", raw: request({ extensions: extensionsOf(2, nonce(1), nonce(1)) }) },
  {
    name: "a critical extension that is not known",
    raw: request({ extensions: extensionsOf(2, unknownCritical) }),
  },
  { name: "one of a single request", raw: request({ single: extensionsOf(0, unknownCritical) }) },
  { name: "an empty list of extensions", raw: request({ extensions: [encodeContext(2, encodeSequence())] }) },
  { name: "a signature that is empty", raw: request({ after: [encodeContext(0, encodeSequence())] }) },
  { name: "something else after the request", raw: request({ after: [encodeNull()] }) },
];

test.each(cases)("refused: $name", ({ raw }) => {
  expect(refusalCode(() => decodeOcspRequest(raw))).toBe("ocsp_malformed");
});

test.each([
  { name: "no certificate", certIds: [] },
  { name: "17 certificates", certIds: Array.from({ length: 17 }, () => sha1) },
  { name: "a hash of another length", certIds: [{ ...sha1, issuerKeyHash: Buffer.alloc(32) }] },
  { name: "a serial number in capitals", certIds: [{ ...sha1, serialNumber: "0A" }] },
  { name: "an odd count of digits", certIds: [{ ...sha1, serialNumber: "abc" }] },
  { name: "no serial number", certIds: [{ ...sha1, serialNumber: "" }] },
  {
    name: "a serial number of 21 octets with its sign",
    certIds: [{ ...sha1, serialNumber: "ff".repeat(20) }],
  },
])("not written: $name", ({ certIds }) => {
  expect(refusalCode(() => encodeOcspRequest({ certIds }))).toBe("ocsp_malformed");
});

test("a refusal says what is allowed", () => {
  expect(refusal(() => encodeOcspRequest({ certIds: [] })).message).toBe(
    "OCSP: request is about 0 certificates: 1 to 16 are allowed",
  );
});
