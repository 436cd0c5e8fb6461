/** OpenSSL as a client of our responses: it verifies the signature, the responder's right, times and nonce. */
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { crlReasons } from "../../../core/formats/crl/reason.ts";
import { decodeOcspRequest } from "../../../core/formats/ocsp/request.ts";
import {
  type CertStatus,
  encodeOcspError,
  neverIssued,
  ocspResponseStatus,
} from "../../../core/formats/ocsp/response.ts";
import { openssl, opensslInstalled, opensslKnows, opensslOutput, withFiles } from "../../support/openssl.ts";
import { authorityIds } from "../x509/certificate-maker.ts";
import {
  type Answer,
  certIdFor,
  certificatePem,
  deviceSerial,
  makeResponder,
  type Responder,
  respond,
} from "./ocsp-maker.ts";

// OpenSSL holds the times of a response to the machine's clock.
const now = Math.floor(Date.now() / 1000) * 1000;
const hour = 3_600_000;
const revocationTime = now - 48 * hour;

interface Question {
  readonly response: Uint8Array;
  readonly request?: Uint8Array;
  /** Another serial number than the device's. */
  readonly serial?: string;
  readonly digest?: "-sha1" | "-sha256";
}

/** What `openssl ocsp` says of a response. */
function ask(subject: Responder, { response, request, serial, digest = "-sha1" }: Question) {
  const files = {
    response,
    request: request ?? "",
    root: certificatePem(subject.root),
    device: certificatePem(subject.device),
  };
  return withFiles(files, (path) => {
    // OpenSSL takes a request, or makes one; given both it forgets the one that it was given.
    const made = serial === undefined ? ["-cert", path("device")] : ["-serial", `0x${serial}`];
    const about =
      request === undefined ? ["-issuer", path("root"), digest, ...made] : ["-reqin", path("request")];
    const response = ["-respin", path("response"), "-CAfile", path("root"), "-no_nonce", "-resp_text"];
    return openssl(["ocsp", ...response, ...about]);
  });
}

function answerOf(subject: Responder, status: CertStatus, extra: Partial<Answer> = {}): Answer {
  const certId = certIdFor(subject, "SHA-1", deviceSerial);
  const times = { thisUpdate: now - hour, nextUpdate: now + hour };
  return { producedAt: now - hour, responses: [{ certId, status, ...times }], ...extra };
}

const statuses: readonly { name: string; status: CertStatus; says: string }[] = [
  { name: "good", status: { kind: "good" }, says: ": good" },
  { name: "unknown", status: { kind: "unknown" }, says: ": unknown" },
  { name: "revoked", status: { kind: "revoked", revocationTime }, says: ": revoked" },
];

