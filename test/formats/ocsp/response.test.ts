/** OCSP responses: what we write we read again, pkijs reads the same, and what is not strict is refused. */
import { webcrypto } from "node:crypto";
import * as pkijs from "pkijs";
import { describe, expect, test } from "vitest";
import { signatureAlgorithms } from "../../../core/formats/algorithms.ts";
import {
  encodeContext,
  encodeElement,
  encodeNull,
  encodeOctetString,
  encodeOidElement,
  encodeSequence,
  encodeSmallInteger,
} from "../../../core/formats/der/writer.ts";
import { encodeName, name } from "../../../core/formats/name.ts";
import {
  type BasicOcspResponse,
  type CertStatus,
  decodeOcspResponse,
  encodeBasicResponse,
  encodeOcspError,
  neverIssued,
  type OcspErrorStatus,
  ocspResponseStatus,
  verifyBasicResponseSignature,
} from "../../../core/formats/ocsp/response.ts";
import { encodeSingleResponse } from "../../../core/formats/ocsp/single-response.ts";
import { encodeExtensions } from "../../../core/formats/x509/extension.ts";
import { hex, refusalCode } from "../refusal.ts";
import { authorityIds, makeAuthority } from "../x509/certificate-maker.ts";
import {
  type Answer,
  certIdFor,
  deviceSerial,
  makeResponder,
  respond,
  responseData,
  signedResponse,
} from "./ocsp-maker.ts";

const subject = makeResponder("P-256");
const certId = certIdFor(subject, "SHA-256", deviceSerial);
const thisUpdate = Date.UTC(2026, 10, 25, 8, 0, 0);
const times = { thisUpdate, nextUpdate: thisUpdate + 3_600_000 };

const statuses: readonly { readonly name: string; readonly status: CertStatus }[] = [
  { name: "good", status: { kind: "good" } },
  { name: "unknown", status: { kind: "unknown" } },
  { name: "revoked", status: { kind: "revoked", revocationTime: thisUpdate - 1000 } },
  {
    name: "revoked with a reason",
    status: { kind: "revoked", revocationTime: Date.UTC(2051, 0, 1), reason: "keyCompromise" },
  },
  { name: "never issued", status: neverIssued },
];

const answers: readonly Answer[] = statuses.flatMap(({ status }) => [
  { producedAt: thisUpdate, responses: [{ certId, status, ...times }] },
  {
    producedAt: thisUpdate,
    responses: [
      { certId, status, thisUpdate },
      { certId: { ...certId, hashParameters: "absent" }, status, ...times },
    ],
    nonce: Buffer.alloc(32, 7),
    extendedRevoke: true,
  },
]);

function decodeBasic(raw: Uint8Array): BasicOcspResponse {
  const decoded = decodeOcspResponse(raw);
  if (decoded.status !== ocspResponseStatus.successful) return expect.fail("not successful");
  return decoded;
}

test.each(answers.map((answer, index) => ({ index, answer })))(
  "answer $index is read as it was written",
  ({ answer }) => {
    const tbs = responseData(subject, answer);
    const decoded = decodeBasic(signedResponse(subject, tbs));
    expect(decoded).toMatchObject(answer);
    expect(decoded.tbsRaw).toEqual(tbs);
    expect(decoded.certificates).toEqual([subject.certificate]);
    expect(decoded.responderKeyHash).toHaveLength(20);
    expect(decoded.extendedRevoke).toBe(answer.extendedRevoke === true);
  },
);

test("RFC 6960 §4.2.1: all times are GeneralizedTime, before 2050 and after", () => {
  const [first] = answers;
  if (first === undefined) return expect.fail("no answer");
  const tbs = responseData(subject, first).toString("latin1");
  expect(tbs.split("\x18\x0f20261125080000Z")).toHaveLength(3);
  expect(tbs).toContain("\x18\x0f20261125090000Z");
});

