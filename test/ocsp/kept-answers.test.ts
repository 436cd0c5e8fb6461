/** Room: test. What was signed is given again while it is true, by whom it was signed, and young: and no longer. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findCertificate } from "../../core/enrollment/intent.ts";
import { AppError } from "../../core/errors.ts";
import { encodeOcspRequest } from "../../core/formats/ocsp/request.ts";
import { decodeOcspResponse, verifyBasicResponseSignature } from "../../core/formats/ocsp/response.ts";
import { decodeSubjectPublicKey } from "../../core/formats/spki.ts";
import { decodeCertificate } from "../../core/formats/x509/certificate.ts";
import { type OcspAnswer, type OcspResponder, ocspResponder } from "../../core/ocsp/answer.ts";
import { certificateItem } from "../../core/records/certificate-record.ts";
import { release, revoke } from "../../core/revocation/revoke.ts";
import { profiles } from "../../core/standard/profiles.ts";
import { publicationSchedules, revocationStandard } from "../../core/standard/revocation.ts";
import { testFleet } from "../support/fleet-app.ts";
import {
  type AnsweringFleet,
  actor,
  certIdFor,
  openAnsweringFleet,
  plainRequest,
  type Subject,
} from "./answering-fleet.ts";

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;
const { validSeconds, refreshSeconds } = publicationSchedules.ocspAnswer;

let fleet: AnsweringFleet;
let subject: Subject;
beforeEach(async () => {
  fleet = await openAnsweringFleet();
  subject = await fleet.device();
});
afterEach(() => fleet.close());

const ask = (answer: OcspResponder = fleet.answer): Promise<OcspAnswer> =>
  answer({ fleet: testFleet, request: plainRequest(subject) });

async function verified(body: Uint8Array) {
  const response = decodeOcspResponse(body);
  if (response.status !== 0) return expect.fail(`status ${response.status}`);
  const [certificate] = response.certificates;
  if (certificate === undefined) return expect.fail("no responder certificate");
  const key = decodeSubjectPublicKey(decodeCertificate(certificate).tbs.subjectPublicKeyInfo);
  expect(await verifyBasicResponseSignature(response, key)).toBe(true);
  return response;
}

async function statusNow(): Promise<string | undefined> {
  return (await verified((await ask()).body)).responses[0]?.status.kind;
}

/** Signatures that `act` costs. */
async function signaturesOf(act: () => Promise<unknown>): Promise<number> {
  const before = fleet.keys.signatures;
  await act();
  return fleet.keys.signatures - before;
}

