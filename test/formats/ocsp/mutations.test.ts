/** Requests and responses cut short, with a bit changed, a list emptied, a node moved: an AppError, or a value. */
import { describe, expect, test } from "vitest";
import { isAppError } from "../../../core/errors.ts";
import { decodeOcspRequest, encodeOcspRequest } from "../../../core/formats/ocsp/request.ts";
import {
  decodeOcspResponse,
  neverIssued,
  verifyBasicResponseSignature,
} from "../../../core/formats/ocsp/response.ts";
import { mutateTree, writeCrookedLength } from "../der-mutation.ts";
import { type DerNode, emptied, mutations, parseTree, writeTree } from "../der-tree.ts";
import { refusalCode } from "../refusal.ts";
import { seededRandom } from "../seeded-random.ts";
import { certIdFor, deviceSerial, makeResponder, respond } from "./ocsp-maker.ts";

const subject = makeResponder("P-256");
const certIds = [certIdFor(subject, "SHA-1", deviceSerial), certIdFor(subject, "SHA-256", "05")];
const nonce = Buffer.alloc(32, 9);
const thisUpdate = Date.UTC(2026, 10, 25);
const nextUpdate = thisUpdate + 60_000;
const [first, second] = certIds.map((certId) => ({ certId, thisUpdate, nextUpdate }));
if (first === undefined || second === undefined) throw new Error("no CertID");

const messages = [
  {
    name: "request",
    raw: encodeOcspRequest({ certIds, nonce, acceptableResponses: ["1.3.6.1.5.5.7.48.1.1"] }),
    decode: (raw: Uint8Array): unknown => decodeOcspRequest(raw),
  },
  {
    name: "response",
    raw: respond(subject, {
      producedAt: thisUpdate,
      responses: [
        { ...first, status: { kind: "good" } },
        { ...second, status: neverIssued },
      ],
      nonce,
      extendedRevoke: true,
    }),
    decode: (raw: Uint8Array): unknown => decodeOcspResponse(raw),
  },
];

type Decode = (raw: Uint8Array) => unknown;

/** True when it is read; anything thrown but ocsp_malformed is thrown on. */
function isRead(decode: Decode, raw: Uint8Array): boolean {
  try {
    decode(raw);
    return true;
  } catch (error) {
    if (isAppError(error, "ocsp_malformed")) return false;
    throw error;
  }
}

const nothing: DerNode = { tag: 0x30, children: [] };

describe.each(messages)("a $name", ({ name, raw, decode }) => {
  test("is read as it is", () => {
    expect(isRead(decode, raw)).toBe(true);
  });

  test("cut short anywhere: refused", () => {
    for (let length = 0; length < raw.length; length += 1) {
      expect(refusalCode(() => decode(raw.subarray(0, length)))).toBe("ocsp_malformed");
    }
  });

  test("CVE-2026-40097: every list emptied is refused, but for certificates that are not read", () => {
    const root = parseTree(raw, true);
    const found = [...mutations(root, emptied), ...mutations(root, (node) => emptied(node) && nothing)];
    expect(found.length).toBeGreaterThan(20);
    const read = found.filter(({ bytes }) => isRead(decode, bytes)).map(({ path }) => path);
    // 1/0/1/0/3/0 is the response's list of certificates, which may have none and whose items are not read.
    const kept = name === "request" ? read : read.filter((path) => !path.startsWith("1/0/1/0/3/0"));
    expect(kept).toEqual([]);
  });

  test("one bit changed: refused, or read", () => {
    for (let bit = 0; bit < raw.length * 8; bit += 1) {
      const changed = Buffer.from(raw);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      isRead(decode, changed);
    }
    expect(isRead(decode, raw)).toBe(true);
  });

  test("trees with nodes taken out, doubled, moved and retagged, and crooked lengths: refused, or read", () => {
    const random = seededRandom(6960);
    const root = parseTree(raw, true);
    let refused = 0;
    for (let round = 0; round < 2000; round += 1) {
      if (!isRead(decode, writeTree(mutateTree(root, random)))) refused += 1;
      if (round % 10 === 0) isRead(decode, writeCrookedLength(root, random));
    }
    // Half of a response is its certificate, which is not read.
    expect(refused).toBeGreaterThan(500);
  });

  test("random octets: refused", () => {
    const random = seededRandom(9654);
    for (let round = 0; round < 2000; round += 1) {
      expect(isRead(decode, random.octets(random.below(120)))).toBe(false);
    }
  });
});

test("whatever of a request is read is written again octet for octet, or was signed, or had more than we know", () => {
  const { raw } = messages[0] ?? expect.fail("no request");
  let read = 0;
  for (let bit = 0; bit < raw.length * 8; bit += 1) {
    const changed = Buffer.from(raw);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if (!isRead(decodeOcspRequest, changed)) continue;
    const request = decodeOcspRequest(changed);
    if (request.nonce === undefined || request.acceptableResponses === undefined) continue;
    expect(encodeOcspRequest(request)).toEqual(changed);
    read += 1;
  }
  expect(read).toBeGreaterThan(500);
});

test("one bit changed in what is signed or in the signature: refused, or it does not verify", async () => {
  const { raw } = messages[1] ?? expect.fail("no response");
  const random = seededRandom(1);
  const certificateAt = raw.indexOf(subject.certificate);
  for (let round = 0; round < 400; round += 1) {
    const changed = Buffer.from(raw);
    const at = random.below(certificateAt);
    changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
    if (!isRead(decodeOcspResponse, changed)) continue;
    const decoded = decodeOcspResponse(changed);
    if (decoded.status !== 0) continue;
    expect(await verifyBasicResponseSignature(decoded, subject.responder.publicKey)).toBe(false);
  }
});