describe.each(authorityIds.map((id) => ({ id })))("a responder of $id", ({ id }) => {
  const own = makeResponder(id);
  const raw = respond(own, {
    producedAt: thisUpdate,
    responses: [{ certId, status: { kind: "good" }, ...times }],
  });

  test("its signature verifies under its key alone", async () => {
    const decoded = decodeBasic(raw);
    expect(await verifyBasicResponseSignature(decoded, own.responder.publicKey)).toBe(true);
    expect(await verifyBasicResponseSignature(decoded, makeAuthority(id).publicKey)).toBe(false);
    expect(await verifyBasicResponseSignature(decoded, own.issuer.publicKey)).toBe(false);
  });

  test("changed octets, another algorithm and a cut signature do not verify", async () => {
    const decoded = decodeBasic(raw);
    const tbsRaw = Buffer.from(decoded.tbsRaw);
    tbsRaw[30] = (tbsRaw[30] ?? 0) ^ 1;
    const changes: readonly Partial<BasicOcspResponse>[] = [
      { tbsRaw },
      { signatureAlgorithm: signatureAlgorithms["ecdsa-with-SHA512"].identifier },
      { signatureAlgorithm: hex("30030601 2a") },
      { signatureValue: decoded.signatureValue.subarray(1) },
    ];
    for (const change of changes) {
      expect(await verifyBasicResponseSignature({ ...decoded, ...change }, own.responder.publicKey)).toBe(
        false,
      );
    }
  });
});

describe("pkijs", () => {
  const engine = new pkijs.CryptoEngine({ name: "node", crypto: webcrypto });

  test.each(statuses)("reads $name and verifies the signature", async ({ name: kind, status }) => {
    const nonce = Buffer.alloc(16, 3);
    const raw = respond(subject, {
      producedAt: thisUpdate,
      responses: [{ certId, status, ...times }],
      nonce,
    });
    const outer = pkijs.OCSPResponse.fromBER(new Uint8Array(raw));
    const octets = outer.responseBytes?.response.valueBlock.valueHexView ?? expect.fail("no response");
    const basic = pkijs.BasicOCSPResponse.fromBER(new Uint8Array(octets));
    const [single] = basic.tbsResponseData.responses;
    expect(Buffer.from(single?.certID.serialNumber.valueBlock.valueHexView ?? "").toString("hex")).toBe(
      `00${deviceSerial}`,
    );
    expect(single?.certStatus.idBlock.tagNumber).toBe(kind === "good" ? 0 : kind === "unknown" ? 2 : 1);
    expect(single?.thisUpdate.getTime()).toBe(times.thisUpdate);
    expect(single?.nextUpdate?.getTime()).toBe(times.nextUpdate);
    expect(basic.tbsResponseData.producedAt.getTime()).toBe(thisUpdate);
    const trustedCerts = [pkijs.Certificate.fromBER(new Uint8Array(subject.root))];
    expect(await basic.verify({ trustedCerts }, engine)).toBe(true);
  });
});

describe("refusals", () => {
  test.each(Object.entries(ocspResponseStatus).filter(([, status]) => status !== 0))(
    "RFC 6960 §4.2.1: %s is its number and nothing else",
    (_, status) => {
      const raw = encodeOcspError(status as OcspErrorStatus);
      expect(raw.toString("hex")).toBe(`30030a010${status}`);
      expect(decodeOcspResponse(raw)).toEqual({ status });
    },
  );
});

const key = encodeContext(2, encodeOctetString(Buffer.alloc(20)));
const time = encodeElement(0x18, Buffer.from("20261125080000Z"));
const single = encodeSingleResponse({ certId, status: { kind: "good" }, thisUpdate });
const withStatus = (status: Uint8Array) => {
  const at = single.indexOf(Buffer.of(0x80, 0));
  const content = Buffer.concat([single.subarray(2, at), status, single.subarray(at + 2)]);
  return encodeSequence(content);
};
const unknownCritical = { oid: "2.25.1", critical: true, value: encodeNull() };
const { identifier } = signatureAlgorithms["ecdsa-with-SHA256"];

const basicOf = (tbs: Uint8Array, ...rest: readonly Uint8Array[]): Buffer =>
  successful(encodeSequence(tbs, identifier, hex("030100"), ...rest));
function successful(basic: Uint8Array, type = "1.3.6.1.5.5.7.48.1.1"): Buffer {
  const bytes = encodeSequence(encodeOidElement(type), encodeOctetString(basic));
  return encodeSequence(hex("0a0100"), encodeContext(0, bytes));
}
const data = (...fields: readonly Uint8Array[]): Buffer => basicOf(encodeSequence(...fields));
const list = (...singles: readonly Uint8Array[]): Buffer => encodeSequence(...singles);

