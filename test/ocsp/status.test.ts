/** Room: test. OpenSSL as the client: it makes the request, finds the responder's right in the answer, and reads the status. */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeOcspRequest } from "../../core/formats/ocsp/request.ts";
import { decodeOcspResponse } from "../../core/formats/ocsp/response.ts";
import { release } from "../../core/revocation/revoke.ts";
import { ocspUrl } from "../../core/revocation/status-places.ts";
import { testFleet } from "../support/fleet-app.ts";
import { opensslInstalled } from "../support/openssl.ts";
import {
  type AnsweringFleet,
  actor,
  askOpenssl,
  certIdFor,
  judge,
  judgeNonce,
  openAnsweringFleet,
  origin,
  plainRequest,
  requestOf,
} from "./answering-fleet.ts";

let fleet: AnsweringFleet;
beforeAll(async () => {
  fleet = await openAnsweringFleet();
});
afterAll(() => fleet.close());

const good = /: good\n[\s\S]*Response verify OK\n/;

function revoked(reason?: string): RegExp {
  const why = reason === undefined ? "" : `[\\s\\S]*Reason: ${reason}\\n`;
  return new RegExp(`: revoked\\n${why}[\\s\\S]*Response verify OK\\n`);
}

describe.runIf(opensslInstalled)("openssl ocsp, with the root and the issuer alone", () => {
  it.each(["-sha1", "-sha256"] as const)("RFC 6960 §2.2: good, asked with %s", async (digest) => {
    expect(await askOpenssl(fleet.answer, await fleet.device(), { digest })).toMatch(good);
  });

  it("RFC 5280 §4.2.2.1: certificates name the address that answers", async () => {
    const { certificate } = await fleet.device();
    const { infoAccess } = new X509Certificate(certificate);
    expect(infoAccess).toContain(`OCSP - URI:${ocspUrl(origin, testFleet)}`);
  });

  it.each([
    ["keyCompromise", "keyCompromise"],
    ["affiliationChanged", "affiliationChanged"],
    ["superseded", "superseded"],
    ["cessationOfOperation", "cessationOfOperation"],
    // OpenSSL 3.0 has no name for it.
    ["privilegeWithdrawn", "(?:privilegeWithdrawn|Privilege Withdrawn|\\(UNKNOWN\\))"],
  ] as const)("RFC 6960 §4.2.1: revoked for %s, in the same second", async (reason, said) => {
    const subject = await fleet.device();
    expect(await askOpenssl(fleet.answer, subject)).toMatch(good);
    await fleet.revoke(subject, reason);
    for (const digest of ["-sha1", "-sha256"] as const)
      expect(await askOpenssl(fleet.answer, subject, { digest })).toMatch(revoked(said));
  });

  it("RFC 5280 §5.3.1: no reason is given rather than unspecified", async () => {
    const subject = await fleet.device();
    await fleet.revoke(subject, "unspecified");
    const output = await askOpenssl(fleet.answer, subject);
    expect(output).toMatch(revoked());
    expect(output).not.toContain("Reason:");
  });

  it("a hold is told at once, and its end, and what follows it", async () => {
    const subject = await fleet.device();
    const { serialNumber } = subject;
    expect(await askOpenssl(fleet.answer, subject)).toMatch(good);
    await fleet.revoke(subject, "certificateHold");
    expect(await askOpenssl(fleet.answer, subject)).toMatch(revoked("certificateHold"));
    await release(fleet.app, { fleet: testFleet, serialNumber, actor });
    expect(await askOpenssl(fleet.answer, subject)).toMatch(good);
    await fleet.revoke(subject, "certificateHold");
    await fleet.revoke(subject, "keyCompromise");
    expect(await askOpenssl(fleet.answer, subject)).toMatch(revoked("keyCompromise"));
  });

  it("RFC 9654 §2.1: the nonce comes back, and another request's answer is refused by it", async () => {
    const subject = await fleet.device();
    const [first, second] = await Promise.all([1, 2].map(() => requestOf(subject, { nonce: true })));
    if (first === undefined || second === undefined) return expect.fail("no requests");
    const { body } = await fleet.answer({ fleet: testFleet, request: first });
    expect((await judge(subject, body)).output).toMatch(good);
    const own = await judgeNonce(subject, body, first);
    expect(own.output).toMatch(/Cert Status: good[\s\S]*Response verify OK\n/);
    expect(own.output).not.toMatch(/nonce verify|no nonce/i);
    expect((await judgeNonce(subject, body, second)).output).toContain("Nonce Verify error");
  });

  it("several certificates of one authority are answered at once, each with its own status", async () => {
    const subjects = await Promise.all([fleet.device(), fleet.device(), fleet.device()]);
    const [, second] = subjects;
    if (second === undefined) return expect.fail("no subjects");
    await fleet.revoke(second, "superseded");
    const { body } = await fleet.answer({ fleet: testFleet, request: plainRequest(...subjects) });
    const outputs = await Promise.all(subjects.map(async (subject) => (await judge(subject, body)).output));
    expect(outputs.map((output) => good.test(output))).toEqual([true, false, true]);
    expect(outputs[1]).toMatch(revoked("superseded"));
  });

  it("RFC 6960 §2.2: what has expired and was not revoked is good", async () => {
    const subject = await fleet.device();
    fleet.clock.advance(100 * 86_400_000);
    await fleet.tend();
    const at = fleet.clock.now();
    expect(await askOpenssl(fleet.responder(), subject, { at })).toMatch(good);
  });
});

it("RFC 9654 §2.1: a nonce of one octet comes back, and one of 128", async () => {
  const subject = await fleet.device();
  for (const length of [1, 32, 128]) {
    const nonce = Buffer.alloc(length, 7);
    const request = encodeOcspRequest({ certIds: [certIdFor(subject)], nonce });
    const { body } = await fleet.answer({ fleet: testFleet, request });
    expect(decodeOcspResponse(body)).toMatchObject({ status: 0, nonce });
  }
});

it("RFC 6960 §4.1.1: a CertID whose hash has no parameters comes back as it was sent, and is kept apart", async () => {
  const subject = await fleet.device();
  const certId = certIdFor(subject);
  const bare = { ...certId, hashParameters: "absent" } as const;
  for (const each of [certId, bare, certId, bare]) {
    const request = encodeOcspRequest({ certIds: [each] });
    const { body } = await fleet.answer({ fleet: testFleet, request });
    expect(decodeOcspResponse(body)).toMatchObject({ status: 0, responses: [{ certId: each }] });
  }
});
