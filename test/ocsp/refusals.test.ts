/** Room: test. What is not answered: each refusal is one of RFC 6960's own, unsigned, and costs no signature. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { PreparedIssuance } from "../../core/enrollment/issuance.ts";
import { AppError } from "../../core/errors.ts";
import { verifyCsr } from "../../core/formats/certification-request.ts";
import { type CertId, certIdOf } from "../../core/formats/ocsp/cert-id.ts";
import { decodeOcspRequest, encodeOcspRequest } from "../../core/formats/ocsp/request.ts";
import { decodeOcspResponse } from "../../core/formats/ocsp/response.ts";
import { subjectPublicKeyOf } from "../../core/formats/spki.ts";
import { ocspResponder } from "../../core/ocsp/answer.ts";
import { fleetItem } from "../../core/records/fleet-record.ts";
import { responderItem, responderPartition, responderRecord } from "../../core/records/responder-record.ts";
import { profiles } from "../../core/standard/profiles.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { addFleet, testFleet } from "../support/fleet-app.ts";
import {
  type AnsweringFleet,
  addAuthority,
  openAnsweringFleet,
  type Subject,
  startAnswering,
  statusName,
} from "./answering-fleet.ts";

const otherFleet = "other";

let fleet: AnsweringFleet;
let subject: Subject;
let request: Buffer;
beforeAll(async () => {
  fleet = await openAnsweringFleet();
  await addFleet(fleet.app, otherFleet);
  await startAnswering(fleet.app, otherFleet);
  subject = await fleet.device();
  request = encodeOcspRequest({ certIds: [await certIdOfAuthority("issuing-1", subject.serialNumber)] });
});
afterAll(() => fleet.close());

async function certIdOfAuthority(
  authorityId: string,
  serialNumber: string,
  name = testFleet,
): Promise<CertId> {
  const { authorities } = await getFleet(fleet.app, name);
  const issuer = authorities.find(({ record }) => record.authorityId === authorityId);
  if (issuer === undefined) return expect.fail(`no authority ${authorityId}`);
  const key = subjectPublicKeyOf(issuer.publicKey);
  return certIdOf("SHA-256", issuer.certificate.tbs.subjectRaw, key, serialNumber);
}

/** The refusal's name; "successful" for an answer. Refusals must cost no signature, and no cache keeps them. */
async function refusalOf(raw: Uint8Array, name = testFleet, answer = fleet.responder()): Promise<string> {
  const signatures = fleet.keys.signatures;
  const { body, maxAgeSeconds, nextUpdate, etag } = await answer({ fleet: name, request: raw });
  const status = statusName(body);
  if (status === "successful") return status;
  expect(fleet.keys.signatures).toBe(signatures);
  expect({ octets: body.length, maxAgeSeconds, nextUpdate, etag }).toEqual({ octets: 5 });
  return status;
}

const about = (...certIds: CertId[]) => encodeOcspRequest({ certIds });

describe("RFC 9919 §3.2.3: unauthorized is said of", () => {
  it("a number that was never issued, which costs reads alone", async () => {
    const answer = fleet.responder();
    expect(await refusalOf(request, testFleet, answer)).toBe("successful");
    const { reads, transactions } = fleet.store.calls;
    const certId = await certIdOfAuthority("issuing-1", "0badc0de");
    // certIdOfAuthority itself reads the fleet once.
    expect(await refusalOf(about(certId), testFleet, answer)).toBe("unauthorized");
    expect(fleet.store.calls).toEqual({ reads: reads + 2, transactions });
  });

  it("an intent that was not signed yet", async () => {
    const { authorities } = await getFleet(fleet.app, testFleet);
    const issuer = authorities.find(({ record }) => record.authorityId === "issuing-1");
    if (issuer === undefined) return expect.fail("no authority");
    const { authorityId, keyId } = issuer.record;
    let serialNumber = "";
    await PreparedIssuance.prepare(fleet.app, {
      fleet: testFleet,
      signer: { authorityId, keyId, algorithm: issuer.algorithm, issuer },
      profile: profiles.device,
      identity: { kind: "device", fleet: testFleet, trustDomain: "example.test", deviceId: "pump-intended" },
      csr: await verifyCsr(deviceCsr(deviceKey())),
      requestDigest: "00".repeat(32),
      credential: "system",
      consume: [],
      alongside(record) {
        serialNumber = record.serialNumber;
        return [];
      },
    });
    expect(await refusalOf(about(await certIdOfAuthority("issuing-1", serialNumber)))).toBe("unauthorized");
  });

  it("another fleet's certificate, whichever of the two is asked", async () => {
    const other = await fleet.device("pump-other", otherFleet);
    const own = await certIdOfAuthority("issuing-1", other.serialNumber, otherFleet);
    expect(await refusalOf(about(own), otherFleet)).toBe("successful");
    expect(await refusalOf(about(own), testFleet)).toBe("unauthorized");
    const asOurs = await certIdOfAuthority("issuing-1", other.serialNumber);
    expect(await refusalOf(about(asOurs), testFleet)).toBe("unauthorized");
  });

  it("a fleet that there is not, and a name that no fleet can have", async () => {
    expect(await refusalOf(request, "nobody")).toBe("unauthorized");
    expect(await refusalOf(request, "No fleet \u0000 ")).toBe("unauthorized");
    expect(await refusalOf(request, "x".repeat(5000))).toBe("unauthorized");
  });

  it("the root's certificates: their list is the root's CRL", async () => {
    const { authorities } = await getFleet(fleet.app, testFleet);
    const issuing = authorities.find(({ record }) => record.authorityId === "issuing-1");
    if (issuing === undefined) return expect.fail("no authority");
    const serialNumber = Buffer.from(issuing.certificate.tbs.serialNumber).toString("hex");
    expect(await refusalOf(about(await certIdOfAuthority("root-1", serialNumber)))).toBe("unauthorized");
  });

  it("an issuer of whom the name is right, or the key, and not both", async () => {
    const certId = await certIdOfAuthority("issuing-1", subject.serialNumber);
    const wrong = Buffer.alloc(32, 1);
    expect(await refusalOf(about({ ...certId, issuerKeyHash: wrong }))).toBe("unauthorized");
    expect(await refusalOf(about({ ...certId, issuerNameHash: wrong }))).toBe("unauthorized");
  });

  it("the number of another authority of the same fleet, and questions about two at once", async () => {
    await addAuthority(fleet.app, await getFleet(fleet.app, testFleet), "issuing-2");
    await fleet.tend();
    const first = await certIdOfAuthority("issuing-1", subject.serialNumber);
    const second = await certIdOfAuthority("issuing-2", subject.serialNumber);
    expect(await refusalOf(about(second))).toBe("unauthorized");
    expect(await refusalOf(about(first, second))).toBe("unauthorized");
    expect(await refusalOf(about(first, { ...first, serialNumber: "0badc0de" }))).toBe("unauthorized");
  });
});

