import { createHash, createPublicKey, randomBytes, verify } from "node:crypto";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { approvalKey, approvalRecord } from "../../core/records/approval-record.ts";
import { passkeyKey, passkeyRecord } from "../../core/records/passkey-record.ts";
import { testFleet } from "../support/fleet-app.ts";
import { newCall, openPair, type Pair } from "./pair.ts";
import {
  approve,
  base,
  type CriticalCall,
  execute,
  invitationCall,
  join,
  newAuthenticator,
  type Person,
  perform,
  signIn,
  signInWith,
  type Team,
} from "./team.ts";

let pair: Pair;
let team: Team;
let owner: Person;
let officer: Person;
const opened: Pair[] = [];

beforeEach(async () => {
  pair = await openPair();
  opened.push(pair);
  ({ team, owner, officer } = pair);
});
afterAll(() => Promise.all(opened.map((each) => each.team.close())));

const asked = (call: CriticalCall) => pair.asked(call);
const approvalOf = (approvalId: string) => pair.approvalOf(approvalId);
const challengeNow = (approvalId: string) => pair.challengeNow(approvalId);
const assertWith = (person: Person, approvalId: string, credential: unknown) =>
  pair.assertWith(person, approvalId, credential);

describe("assertions", () => {
  it("of one person alone are not enough, however often", async () => {
    const call = newCall();
    const approvalId = await asked(call);
    await approve(team, owner, approvalId);
    const again = await approve(team, owner, approvalId);
    expect([again.status, again.code]).toEqual([409, "approval_repeated"]);
    team.clock.advance(31_000);
    const newer = await approve(team, owner, approvalId);
    expect(newer.body).toMatchObject({ state: "requested", approvedBy: ["operator-1"] });
    const { status, code } = await execute(team, owner, call, approvalId);
    expect([status, code]).toEqual([403, "approval_incomplete"]);
  });

  it("of others without the one who asked are not enough", async () => {
    const third = await join(team, [owner, officer], ["securityOfficer"], "operator-3");
    const call = newCall();
    const approvalId = await asked(call);
    await approve(team, officer, approvalId);
    await approve(team, third, approvalId);
    expect((await execute(team, owner, call, approvalId)).code).toBe("approval_incomplete");
  });

  it("replayed are refused, though the caller is the right one", async () => {
    const approvalId = await asked(newCall());
    const credential = owner.authenticator.assert(await challengeNow(approvalId));
    expect((await assertWith(owner, approvalId, credential)).status).toBe(200);
    expect((await assertWith(owner, approvalId, credential)).code).toBe("approval_repeated");
    team.clock.advance(31_000);
    expect((await assertWith(owner, approvalId, credential)).code).toBe("approval_repeated");
  });

  it("of authenticators without a counter are told apart by their time, not by their octets", async () => {
    const approvalId = await asked(newCall());
    const { body } = await perform(
      team,
      [owner, officer],
      invitationCall("operator-plain", ["securityOfficer"]),
    );
    const authenticator = newAuthenticator();
    const plain = { signCount: 0 } as const;
    const challenge = await team.send({ path: `${base}/challenges`, body: {} });
    const text = String(challenge.body["challenge"]);
    await team.send({
      path: `${base}/passkeys`,
      headers: { authorization: `Bearer ${String(body["invitation"])}` },
      body: { challenge: text, credential: authenticator.register(text, plain) },
    });
    const person = await signIn(team, "operator-plain", {
      ...authenticator,
      assert: (each, options = {}) => authenticator.assert(each, { ...options, ...plain }),
    });
    const first = await challengeNow(approvalId);
    expect((await assertWith(person, approvalId, person.authenticator.assert(first))).status).toBe(200);
    // Another signature of the same key over the same challenge: ECDSA makes as many as one likes.
    const twin = person.authenticator.assert(first);
    expect((await assertWith(person, approvalId, twin)).code).toBe("approval_repeated");
    team.clock.advance(31_000);
    expect((await approve(team, person, approvalId)).status).toBe(200);
  });

  it("by another person's passkey are refused", async () => {
    const approvalId = await asked(newCall());
    const challenge = await challengeNow(approvalId);
    const { status, code } = await assertWith(owner, approvalId, officer.authenticator.assert(challenge));
    expect([status, code]).toEqual([401, "passkey_invalid"]);
  });

  it.each([
    {
      name: "without user verification",
      make: (challenge: string) => owner.authenticator.assert(challenge, { userVerified: false }),
    },
    {
      name: "at another origin",
      make: (challenge: string) => owner.authenticator.assert(challenge, { origin: "https://evil.example" }),
    },
    {
      name: "whose challenge was exchanged after it was signed",
      make: (challenge: string) => {
        const signed = owner.authenticator.assert("A".repeat(43));
        const right = owner.authenticator.assert(challenge).response["clientDataJSON"] ?? "";
        return { ...signed, response: { ...signed.response, clientDataJSON: right } };
      },
    },
    {
      name: "whose client data is no JSON",
      make: (challenge: string) => {
        const signed = owner.authenticator.assert(challenge);
        return { ...signed, response: { ...signed.response, clientDataJSON: "AAAA" } };
      },
    },
    {
      name: "whose client data is longer than a proof may be",
      make: (challenge: string) => {
        const signed = owner.authenticator.assert(challenge);
        const long = JSON.stringify({ challenge, padding: "x".repeat(9_000) });
        const clientDataJSON = Buffer.from(long).toString("base64url");
        return { ...signed, response: { ...signed.response, clientDataJSON } };
      },
    },
  ])("$name are refused", async ({ make }) => {
    const approvalId = await asked(newCall());
    const { status, code } = await assertWith(owner, approvalId, make(await challengeNow(approvalId)));
    expect([status, code]).toEqual([401, "passkey_invalid"]);
  });

  it("for another operation are refused, also when it asks for the same", async () => {
    const call = newCall();
    const [one, other] = [await asked(call), await asked(call)];
    const credential = owner.authenticator.assert(await challengeNow(one));
    expect((await assertWith(owner, other, credential)).code).toBe("passkey_invalid");
  });

  it("over a sign-in's challenge are refused, and an approval's challenge signs nobody in", async () => {
    const approvalId = await asked(newCall());
    const { body } = await team.send({ path: `${base}/challenges`, body: {} });
    const credential = owner.authenticator.assert(String(body["challenge"]));
    expect((await assertWith(owner, approvalId, credential)).code).toBe("passkey_invalid");
    const challenge = await challengeNow(approvalId);
    const reply = await signInWith(team, owner.key, {
      challenge,
      credential: owner.authenticator.assert(challenge),
    });
    expect(reply.code).toBe("challenge_invalid");
  });

  it("over a challenge that is older than five minutes are refused, though they are sent now", async () => {
    const approvalId = await asked(newCall());
    const credential = owner.authenticator.assert(await challengeNow(approvalId));
    team.clock.advance(330_000);
    expect((await assertWith(owner, approvalId, credential)).code).toBe("approval_stale");
    expect((await approve(team, owner, approvalId)).status).toBe(200);
  });

  it("count for five minutes, and then have to be made anew", async () => {
    const call = newCall();
    const approvalId = await asked(call);
    await approve(team, owner, approvalId);
    team.clock.advance(290_000);
    await approve(team, officer, approvalId);
    team.clock.advance(20_000);
    expect((await approvalOf(approvalId)).body).toMatchObject({
      state: "requested",
      approvedBy: ["operator-2"],
    });
    const stale = await execute(team, owner, call, approvalId);
    expect([stale.status, stale.code]).toEqual([403, "approval_stale"]);
    await approve(team, owner, approvalId);
    expect((await execute(team, owner, call, approvalId)).status).toBe(201);
  });

  it("of two people at the same moment both count", async () => {
    const third = await join(team, [owner, officer], ["securityOfficer"], "operator-3");
    const approvalId = await asked(newCall());
    const answers = await Promise.all([owner, officer, third].map((each) => approve(team, each, approvalId)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { body } = await approvalOf(approvalId);
    expect(new Set(body["approvedBy"] as string[])).toEqual(
      new Set(["operator-1", "operator-2", "operator-3"]),
    );
  });

  it("are not an auditor's to make", async () => {
    const auditor = await join(team, [owner, officer], ["auditor"], "operator-3");
    const approvalId = await asked(newCall());
    const { status, code } = await approve(team, auditor, approvalId);
    expect([status, code]).toEqual([403, "role_not_permitted"]);
  });

  it("ten wrong ones of one person make that person wait, and no other", async () => {
    const approvalId = await asked(newCall());
    const challenge = await challengeNow(approvalId);
    for (let failure = 0; failure < 10; failure += 1) {
      const wrong = owner.authenticator.assert(randomBytes(32).toString("base64url"));
      expect((await assertWith(owner, approvalId, wrong)).code).toBe("passkey_invalid");
    }
    const locked = await assertWith(owner, approvalId, owner.authenticator.assert(challenge));
    expect([locked.status, locked.code]).toEqual([429, "rate_limited"]);
    expect(Number(locked.headers["retry-after"])).toBeGreaterThan(0);
    expect((await approve(team, officer, approvalId)).status).toBe(200);
  });

  it("45 CFR 164.312(b): the proof is kept, and whoever audits it can verify it", async () => {
    const call = newCall();
    const approvalId = await asked(call);
    await approve(team, owner, approvalId);
    const item = await team.app.items.get(approvalKey(testFleet, approvalId));
    if (item === undefined) expect.fail("the approval is stored");
    const { value } = approvalRecord(item);
    const [assertion] = value.assertions;
    if (assertion?.proof.by !== "passkey") expect.fail("a passkey approved");
    const { clientDataJSON, authenticatorData, signature, credentialId } = assertion.proof;
    expect(credentialId).toBe(owner.authenticator.credentialId);
    const client = Buffer.from(clientDataJSON, "base64url");
    const start = Math.floor(assertion.since / 30_000) * 30_000;
    const text = `fleetkey approval 1\n${approvalId}\n${value.operationDigest}\n${value.nonce}\n${start}`;
    expect(JSON.parse(client.toString("utf8"))).toMatchObject({
      challenge: createHash("sha256").update(text).digest("base64url"),
    });
    const signed = Buffer.concat([
      Buffer.from(authenticatorData, "base64url"),
      createHash("sha256").update(client).digest(),
    ]);
    const key = createPublicKey({ key: await publicJwk(), format: "jwk" });
    expect(verify("sha256", signed, key, Buffer.from(signature, "base64url"))).toBe(true);
  });
});

/** The owner's public key, from the COSE_Key that was stored: x and y are its last two members (RFC 9053 §7.1.1). */
async function publicJwk(): Promise<{ kty: "EC"; crv: "P-256"; x: string; y: string }> {
  const item = await team.app.items.get(passkeyKey(testFleet, owner.authenticator.credentialId));
  if (item === undefined) expect.fail("the passkey is stored");
  const cose = Buffer.from(passkeyRecord(item).value.publicKey);
  const y = cose.subarray(cose.length - 32);
  const x = cose.subarray(cose.length - 67, cose.length - 35);
  return { kty: "EC", crv: "P-256", x: x.toString("base64url"), y: y.toString("base64url") };
}
