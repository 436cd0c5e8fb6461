/** Room: test. What nobody gets past the import of an offline ceremony, with a root's true key in hand or without. */
import { sign } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildTemplate } from "../../core/enrollment/template.ts";
import { type AppError, isAppError } from "../../core/errors.ts";
import { signatureAlgorithms } from "../../core/formats/algorithms.ts";
import { encodeCertificateList } from "../../core/formats/crl/certificate-list.ts";
import { decodeSubjectPublicKey } from "../../core/formats/spki.ts";
import { decodeCertificate, encodeCertificate } from "../../core/formats/x509/certificate.ts";
import { encodeTbsCertificate } from "../../core/formats/x509/tbs-certificate.ts";
import { encodeAnswer, type OfflineAnswer, readAnswer } from "../../core/rotation/offline/answer.ts";
import { importOffline } from "../../core/rotation/offline/import.ts";
import { base64Of, octetsOf } from "../../core/rotation/offline/members.ts";
import { placeOffline } from "../../core/rotation/offline/placement.ts";
import {
  encodeRequest,
  type OfflineRequest,
  readRequest,
  requestDigest,
} from "../../core/rotation/offline/request.ts";
import { signTranscript } from "../../core/rotation/offline/transcript.ts";
import { profiles } from "../../core/standard/profiles.ts";
import { codeOf } from "../support/errors.ts";
import { moveOffline, type OfflineHouse, offlineKey, openOfflineHouse, rootCsr } from "./offline-house.ts";

let house: OfflineHouse;
let rolloverId: string;
let request: OfflineRequest;
let answer: OfflineAnswer;
const time = "2026-03-01T12:00:00Z";

beforeAll(async () => {
  house = await openOfflineHouse();
  await moveOffline(house);
});
afterAll(() => house.close());

let issued = 1;
beforeEach(async () => {
  issued += 1;
  ({ rolloverId } = await house.plan({ kind: "issuing", fromId: "issuing-1", toId: `issuing-${issued}` }));
  request = await house.asked(rolloverId);
  answer = await house.signed(request);
});

/** The answer as people would have attested it who were deceived, or who are in it together. */
async function attested(changed: OfflineAnswer, people = house.participants): Promise<OfflineAnswer> {
  const unsigned = { ...changed, transcript: [] };
  const transcript: string[] = [];
  for (const person of people) transcript.push(await signTranscript(unsigned, person, time));
  return { ...unsigned, transcript };
}

async function refusal(changed: OfflineAnswer): Promise<string> {
  const failure = await house.bring(rolloverId, changed).then(
    () => "taken in",
    (error: unknown) => error,
  );
  if (!isAppError(failure)) expect.fail(`expected an AppError, got ${String(failure)}`);
  expect((await house.rollover(rolloverId)).state).toBe("planned");
  return `${failure.code}: ${failure.message}`;
}

const day = 86_400_000;
/** The next signer's: the present one stands below the root that goes. */
const rest = () => answer.certificates.slice(1);

/** A certificate that the root's true key has signed, and nobody asked for. */
async function certified(change: {
  readonly days?: number;
  readonly profile?: "issuing" | "root" | "cross";
}) {
  const [root] = request.authorities;
  const issuer = decodeCertificate(octetsOf(root?.certificate ?? ""));
  const { tbs } = decodeCertificate(octetsOf(answer.certificates[0] ?? ""));
  const template = buildTemplate({
    profile: profiles[change.profile ?? "issuing"],
    identity: { kind: "authority", fleet: request.fleet, authorityId: request.successor?.authorityId ?? "" },
    publicKey: decodeSubjectPublicKey(tbs.subjectPublicKeyInfo),
    issuer: {
      kind: "authority",
      tbs: issuer.tbs,
      publicKey: decodeSubjectPublicKey(issuer.tbs.subjectPublicKeyInfo),
    },
    signature: signatureAlgorithms["ecdsa-with-SHA256"],
    serialNumber: tbs.serialNumber,
    now: Date.parse(request.requestedAt),
  });
  const notAfter = template.validity.notAfter + (change.days ?? 0) * day;
  const raw = encodeTbsCertificate({ ...template, validity: { ...template.validity, notAfter } });
  const row = signatureAlgorithms["ecdsa-with-SHA256"];
  return base64Of(encodeCertificate(raw, row, sign(row.digest, raw, house.root2.privateKey)));
}