describe("a question that was answered before", () => {
  it("RFC 6960 §2.5: gets the same octets, for no signature, one read and no write, from any instance", async () => {
    const first = await ask();
    const { signatures } = fleet.keys;
    const { reads, transactions } = fleet.store.calls;
    expect(await ask()).toEqual(first);
    expect(fleet.store.calls).toEqual({ reads: reads + 1, transactions });
    expect(Buffer.compare((await ask(fleet.responder())).body, first.body)).toBe(0);
    expect(fleet.keys.signatures).toBe(signatures);
  });

  it("still holds when the certificate's record was written for another reason than its status", async () => {
    const first = await ask();
    const stored = await findCertificate(fleet.app, testFleet, subject.serialNumber);
    if (stored === undefined) return expect.fail("no certificate");
    const renewed = certificateItem({ ...stored.value, renewals: 1 });
    await fleet.app.items.transact([{ put: renewed, when: stored.version }]);
    expect(await ask()).toEqual(first);
  });

  it("costs one signature and one write when it is new", async () => {
    await ask();
    const other = await fleet.device();
    const { reads, transactions } = fleet.store.calls;
    expect(await signaturesOf(() => fleet.answer({ fleet: testFleet, request: plainRequest(other) }))).toBe(
      1,
    );
    expect(fleet.store.calls).toEqual({ reads: reads + 1, transactions: transactions + 1 });
  });

  it("is dropped by a revocation in the same moment, by a hold, and by its end", async () => {
    const { serialNumber } = subject;
    expect(await statusNow()).toBe("good");
    await fleet.revoke(subject, "certificateHold");
    expect(await statusNow()).toBe("revoked");
    expect(await signaturesOf(statusNow)).toBe(0);
    await release(fleet.app, { fleet: testFleet, serialNumber, actor });
    expect(await statusNow()).toBe("good");
    await fleet.revoke(subject, "certificateHold");
    expect(await statusNow()).toBe("revoked");
    expect(await signaturesOf(() => fleet.revoke(subject, "keyCompromise").then(statusNow))).toBe(1);
  });

  it("a kept answer that was signed before the revocation and written after it does not count", async () => {
    const before = fleet.store;
    let revoked = false;
    // The revocation happens between the reading of the status and the keeping of the answer.
    const items = {
      ...before,
      async transact(operations: Parameters<typeof before.transact>[0]) {
        if (!revoked) {
          revoked = true;
          await fleet.revoke(subject, "keyCompromise");
        }
        return before.transact(operations);
      },
    };
    await ask(ocspResponder({ ...fleet.app, items }));
    expect(revoked).toBe(true);
    expect(await statusNow()).toBe("revoked");
  });

  it(`is signed again after ${refreshSeconds / 3600} hours, half of what it is valid for`, async () => {
    const first = await verified((await ask()).body);
    fleet.clock.advance(refreshSeconds * second - 2 * second);
    expect(await signaturesOf(ask)).toBe(0);
    fleet.clock.advance(3 * second);
    expect(await signaturesOf(ask)).toBe(1);
    const next = await verified((await ask()).body);
    expect(next.producedAt - first.producedAt).toBeGreaterThanOrEqual(refreshSeconds * second);
  });

  it("is signed again once the responder has another certificate, which is known within five seconds", async () => {
    await ask();
    fleet.clock.advance((profiles.ocspResponder.defaultDays / 2) * day);
    const [first] = (await verified((await ask()).body)).certificates;
    expect(await fleet.tend()).toBe(1);
    expect(await signaturesOf(ask)).toBe(0);
    fleet.clock.advance(5 * second);
    expect(await signaturesOf(ask)).toBe(1);
    const [second_] = (await verified((await ask()).body)).certificates;
    expect(second_).not.toEqual(first);
  });
});

describe("times of an answer", () => {
  it("RFC 6960 §2.4, RFC 9919 §3.2.4: whole seconds, of now, for twelve hours", async () => {
    const now = Math.floor(fleet.clock.now() / second) * second;
    const { producedAt, responses } = await verified((await ask()).body);
    const [{ thisUpdate, nextUpdate } = expect.fail("no response")] = responses;
    expect(thisUpdate).toBe(producedAt);
    expect(thisUpdate - now).toBeLessThan(5 * second);
    expect(nextUpdate).toBe(thisUpdate + validSeconds * second);
  });

  it("never reach beyond the responder's certificate, and are halved with what is left of it", async () => {
    const [certificate] = (await verified((await ask()).body)).certificates;
    const { notAfter } = decodeCertificate(certificate ?? expect.fail("none")).tbs.validity;
    fleet.clock.advance(notAfter - fleet.clock.now() - hour);
    const { nextUpdate } = await ask(fleet.responder());
    expect(nextUpdate).toBe(notAfter);
    fleet.clock.advance(hour / 2 - 60 * second);
    expect(await signaturesOf(() => ask(fleet.responder()))).toBe(0);
    fleet.clock.advance(120 * second);
    expect(await signaturesOf(() => ask(fleet.responder()))).toBe(1);
  });

  it("RFC 9919 §7.2: caches keep it for half a minute, under an entity tag of its own octets", async () => {
    const { maxAgeSeconds, etag, nextUpdate } = await ask();
    expect(maxAgeSeconds).toBe(revocationStandard.cacheSeconds);
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
    expect(nextUpdate).toBeGreaterThan(fleet.clock.now() + 11 * hour);
    await fleet.revoke(subject, "superseded");
    expect((await ask()).etag).not.toBe(etag);
  });
});