describe("RFC 6960 §2.3: malformedRequest is said of", () => {
  it("every truncation and every changed bit that is no request any more", async () => {
    const answer = fleet.responder();
    const said = new Set<string>();
    const ask = async (raw: Uint8Array) => said.add(await refusalOf(raw, testFleet, answer));
    for (let length = 0; length < request.length; length += 1) {
      await ask(request.subarray(0, length));
      expect([...said]).toEqual(["malformedRequest"]);
    }
    for (let bit = 0; bit < request.length * 8; bit += 1) {
      const changed = Buffer.from(request);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await ask(changed);
    }
    expect([...said].sort()).toEqual(["malformedRequest", "unauthorized"]);
  });

  it.each([
    ["nothing", Buffer.alloc(0)],
    ["too many octets", Buffer.alloc(100_000, 0x30)],
    ["an octet too many", () => Buffer.concat([request, Buffer.of(0)])],
    ["text", Buffer.from("GET / HTTP/1.1")],
  ])("%s", async (_, raw) => {
    expect(await refusalOf(typeof raw === "function" ? raw() : raw)).toBe("malformedRequest");
  });

  it("a response in place of a request", async () => {
    const { body } = await fleet.answer({ fleet: testFleet, request });
    expect(await refusalOf(body)).toBe("malformedRequest");
  });
});

describe("RFC 6960 §2.3: when the service fails", () => {
  const nonce = Buffer.alloc(32, 9);
  const fresh = () => encodeOcspRequest({ ...decodeOcspRequest(request), nonce });

  it("tryLater, when the key service is not there", async () => {
    fleet.keys.fault = "unavailable";
    expect(await refusalOf(fresh())).toBe("tryLater");
    fleet.keys.fault = "none";
    expect(await refusalOf(fresh())).toBe("successful");
  });

  it("tryLater, when the store is not there, and the failure is not remembered", async () => {
    let down = true;
    const items = {
      ...fleet.store,
      query: (query: Parameters<typeof fleet.store.query>[0]) =>
        down ? Promise.reject(new AppError("store_unavailable", "throttled")) : fleet.store.query(query),
    };
    const answer = ocspResponder({ ...fleet.app, items });
    expect(await refusalOf(fresh(), testFleet, answer)).toBe("tryLater");
    down = false;
    expect(await refusalOf(fresh(), testFleet, answer)).toBe("successful");
  });

  it("internalError, when the signature does not verify: it never leaves, and is not kept", async () => {
    const other = await fleet.device();
    const plain = about(await certIdOfAuthority("issuing-1", other.serialNumber));
    fleet.keys.fault = "wrongSignature";
    const { body } = await fleet.responder()({ fleet: testFleet, request: plain });
    fleet.keys.fault = "none";
    expect(statusName(body)).toBe("internalError");
    expect(fleet.log.at(-1)).toMatchObject({
      event: "ocsp_not_answered",
      fields: { code: "signature_invalid" },
    });
    expect(await refusalOf(plain)).toBe("successful");
  });

  it("tryLater, before the responder has its certificate, and after it is over", async () => {
    const [item] = (await fleet.app.items.query({ pk: responderPartition(otherFleet), limit: 1 })).items;
    if (item === undefined) return expect.fail("no responder");
    const certId = await certIdOfAuthority(
      "issuing-1",
      (await fleet.device(undefined, otherFleet)).serialNumber,
      otherFleet,
    );
    await fleet.app.items.transact([{ delete: item, when: "present" }]);
    expect(await refusalOf(about(certId), otherFleet)).toBe("tryLater");
    const over = { ...responderRecord(item).value, notAfter: fleet.clock.now() - 1 };
    await fleet.app.items.transact([{ put: responderItem(over), when: "absent" }]);
    expect(await refusalOf(about(certId), otherFleet)).toBe("tryLater");
  });
});

it("a suspended fleet still answers: who trusts its devices must learn of their end", async () => {
  const { record, version } = await getFleet(fleet.app, testFleet);
  const suspended = fleetItem({ ...record, state: "suspended" });
  await fleet.app.items.transact([{ put: suspended, when: version }]);
  expect(await refusalOf(request)).toBe("successful");
  await fleet.revoke(subject, "keyCompromise");
  const { body } = await fleet.responder()({ fleet: testFleet, request });
  expect(decodeOcspResponse(body)).toMatchObject({ responses: [{ status: { kind: "revoked" } }] });
});