describe("the import of an offline answer", () => {
  it.each([
    ["a day longer", { days: 1 }],
    ["a day shorter", { days: -1 }],
    ["of another profile", { profile: "cross" }],
  ] as const)("refuses a certificate %s, though root and participants have signed it", async (_, change) => {
    const forged = await attested({ ...answer, certificates: [await certified(change), ...rest()] });
    expect(await refusal(forged)).toContain("not the one that was asked for");
  });

  it("refuses a certificate that another key has signed", async () => {
    const { tbs } = decodeCertificate(octetsOf(answer.certificates[0] ?? ""));
    const row = signatureAlgorithms["ecdsa-with-SHA256"];
    const forged = encodeCertificate(tbs.raw, row, sign(row.digest, tbs.raw, offlineKey().privateKey));
    expect(
      await refusal(await attested({ ...answer, certificates: [base64Of(forged), ...rest()] })),
    ).toContain("is not signed by root-2");
  });

  it("refuses a list that says something else", async () => {
    const other = await house.plan({ kind: "issuing", fromId: "issuing-1", toId: "issuing-77" });
    const elsewhere = await house.signed(await house.asked(other.rolloverId));
    expect(await refusal(await attested({ ...answer, lists: elsewhere.lists }))).toContain(
      "the list of root-2 is not the one that was asked for",
    );
    const row = signatureAlgorithms["ecdsa-with-SHA256"];
    const garbage = encodeCertificateList(Buffer.from([0x30, 0x00]), row, Buffer.alloc(8));
    expect(await refusal(await attested({ ...answer, lists: [base64Of(garbage)] }))).toContain(
      "ceremony_invalid",
    );
  });

  it("refuses an answer for the request of another rollover", async () => {
    const other = await house.plan({ kind: "issuing", fromId: "issuing-1", toId: "issuing-78" });
    const elsewhere = await house.signed(await house.asked(other.rolloverId));
    expect(await refusal(elsewhere)).toContain("the answer is for request");
  });

  it("refuses a request with another key in its CSR, changed on the way, though all was signed in good order", async () => {
    const key = offlineKey();
    const csr = base64Of(await rootCsr(request.successor?.authorityId ?? "", key));
    const changed = { ...request, successor: { ...request.successor, csr } } as OfflineRequest;
    // The digest that is shown on the other machine is not the one that was shown here.
    expect(requestDigest(changed)).not.toBe(requestDigest(request));
    expect(await refusal(await house.signed(changed))).toContain("the answer is for request");
  });

  it("refuses a digest in the approval that is not the answer's request's", async () => {
    const brought = house.bring(rolloverId, answer, "0".repeat(64));
    expect(await codeOf(brought)).toBe("ceremony_invalid");
  });

  it.each([
    ["one participant", async () => attested(answer, [house.participants[0]] as never), "has 1 participants"],
    ["none", async () => ({ ...answer, transcript: [] }), "has 0 participants"],
    [
      "one participant twice",
      async () => attested(answer, [house.participants[0], house.participants[0]]),
      "signed the transcript twice",
    ],
    [
      "the root's own key as a participant",
      async () => attested(answer, [house.participants[0], house.root2]),
      "own key has signed as a participant",
    ],
    [
      "a transcript of another answer",
      async () => {
        const other = { ...answer, lists: [base64Of(Buffer.from("another"))] };
        return { ...answer, transcript: (await attested(other)).transcript };
      },
      "the answer is not what a participant has signed",
    ],
    [
      "a transcript of another request",
      async () => {
        const other = { ...answer, request: { ...request, expiresAt: "2100-01-01T00:00:00Z" } };
        return { ...answer, transcript: (await attested(other)).transcript };
      },
      "signed for another request",
    ],
    [
      "a changed transcript",
      async () => {
        const [first = "", second = ""] = answer.transcript;
        const [header, , signature] = first.split(".");
        const payload = Buffer.from(
          JSON.stringify({ request: "0".repeat(64), answer: "0".repeat(64), time }),
        );
        return { ...answer, transcript: [`${header}.${payload.toString("base64url")}.${signature}`, second] };
      },
      "a signature of the transcript does not verify",
    ],
    [
      "a JWS of another kind",
      async () => {
        const [first = "", second = ""] = answer.transcript;
        const [header = "", ...rest] = first.split(".");
        const { typ: _, ...others } = JSON.parse(Buffer.from(header, "base64url").toString()) as {
          typ: string;
        };
        const plain = Buffer.from(JSON.stringify(others)).toString("base64url");
        return { ...answer, transcript: [[plain, ...rest].join("."), second] };
      },
      "is not of type",
    ],
  ])("refuses %s", async (_, make, message) => {
    expect(await refusal(await make())).toContain(message);
  });

  it("refuses a key of its own beside the one that was asked for", async () => {
    const csr = base64Of(await rootCsr("issuing-9", offlineKey()));
    expect(await refusal(await attested({ ...answer, csr }))).toContain("is the one that the request names");
  });

  it("refuses a certificate more, and one less", async () => {
    const [one = ""] = answer.certificates;
    expect(await refusal(await attested({ ...answer, certificates: [] }))).toContain(
      "2 and 1 were asked for",
    );
    expect(await refusal(await attested({ ...answer, certificates: [one, ...rest(), one] }))).toContain(
      "3 certificates",
    );
  });

  it("refuses a replayed answer, and two at once but one", async () => {
    const both = await Promise.allSettled([house.bring(rolloverId, answer), house.bring(rolloverId, answer)]);
    expect(both.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const lost = both.flatMap((one) => (one.status === "rejected" ? [(one.reason as AppError).code] : []));
    expect(["ceremony_state_invalid", "rollover_state_invalid"]).toContain(lost[0]);
    expect(await codeOf(house.bring(rolloverId, answer))).toBe("ceremony_state_invalid");
    await placeOffline(house.app, request.fleet);
  });

  it("refuses the answer to a request that is over, and makes another request", async () => {
    house.clock.advance(31 * day);
    expect(await refusal(answer)).toContain("the request is over");
    const next = await house.asked(rolloverId);
    expect(requestDigest(next)).not.toBe(requestDigest(request));
    expect(await refusal(answer)).toContain("the answer is for request");
  });

  it("refuses an approval for another operation", async () => {
    const approval = await house.approval("authorityRotation");
    const caller = { fleet: request.fleet, actor: "operator:operator-1" } as never;
    const brought = importOffline(house.app, {
      caller,
      approval,
      rolloverId,
      answer,
      requestSha256: requestDigest(request),
    });
    expect(await codeOf(brought)).toBe("approval_mismatch");
  });

  it("finds no rollover in another fleet", async () => {
    const approval = await house.approval();
    const caller = { fleet: "clinic", actor: "operator:operator-1" } as never;
    const brought = importOffline(house.app, {
      caller,
      approval,
      rolloverId,
      answer,
      requestSha256: requestDigest(request),
    });
    expect(await codeOf(brought)).toBe("not_found");
  });
});

describe("the offline machine", () => {
  it.each([
    ["another root's key", { roots: [offlineKey()] }, "no root key that was given is that of root-2"],
    ["one participant", { participants: [offlineKey()] }, "has 1 participants"],
  ])("signs nothing with %s", async (_, change, message) => {
    await expect(house.signed(request, change)).rejects.toThrow(message);
  });

  it("refuses a CSR that its key did not sign", async () => {
    const csr = octetsOf(request.successor?.csr ?? "");
    csr[csr.length - 1] = (csr.at(-1) ?? 0) ^ 1;
    const successor = { ...request.successor, csr: base64Of(csr) } as never;
    expect(await codeOf(house.signed({ ...request, successor }))).toBe("csr_signature_invalid");
  });

  it.each(["root", "cross"])("refuses a request that asks for profile %s instead", async (profile) => {
    const certificates = request.certificates.map((one) => ({ ...one, profile }));
    expect(await codeOf(house.signed({ ...request, certificates } as never))).toBe("ceremony_invalid");
  });

  it("refuses a request that asks for the successor to sign itself, or for one more certificate", async () => {
    const [asked] = request.certificates;
    const { authorityId = "" } = request.successor ?? {};
    for (const certificates of [
      [{ ...asked, signedBy: authorityId }],
      [asked, { ...asked, subject: "root-2" }],
    ])
      expect(await codeOf(house.signed({ ...request, certificates } as never))).toBe("ceremony_invalid");
  });
});

describe("documents of an offline ceremony", () => {
  it("are read back as they were written", () => {
    expect(readRequest(encodeRequest(request))).toEqual(request);
    expect(readAnswer(encodeAnswer(answer))).toEqual(answer);
  });

  it("are refused when they are cut off, at every length", async () => {
    const texts = [encodeRequest(request), encodeAnswer(answer)] as const;
    for (const [at, text] of texts.entries()) {
      for (let length = 0; length < text.length; length += 7) {
        const cut = text.slice(0, length);
        const read = async () => (at === 0 ? readRequest(cut) : readAnswer(cut));
        expect(await codeOf(read())).toBe("ceremony_invalid");
      }
    }
  });

  it("are refused with a member twice, a member more, another version, another type", async () => {
    const text = encodeRequest(request);
    const changes = [
      text.replace('"fleet":', '"fleet":"other","fleet":'),
      text.replace('"fleet":', '"more":1,"fleet":'),
      text.replace('"version":1', '"version":2'),
      text.replace("fleetkey-ceremony-request", "fleetkey-ceremony-answer"),
      text.replace('"certificates":[', '"certificates":[null,'),
      "[]",
      "null",
    ];
    for (const change of changes)
      expect(await codeOf((async () => readRequest(change))())).toBe("ceremony_invalid");
  });

  it("never come back changed: of 2,000 answers with one octet changed none is taken", async () => {
    const text = encodeAnswer(answer);
    let refused = 0;
    for (let trial = 0; trial < 2_000; trial += 1) {
      const at = (trial * 7_919) % text.length;
      const character = text[at] === "A" ? "B" : "A";
      const changed = text.slice(0, at) + character + text.slice(at + 1);
      try {
        await house.bring(rolloverId, readAnswer(changed), requestDigest(request));
      } catch (error) {
        if (!isAppError(error, "ceremony_invalid")) throw error;
        refused += 1;
      }
    }
    expect(refused).toBe(2_000);
  }, 120_000);
});