describe("an answer that is not kept", () => {
  it("RFC 9654 §2.1: one with a nonce, which is signed each time and cached nowhere", async () => {
    const request = encodeOcspRequest({ certIds: [certIdFor(subject)], nonce: Buffer.alloc(32, 1) });
    const { transactions } = fleet.store.calls;
    const { maxAgeSeconds, etag } = await fleet.answer({ fleet: testFleet, request });
    expect({ maxAgeSeconds, etag }).toEqual({});
    expect(await signaturesOf(() => fleet.answer({ fleet: testFleet, request }))).toBe(1);
    expect(fleet.store.calls.transactions).toBe(transactions);
  });

  it("one about several certificates", async () => {
    const request = plainRequest(subject, await fleet.device());
    await fleet.answer({ fleet: testFleet, request });
    expect(await signaturesOf(() => fleet.answer({ fleet: testFleet, request }))).toBe(1);
  });

  it("one that the store does not take: it is given all the same, and said in the log", async () => {
    const items = {
      ...fleet.store,
      transact: () => Promise.reject(new AppError("store_unavailable", "throttled")),
    };
    const { body } = await ask(ocspResponder({ ...fleet.app, items }));
    await verified(body);
    expect(fleet.log.at(-1)).toMatchObject({ event: "ocsp_answer_not_kept" });
  });
});

describe("two hundred questions at once", () => {
  it("are all answered, and what was kept of them is given to those who come later", async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(fleet.responder())));
    await Promise.all(answers.map(({ body }) => verified(body)));
    expect(await signaturesOf(ask)).toBe(0);
    const { body } = await ask();
    expect(answers.some((answer) => Buffer.compare(answer.body, body) === 0)).toBe(true);
  });

  it("while the certificate is revoked: none that is asked after it says good", async () => {
    const revocation = fleet.revoke(subject, "keyCompromise");
    const during = Array.from({ length: 100 }, () => ask(fleet.responder()));
    await revocation;
    const after = await Promise.all(Array.from({ length: 100 }, () => ask(fleet.responder())));
    await Promise.all(during);
    for (const { body } of [...after, await ask()])
      expect((await verified(body)).responses[0]?.status.kind).toBe("revoked");
  });
});

describe("clocks and repetition", () => {
  it("a certificate that is asked about twice in one question is answered once, and kept", async () => {
    const certId = certIdFor(subject);
    const request = encodeOcspRequest({ certIds: [certId, certId, certId] });
    const question = { fleet: testFleet, request };
    expect(await signaturesOf(() => fleet.answer(question))).toBe(1);
    expect(await signaturesOf(() => fleet.answer(question))).toBe(0);
    const { responses } = await verified((await fleet.answer(question)).body);
    expect(responses).toHaveLength(1);
  });

  it("a revocation by a clock that runs ahead is dated no later than the answer about it", async () => {
    const ahead = {
      ...fleet.app,
      clock: { ...fleet.app.clock, now: () => fleet.app.clock.now() + 4 * second },
    };
    await revoke(ahead, { ...subject, actor, reason: "keyCompromise" });
    const [response] = (await verified((await ask()).body)).responses;
    if (response?.status.kind !== "revoked") expect.fail("it is not revoked");
    expect(response.status.revocationTime).toBeLessThanOrEqual(response.thisUpdate);
  });

  it("an answer from a time that has not come is not given again", async () => {
    const clock = { ...fleet.app.clock, now: () => fleet.app.clock.now() + day };
    await ocspResponder({ ...fleet.app, clock })({ fleet: testFleet, request: plainRequest(subject) });
    const [response] = (await verified((await ask()).body)).responses;
    expect(response?.thisUpdate).toBeLessThanOrEqual(fleet.app.clock.now());
  });
});
