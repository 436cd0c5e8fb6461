/** Room: test. What nobody gets past the import of a signer that an offline root certified, with the root's true key in hand or without. */
import { sign } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { trustSigners } from "../../core/distribution/known-signers.ts";
import { buildTemplate } from "../../core/enrollment/template.ts";
import { type AppError, isAppError } from "../../core/errors.ts";
import { signatureAlgorithms } from "../../core/formats/algorithms.ts";
import { decodeSubjectPublicKey } from "../../core/formats/spki.ts";
import { decodeCertificate, encodeCertificate } from "../../core/formats/x509/certificate.ts";
import { encodeTbsCertificate } from "../../core/formats/x509/tbs-certificate.ts";
import { trustSignerItem } from "../../core/records/publication-record.ts";
import { type OfflineAnswer, readAnswer } from "../../core/rotation/offline/answer.ts";
import { importFleetAnswer } from "../../core/rotation/offline/fleet-import.ts";
import { base64Of, octetsOf } from "../../core/rotation/offline/members.ts";
import {
  encodeRequest,
  type OfflineRequest,
  readRequest,
  requestDigest,
} from "../../core/rotation/offline/request.ts";
import { signTranscript } from "../../core/rotation/offline/transcript.ts";
import { profiles } from "../../core/standard/profiles.ts";
import { codeOf } from "../support/errors.ts";
import {
  fleet,
  moveOffline,
  type OfflineHouse,
  type OfflineKey,
  offlineKey,
  openOfflineHouse,
  rootCsr,
} from "./offline-house.ts";

const day = 86_400_000;
const time = "2026-03-01T12:00:00Z";
const row = signatureAlgorithms["ecdsa-with-SHA256"];
let house: OfflineHouse;
let request: OfflineRequest;
let answer: OfflineAnswer;
let listRolloverId: string;

beforeAll(async () => {
  house = await openOfflineHouse();
  listRolloverId = (await moveOffline(house)).rolloverId;
});
afterAll(() => house.close());
beforeEach(async () => {
  request = await house.askedOfFleet();
  answer = await house.signed(request);
});

const signers = async () => (await trustSigners(house.app, fleet)).map(({ value }) => value);

async function attested(changed: OfflineAnswer, people: readonly OfflineKey[] = house.participants) {
  const unsigned = { ...changed, transcript: [] };
  const transcript: string[] = [];
  for (const person of people) transcript.push(await signTranscript(unsigned, person, time));
  return { ...unsigned, transcript };
}

async function refusal(changed: OfflineAnswer, requestSha256?: string): Promise<string> {
  const before = await signers();
  const failure = await house
    .bringToFleet(changed, requestSha256 === undefined ? {} : { requestSha256 })
    .then(
      () => "taken in",
      (error: unknown) => error,
    );
  if (!isAppError(failure)) expect.fail(`expected an AppError, got ${String(failure)}`);
  expect(await signers()).toEqual(before);
  return `${failure.code}: ${failure.message}`;
}

interface Forgery {
  readonly key?: OfflineKey;
  readonly profile?: "issuing" | "ocspResponder";
  readonly days?: number;
  readonly id?: string;
  readonly signedBy?: OfflineKey;
}

/** A certificate that nobody asked for, signed by the root's true key unless another is named. */
function certified({ key, profile, days = 0, id, signedBy = house.root2 }: Forgery): string {
  const issuer = decodeCertificate(octetsOf(request.authorities[0]?.certificate ?? ""));
  const { tbs } = decodeCertificate(octetsOf(answer.certificates[0] ?? ""));
  const serviceId = id ?? request.signer?.signerId ?? "";
  const template = buildTemplate({
    profile: profiles[profile ?? "trustSigner"],
    identity:
      profile === "issuing"
        ? { kind: "authority", fleet, authorityId: serviceId }
        : { kind: "service", fleet, serviceId },
    publicKey: decodeSubjectPublicKey(key?.publicKey ?? tbs.subjectPublicKeyInfo),
    issuer: {
      kind: "authority",
      tbs: issuer.tbs,
      publicKey: decodeSubjectPublicKey(issuer.tbs.subjectPublicKeyInfo),
    },
    signature: row,
    serialNumber: tbs.serialNumber,
    now: Date.parse(request.requestedAt),
  });
  const notAfter = template.validity.notAfter + days * day;
  const raw = encodeTbsCertificate({ ...template, validity: { ...template.validity, notAfter } });
  return base64Of(encodeCertificate(raw, row, sign(row.digest, raw, signedBy.privateKey)));
}