test("a responder may be named by its name, and certificates may be absent", () => {
  const byName = encodeName(name([["commonName", "r"]]));
  const decoded = decodeBasic(data(encodeContext(1, byName), time, list(single)));
  expect(decoded.responderName).toEqual(byName);
  expect(decoded).not.toHaveProperty("responderKeyHash");
  expect(decoded.certificates).toEqual([]);
  expect(decodeBasic(data(key, time, list(single))).responses).toHaveLength(1);
});

test.each([
  { name: "nothing", raw: Buffer.alloc(0) },
  { name: "status 4, which is not used", raw: hex("30030a0104") },
  { name: "a status of two octets", raw: hex("30040a020100") },
  { name: "a status that is an INTEGER", raw: hex("3003020101") },
  { name: "a success without an answer", raw: hex("30030a0100") },
  {
    name: "a refusal with an answer",
    raw: encodeSequence(
      hex("0a0101"),
      encodeContext(0, encodeSequence(encodeOidElement("1.2.3"), encodeOctetString(hex("0500")))),
    ),
  },
  { name: "another type than basic", raw: successful(encodeNull(), "1.2.3") },
  { name: "an answer that is not DER", raw: successful(Buffer.of(0x30, 0x80, 0, 0)) },
  {
    name: "X.690 §11.5: version 1 written out",
    raw: data(encodeContext(0, encodeSmallInteger(0)), key, time, list(single)),
  },
  { name: "no responder", raw: data(time, list(single)) },
  {
    name: "a key hash of 32 octets",
    raw: data(encodeContext(2, encodeOctetString(Buffer.alloc(32))), time, list(single)),
  },
  { name: "a name that is no SEQUENCE", raw: data(encodeContext(1, encodeNull()), time, list(single)) },
  { name: "UTCTime", raw: data(key, encodeElement(0x17, Buffer.from("261125080000Z")), list(single)) },
  {
    name: "a fraction of a second",
    raw: data(key, encodeElement(0x18, Buffer.from("20261125080000.5Z")), list(single)),
  },
  { name: "no response", raw: data(key, time, list()) },
  { name: "a status that is [3]", raw: data(key, time, list(withStatus(hex("8300")))) },
  { name: "good with content", raw: data(key, time, list(withStatus(hex("800100")))) },
  { name: "revoked without a time", raw: data(key, time, list(withStatus(hex("a100")))) },
  {
    name: "reason 7, which is not used",
    raw: data(key, time, list(withStatus(encodeContext(1, time, hex("a0030a0107"))))),
  },
  {
    name: "a critical extension that is not known",
    raw: data(key, time, list(single), encodeContext(1, encodeExtensions([unknownCritical]))),
  },
  {
    name: "certificates that are not",
    raw: basicOf(encodeSequence(key, time, list(single)), encodeContext(0, encodeSequence(encodeNull()))),
  },
  {
    name: "something after the certificates",
    raw: basicOf(encodeSequence(key, time, list(single)), encodeNull()),
  },
])("refused: $name", ({ raw }) => {
  expect(refusalCode(() => decodeOcspResponse(raw))).toBe("ocsp_malformed");
});

test.each([
  { name: "no response", change: { responses: [] } },
  { name: "a nonce of nothing", change: { nonce: Buffer.alloc(0) } },
  { name: "a nonce of 129 octets", change: { nonce: Buffer.alloc(129) } },
  { name: "half a second", change: { producedAt: thisUpdate + 500 } },
])("not written: $name", ({ change }) => {
  const answer = {
    producedAt: thisUpdate,
    responses: [{ certId, status: neverIssued, ...times }],
    ...change,
  };
  expect(refusalCode(() => responseData(subject, answer))).toBe("ocsp_malformed");
});

test("without certificates the field is left out", () => {
  const tbs = encodeSequence(key, time, list(single));
  const raw = encodeBasicResponse(tbs, signatureAlgorithms["ecdsa-with-SHA256"], Buffer.alloc(0), []);
  expect(raw).toEqual(basicOf(tbs));
});