describe.runIf(opensslInstalled)("openssl ocsp", () => {
  let subject: Responder;
  beforeAll(() => {
    subject = makeResponder("P-256");
  });

  describe.each(authorityIds.filter(opensslKnows).map((id) => ({ id })))("a responder of $id", ({ id }) => {
    const own = makeResponder(id);
    test.each(statuses)("RFC 6960 §2.2: $name", async ({ status, says }) => {
      const { accepted, output } = await ask(own, { response: respond(own, answerOf(own, status)) });
      expect(output).toContain("Response verify OK");
      expect(output).toContain(says);
      expect(accepted).toBe(true);
    });
  });

  test.each(Object.keys(crlReasons) as (keyof typeof crlReasons)[])(
    "RFC 6960 §4.2.1: revoked for the reason %s",
    async (reason) => {
      const response = respond(subject, answerOf(subject, { kind: "revoked", revocationTime, reason }));
      const { output } = await ask(subject, { response });
      expect(output).toContain("Response verify OK");
      // By its number: OpenSSL has no names for 9 and 10 (§5.3.1 of RFC 5280 has).
      expect(output).toContain(`(0x${crlReasons[reason].toString(16)})`);
      expect(output).toContain(": revoked");
    },
  );

  test("a CertID of SHA-256 is found under SHA-256 alone", async () => {
    const certId = certIdFor(subject, "SHA-256", deviceSerial);
    const answer = answerOf(subject, { kind: "good" });
    const responses = answer.responses.map((each) => ({ ...each, certId }));
    const response = respond(subject, { ...answer, responses });
    expect((await ask(subject, { response, digest: "-sha256" })).output).toContain(": good");
    expect((await ask(subject, { response })).output).toContain("No Status found");
  });

  test("RFC 9654 §2.1: the nonce of OpenSSL's own request comes back", async () => {
    const files = { root: certificatePem(subject.root), device: certificatePem(subject.device) };
    const request = await withFiles(files, async (path) => {
      const of = ["-issuer", path("root"), "-cert", path("device"), "-reqout", path("request")];
      await opensslOutput(["ocsp", ...of]);
      return readFile(path("request"));
    });
    const { nonce, certIds } = decodeOcspRequest(request);
    if (nonce === undefined) return expect.fail("no nonce");
    expect(certIds).toEqual([certIdFor(subject, "SHA-1", deviceSerial)]);
    const good: CertStatus = { kind: "good" };
    const right = await ask(subject, {
      response: respond(subject, answerOf(subject, good, { nonce })),
      request,
    });
    expect(right.output).toContain("Response verify OK");
    expect(right.output).not.toContain("no nonce in response");
    const other = { nonce: Buffer.alloc(nonce.length) };
    expect(right.accepted).toBe(true);
    const wrong = await ask(subject, { response: respond(subject, answerOf(subject, good, other)), request });
    expect(wrong.output).toContain("Nonce Verify error");
    const none = await ask(subject, { response: respond(subject, answerOf(subject, good)), request });
    expect(none.output).toContain("no nonce in response");
  });

  test("RFC 6960 §2.2, §4.4.8: a number that was never issued is revoked since 1970, on hold", async () => {
    const serial = "0badc0de";
    const certId = certIdFor(subject, "SHA-1", serial);
    const answer = answerOf(subject, neverIssued, { extendedRevoke: true });
    const responses = answer.responses.map((each) => ({ ...each, certId }));
    const response = respond(subject, { ...answer, responses });
    const { output } = await ask(subject, { response, serial });
    expect(output).toContain("Response verify OK");
    expect(output).toMatch(
      /: revoked[\s\S]*Reason: certificateHold[\s\S]*Revocation Time: Jan {2}1 00:00:00 1970 GMT/,
    );
    // OpenSSL's name for 1.3.6.1.5.5.7.48.1.9.
    expect(output).toMatch(/Response Extensions:\s+valid:/);
  });

  test("several certificates are answered at once", async () => {
    const answer = answerOf(subject, { kind: "good" });
    const [first] = answer.responses;
    if (first === undefined) return expect.fail("no response");
    const second = {
      ...first,
      certId: certIdFor(subject, "SHA-1", "05"),
      status: { kind: "unknown" } as const,
    };
    const response = respond(subject, { ...answer, responses: [first, second] });
    expect((await ask(subject, { response })).output).toContain(": good");
    expect((await ask(subject, { response, serial: "05" })).output).toContain(": unknown");
  });

  test("without nextUpdate, newer information is there at any time", async () => {
    const answer = answerOf(subject, { kind: "good" });
    const responses = answer.responses.map(({ nextUpdate: _, ...each }) => each);
    const { output } = await ask(subject, { response: respond(subject, { ...answer, responses }) });
    expect(output).toContain(": good");
    expect(output).not.toMatch(/Next Update: [^ ]/);
  });

  test("a response that is old, changed, or of another's responder is refused", async () => {
    const answer = answerOf(subject, { kind: "good" });
    const responses = answer.responses.map((each) => ({ ...each, nextUpdate: now - hour }));
    const old = await ask(subject, { response: respond(subject, { ...answer, responses }) });
    expect(old.output).toContain("Status times invalid");
    const changed = respond(subject, answer);
    const at = changed.indexOf(Buffer.from(deviceSerial, "hex"));
    changed[at + 15] = (changed[at + 15] ?? 0) ^ 1;
    expect((await ask(subject, { response: changed })).output).toContain("Response Verify Failure");
    const stranger = makeResponder("P-256");
    expect((await ask(subject, { response: respond(stranger, answer) })).output).toContain(
      "Response Verify Failure",
    );
  });

  test.each([
    { name: "malformedRequest", words: "malformedrequest (1)" },
    { name: "internalError", words: "internalerror (2)" },
    { name: "tryLater", words: "trylater (3)" },
    { name: "sigRequired", words: "sigrequired (5)" },
    { name: "unauthorized", words: "unauthorized (6)" },
  ] as const)("RFC 6960 §4.2.1: $name is $words", async ({ name, words }) => {
    const response = encodeOcspError(ocspResponseStatus[name]);
    const { output } = await withFiles({ response }, (path) =>
      openssl(["ocsp", "-respin", path("response"), "-resp_text"]),
    );
    expect(output).toContain(`Responder Error: ${words}`);
  });
});