describe("the import of a signer", () => {
  it.each<[string, () => Forgery]>([
    ["of another key", () => ({ key: offlineKey() })],
    ["of the root's own key", () => ({ key: house.root2 })],
    ["of an authority's profile", () => ({ profile: "issuing" })],
    ["of a responder's profile", () => ({ profile: "ocspResponder" })],
    ["of another name", () => ({ id: "trust-9" })],
    ["a day longer", () => ({ days: 1 })],
    ["a day shorter", () => ({ days: -1 })],
  ])("refuses a certificate %s, though root and participants have signed it", async (_, forgery) => {
    const forged = await attested({ ...answer, certificates: [certified(forgery())] });
    expect(await refusal(forged)).toContain("not the one that was asked for");
  });

  it("refuses a certificate that another key has signed", async () => {
    const forged = await attested({ ...answer, certificates: [certified({ signedBy: offlineKey() })] });
    expect(await refusal(forged)).toContain("is not signed by root-2");
  });

  it("refuses a request with another key in its CSR, changed on the way, though all was signed in good order", async () => {
    const signerId = request.signer?.signerId ?? "";
    const csr = base64Of(await rootCsr(signerId, offlineKey()));
    const changed: OfflineRequest = { ...request, signer: { signerId, csr } };
    expect(requestDigest(changed)).not.toBe(requestDigest(request));
    const signed = await house.signed(changed);
    expect(await refusal(signed)).toContain("the answer is for request");
    expect(await refusal(signed, requestDigest(request))).toContain("is not the digest");
  });

  it("refuses its certificate left out, or given twice", async () => {
    const [one = ""] = answer.certificates;
    expect(await refusal(await attested({ ...answer, certificates: [] }))).toContain(
      "1 and 1 were asked for",
    );
    expect(await refusal(await attested({ ...answer, certificates: [one, one] }))).toContain(
      "2 certificates",
    );
  });

  it("refuses one participant, one twice, and the root's own key as one", async () => {
    const [first] = house.participants;
    expect(await refusal(await attested(answer, [first]))).toContain("has 1 participants");
    expect(await refusal(await attested(answer, [first, first]))).toContain("signed the transcript twice");
    expect(await refusal(await attested(answer, [first, house.root2]))).toContain("own key has signed");
  });

  it("refuses what was signed for a rollover, which in turn refuses this", async () => {
    const { rolloverId } = await house.plan({ kind: "issuing", fromId: "issuing-1", toId: "issuing-2" });
    const elsewhere = await house.signed(await house.asked(rolloverId));
    expect(elsewhere.request.signer?.signerId).toBe(request.signer?.signerId);
    expect(await refusal(elsewhere)).toContain("the answer is for request");
    expect(await codeOf(house.bring(rolloverId, answer))).toBe("ceremony_invalid");
    expect(await codeOf(house.bring(listRolloverId, answer))).toMatch(/^ceremony_/);
  });

  it("refuses an approval for another operation, and finds nothing in another fleet", async () => {
    const by = (name: string) => ({ fleet: name, actor: "operator:operator-1" }) as never;
    const requestSha256 = requestDigest(request);
    const mismatched = { caller: by(fleet), approval: await house.approval("authorityRotation") };
    expect(await codeOf(importFleetAnswer(house.app, { ...mismatched, answer, requestSha256 }))).toBe(
      "approval_mismatch",
    );
    const foreign = { caller: by("clinic"), approval: await house.approval() };
    expect(await codeOf(importFleetAnswer(house.app, { ...foreign, answer, requestSha256 }))).toBe(
      "ceremony_state_invalid",
    );
  });

  it("refuses the answer to a request that is over, and makes another request", async () => {
    house.clock.advance(31 * day);
    expect(await refusal(answer)).toContain("the request is over");
    const next = await house.askedOfFleet();
    expect(next.signer?.signerId).toBe(request.signer?.signerId);
    expect(await refusal(answer)).toContain("the answer is for request");
  });

  it("never comes back changed: of 1,000 answers with one octet changed none is taken", async () => {
    const text = JSON.stringify(answer);
    const requestSha256 = requestDigest(request);
    let refused = 0;
    for (let trial = 0; trial < 1_000; trial += 1) {
      const at = (trial * 7_919) % text.length;
      const changed = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
      try {
        await house.bringToFleet(readAnswer(changed), { requestSha256 });
      } catch (error) {
        if (!isAppError(error, "ceremony_invalid")) throw error;
        refused += 1;
      }
    }
    expect(refused).toBe(1_000);
  }, 60_000);

  it("refuses a replayed answer, and two at once but one", async () => {
    const both = await Promise.allSettled([house.bringToFleet(answer), house.bringToFleet(answer)]);
    expect(both.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const lost = both.flatMap((one) => (one.status === "rejected" ? [(one.reason as AppError).code] : []));
    expect(lost).toEqual(["ceremony_state_invalid"]);
    expect(await codeOf(house.bringToFleet(answer))).toBe("ceremony_state_invalid");
    const [active, next] = await signers();
    expect([active?.state, next?.state]).toEqual(["active", "next"]);
    // The present signer is in need of another again, for whoever comes after.
    const [, stored] = await trustSigners(house.app, fleet);
    if (stored === undefined) expect.fail("no signer is next");
    const put = trustSignerItem({ ...stored.value, state: "former" });
    await house.app.items.transact([{ put, when: stored.version }]);
  });
});

describe("the offline machine", () => {
  const asked = () => request.certificates[0] as OfflineRequest["certificates"][number];
  const own = () => request.signer as NonNullable<OfflineRequest["signer"]>;

  it.each<[string, () => object]>([
    ["an authority's profile for the signer", () => ({ certificates: [{ ...asked(), profile: "issuing" }] })],
    ["a root's profile for the signer", () => ({ certificates: [{ ...asked(), profile: "root" }] })],
    ["the signer's profile for a root", () => ({ certificates: [{ ...asked(), subject: "root-2" }] })],
    ["the signer to sign itself", () => ({ certificates: [{ ...asked(), signedBy: asked().subject }] })],
    ["two certificates of the signer", () => ({ certificates: [asked(), asked()] })],
    ["no certificate of the signer", () => ({ certificates: [] })],
    ["a certificate of a signer that has no key", () => ({ signer: undefined, purpose: "list" })],
    ["a signer by a root's name", () => ({ signer: { ...own(), signerId: "root-2" } })],
    ["a signer for a rollover", () => ({ rolloverId: "0".repeat(32) })],
    ["an authority for no rollover", () => ({ purpose: "issuing" })],
  ])("signs no request for %s", async (_, change) => {
    const changed = { ...request, ...change() } as OfflineRequest;
    expect(await codeOf(house.signed(changed))).toBe("ceremony_invalid");
  });

  it("signs no signer by a root that is only to be", async () => {
    const { rolloverId } = await house.plan({
      ...{ kind: "root", fromId: "root-2", toId: "root-3", custody: "offline" },
    });
    const root = await house.asked(rolloverId);
    expect(root.certificates.map(({ profile, signedBy }) => [profile, signedBy])).toEqual([
      ["root", "root-3"],
      ["cross", "root-3"],
      ["cross", "root-2"],
      ["trustSigner", "root-2"],
    ]);
    const key = offlineKey();
    const with3 = { csr: await rootCsr("root-3", key), roots: [house.root2, key] };
    expect((await house.signed(root, with3)).certificates).toHaveLength(4);
    const certificates = root.certificates.map((one) =>
      one.profile === "trustSigner" ? { ...one, signedBy: "root-3" } : one,
    );
    expect(await codeOf(house.signed({ ...root, certificates }, with3))).toBe("ceremony_invalid");
  });

  it("refuses a CSR that its key did not sign", async () => {
    const csr = octetsOf(own().csr);
    csr[csr.length - 1] = (csr.at(-1) ?? 0) ^ 1;
    expect(await codeOf(house.signed({ ...request, signer: { ...own(), csr: base64Of(csr) } }))).toBe(
      "csr_signature_invalid",
    );
  });

  it("reads a request as it was written, and none that is cut off", async () => {
    const text = encodeRequest(request);
    expect(readRequest(text)).toEqual(request);
    for (let length = 0; length < text.length; length += 11)
      expect(await codeOf((async () => readRequest(text.slice(0, length)))())).toBe("ceremony_invalid");
  });
});
