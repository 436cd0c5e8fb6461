import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProofKey } from "../support/dpop.ts";
import { addFleet } from "../support/fleet-app.ts";
import {
  as,
  auditOf,
  base,
  challengeOf,
  changeCall,
  firstOwner,
  host,
  invitationCall,
  join,
  newAuthenticator,
  openTeam,
  origin,
  type Person,
  perform,
  proofFor,
  register,
  setOrigin,
  signIn,
  signInWith,
  type Team,
} from "./team.ts";

let team: Team;
let owner: Person;

beforeAll(async () => {
  team = await openTeam();
  owner = await firstOwner(team);
});
afterAll(() => team.close());

const list = { method: "GET", path: `${base}/operators` } as const;

describe("signing in with a passkey", () => {
  it("a session lasts half an hour, and the store does not know its token", async () => {
    const key = await createProofKey();
    const challenge = await challengeOf(team);
    const { status, body } = await signInWith(team, key, {
      challenge,
      credential: owner.authenticator.assert(challenge),
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ operatorId: "operator-1", roles: ["owner"] });
    const lasts = Date.parse(String(body["expiresAt"])) - team.clock.now();
    expect(lasts).toBeGreaterThan(1_790_000);
    expect(lasts).toBeLessThanOrEqual(1_800_000);
    expect(JSON.stringify(await auditOf(team, "session.created"))).not.toContain(body["token"]);
  });

  const refusals: readonly {
    readonly name: string;
    readonly code: string;
    readonly make: (challenge: string) => unknown;
  }[] = [
    {
      name: "without user verification",
      code: "passkey_invalid",
      make: (challenge) => owner.authenticator.assert(challenge, { userVerified: false }),
    },
    {
      name: "made at another origin",
      code: "passkey_invalid",
      make: (challenge) => owner.authenticator.assert(challenge, { origin: "https://evil.example" }),
    },
    {
      name: "made for another relying party",
      code: "passkey_invalid",
      make: (challenge) => owner.authenticator.assert(challenge, { relyingPartyId: "evil.example" }),
    },
    {
      name: "made over another challenge",
      code: "passkey_invalid",
      make: () => owner.authenticator.assert("B".repeat(43)),
    },
    {
      name: "with another operator's user handle",
      code: "passkey_invalid",
      make: (challenge) => owner.authenticator.assert(challenge, { userHandle: "operator-2" }),
    },
    {
      name: "of a passkey that nobody registered",
      code: "passkey_invalid",
      make: (challenge) => newAuthenticator().assert(challenge),
    },
    {
      name: "that is a registration",
      code: "passkey_invalid",
      make: (challenge) => owner.authenticator.register(challenge),
    },
    { name: "that is empty", code: "passkey_invalid", make: () => ({}) },
    {
      name: "whose id is no text",
      code: "passkey_invalid",
      make: (challenge) => ({ ...owner.authenticator.assert(challenge), id: 7 }),
    },
    {
      name: "whose id is longer than any credential's",
      code: "passkey_invalid",
      make: (challenge) => ({ ...owner.authenticator.assert(challenge), id: "A".repeat(2_000) }),
    },
    {
      name: "whose response is null",
      code: "passkey_invalid",
      make: (challenge) => ({ ...owner.authenticator.assert(challenge), response: null }),
    },
  ];
  it.each(refusals)("an assertion $name is refused", async ({ make, code }) => {
    const challenge = await challengeOf(team);
    const key = await createProofKey();
    const reply = await signInWith(team, key, { challenge, credential: make(challenge) });
    expect([reply.status, reply.code]).toEqual([401, code]);
  });

  it("an assertion counts once: replayed with its challenge it is refused", async () => {
    const key = await createProofKey();
    const challenge = await challengeOf(team);
    const credential = owner.authenticator.assert(challenge);
    expect((await signInWith(team, key, { challenge, credential })).status).toBe(201);
    expect((await signInWith(team, key, { challenge, credential })).code).toBe("challenge_invalid");
  });

  it("of 20 sign-ins with one assertion at once one wins", async () => {
    const key = await createProofKey();
    const challenge = await challengeOf(team);
    const credential = owner.authenticator.assert(challenge);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => signInWith(team, key, { challenge, credential })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  });

  it("a challenge is good for five minutes, and in its own fleet", async () => {
    const other = await addFleet(team.app, "neighbour");
    await setOrigin({ app: team.app, fleet: other });
    const foreign = await team.send({ path: "/v1/fleets/neighbour/challenges", body: {} });
    const challenge = String(foreign.body["challenge"]);
    const key = await createProofKey();
    const here = await signInWith(team, key, {
      challenge,
      credential: owner.authenticator.assert(challenge),
    });
    expect([here.status, here.code]).toEqual([401, "challenge_invalid"]);
    const old = await challengeOf(team);
    team.clock.advance(300_001);
    const late = await signInWith(team, key, {
      challenge: old,
      credential: owner.authenticator.assert(old),
    });
    expect([late.status, late.code]).toEqual([401, "challenge_invalid"]);
  });

  it("a passkey of one fleet opens no other", async () => {
    const other = await addFleet(team.app, "elsewhere");
    await setOrigin({ app: team.app, fleet: other });
    const path = "/v1/fleets/elsewhere/sessions";
    const key = await createProofKey();
    const asked = await team.send({ path: "/v1/fleets/elsewhere/challenges", body: {} });
    const challenge = String(asked.body["challenge"]);
    const { code } = await team.send({
      path,
      headers: { dpop: await proofFor(team, key, { path }) },
      body: { challenge, credential: owner.authenticator.assert(challenge) },
    });
    expect(code).toBe("passkey_invalid");
  });

  it("a clone whose counter falls back is refused", async () => {
    const { body } = await perform(team, [owner], invitationCall("operator-clone", ["auditor"]));
    const authenticator = newAuthenticator();
    await register(team, String(body["invitation"]), authenticator);
    await signIn(team, "operator-clone", authenticator);
    await signIn(team, "operator-clone", authenticator);
    // Registered with 1, signed in with 2 and 3.
    const challenge = await challengeOf(team);
    const credential = authenticator.assert(challenge, { signCount: 2 });
    const { code } = await signInWith(team, await createProofKey(), { challenge, credential });
    expect(code).toBe("passkey_invalid");
  });

  it("takes one proof and no other number", async () => {
    const challenge = await challengeOf(team);
    const key = await createProofKey();
    expect((await signInWith(team, key, { challenge })).code).toBe("request_invalid");
    const both = { challenge, credential: owner.authenticator.assert(challenge), idToken: "a.b.c" };
    expect((await signInWith(team, key, both)).code).toBe("request_invalid");
  });

  it("a fleet that does not exist has no challenges and no sessions", async () => {
    const challenges = await team.send({ path: "/v1/fleets/nowhere/challenges", body: {} });
    expect([challenges.status, challenges.code]).toEqual([404, "not_found"]);
    const path = "/v1/fleets/nowhere/sessions";
    const key = await createProofKey();
    const sessions = await team.send({
      path,
      headers: { dpop: await proofFor(team, key, { path }) },
      body: {},
    });
    expect([sessions.status, sessions.code]).toEqual([404, "not_found"]);
  });
});

describe("failed attempts", () => {
  it("after ten of one passkey it waits, and the answer says how long; then it signs in", async () => {
    const person = await join(team, [owner], ["auditor"]);
    const attempt = async (userVerified: boolean) => {
      const challenge = await challengeOf(team);
      const credential = person.authenticator.assert(challenge, { userVerified });
      return signInWith(team, await createProofKey(), { challenge, credential });
    };
    for (let failure = 0; failure < 10; failure += 1)
      expect((await attempt(false)).code).toBe("passkey_invalid");
    const locked = await attempt(true);
    expect([locked.status, locked.code]).toEqual([429, "rate_limited"]);
    const seconds = Number(locked.headers["retry-after"]);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(900);
    await signIn(team, "operator-1", owner.authenticator);
    team.clock.advance(seconds * 1_000);
    expect((await attempt(true)).status).toBe(201);
    owner = await signIn(team, "operator-1", owner.authenticator);
  });

  it("a passkey that nobody registered locks nobody", async () => {
    const stranger = newAuthenticator();
    for (let failure = 0; failure < 12; failure += 1) {
      const challenge = await challengeOf(team);
      const credential = stranger.assert(challenge);
      const { code } = await signInWith(team, await createProofKey(), { challenge, credential });
      expect(code).toBe("passkey_invalid");
    }
  });
});

describe("a session at the door (RFC 9449)", () => {
  it("opens its operator's routes", async () => {
    const { status } = await as(team, owner, list);
    expect(status).toBe(200);
  });

  it("the token alone opens nothing", async () => {
    const { status, code } = await team.send({
      ...list,
      headers: { authorization: `DPoP ${owner.token}` },
    });
    expect([status, code]).toEqual([401, "proof_missing"]);
  });

  it("§11.1: a proof counts once", async () => {
    const dpop = await proofFor(team, owner.key, list, owner.token);
    const headers = { authorization: `DPoP ${owner.token}`, dpop };
    expect((await team.send({ ...list, headers })).status).toBe(200);
    const { status, code } = await team.send({ ...list, headers });
    expect([status, code]).toEqual([401, "proof_replayed"]);
  });

  it("§11.1: of 20 uses of one proof at once one wins", async () => {
    const dpop = await proofFor(team, owner.key, list, owner.token);
    const headers = { authorization: `DPoP ${owner.token}`, dpop };
    const answers = await Promise.all(Array.from({ length: 20 }, () => team.send({ ...list, headers })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("§11.1: a proof for a sign-in counts once", async () => {
    const key = await createProofKey();
    const path = `${base}/sessions`;
    const dpop = await proofFor(team, key, { path });
    const attempt = async () => {
      const challenge = await challengeOf(team);
      const credential = owner.authenticator.assert(challenge);
      return team.send({ path, headers: { dpop }, body: { challenge, credential } });
    };
    expect((await attempt()).status).toBe(201);
    expect((await attempt()).code).toBe("proof_replayed");
  });

  it("another key's proof is refused", async () => {
    const thief = { ...owner, key: await createProofKey() };
    const { status, code } = await as(team, thief, list);
    expect([status, code]).toEqual([401, "session_invalid"]);
  });

  it.each([
    { name: "another method", proof: { method: "POST", url: `${origin}${list.path}` } },
    { name: "another path", proof: { method: "GET", url: `${origin}${base}/approvals` } },
    { name: "another host", proof: { method: "GET", url: `https://evil.example${list.path}` } },
    { name: "another port", proof: { method: "GET", url: `https://${host}:8443${list.path}` } },
  ])("§4.3: a proof for $name is refused", async ({ proof }) => {
    const dpop = await owner.key.proof({ ...proof, accessToken: owner.token, now: team.clock.now() });
    const { status, code } = await team.send({
      ...list,
      headers: { authorization: `DPoP ${owner.token}`, dpop },
    });
    expect([status, code]).toEqual([401, "proof_invalid"]);
  });

  it("§4.3: a proof for another token, or for none, is refused", async () => {
    for (const accessToken of [`default.${"A".repeat(43)}`, undefined]) {
      const dpop = await proofFor(team, owner.key, list, accessToken);
      const { code } = await team.send({ ...list, headers: { authorization: `DPoP ${owner.token}`, dpop } });
      expect(code).toBe("proof_invalid");
    }
  });

  it("a token that was never given is unknown", async () => {
    const stranger = { ...owner, token: `default.${"A".repeat(43)}` };
    expect((await as(team, stranger, list)).code).toBe("session_invalid");
    const elsewhere = { ...owner, token: `nowhere.${"A".repeat(43)}` };
    expect((await as(team, elsewhere, list)).code).toBe("session_invalid");
  });

  it("the fleet in the token is part of it: under another fleet's name it is unknown", async () => {
    await addFleet(team.app, "third");
    const moved = { ...owner, token: owner.token.replace("default.", "third.") };
    const { code } = await as(team, moved, { method: "GET", path: "/v1/fleets/third/operators" });
    expect(code).toBe("session_invalid");
  });

  it("another fleet's path does not exist for it", async () => {
    await addFleet(team.app, "fourth");
    const { status, code } = await as(team, owner, { method: "GET", path: "/v1/fleets/fourth/operators" });
    expect([status, code]).toEqual([404, "not_found"]);
  });

  it("what it left in the store names no token and no proof", async () => {
    const key = await createProofKey();
    const challenge = await challengeOf(team);
    const reply = await signInWith(team, key, {
      challenge,
      credential: owner.authenticator.assert(challenge),
    });
    const person = { ...owner, key, token: String(reply.body["token"]) };
    const jti = randomUUID();
    const dpop = await key.proof({
      method: "GET",
      url: `${origin}${list.path}`,
      accessToken: person.token,
      now: team.clock.now(),
      claims: { jti },
    });
    await team.send({ ...list, headers: { authorization: `DPoP ${person.token}`, dpop } });
    const log = JSON.stringify(team.log);
    for (const secret of [person.token, dpop, jti, challenge]) expect(log).not.toContain(secret);
  });
});

describe("the end of a session", () => {
  it("after half an hour it is over", async () => {
    const person = await signIn(team, "operator-1", owner.authenticator);
    team.clock.advance(1_800_000);
    expect((await as(team, person, list)).code).toBe("session_invalid");
    owner = await signIn(team, "operator-1", owner.authenticator);
  });

  it("signing out ends it at once, and no other session", async () => {
    const person = await signIn(team, "operator-1", owner.authenticator);
    const path = `${base}/sessions/current`;
    const { status, body } = await as(team, person, { method: "DELETE", path });
    expect([status, body]).toEqual([200, { status: "ended" }]);
    expect((await as(team, person, list)).code).toBe("session_invalid");
    expect((await as(team, owner, list)).status).toBe(200);
  });

  it("a certificate has no session to end", async () => {
    const { status, code } = await team.send({
      method: "DELETE",
      path: `${base}/sessions/current`,
      certificate: team.certificate,
    });
    expect([status, code]).toEqual([401, "session_invalid"]);
  });

  it("a suspension counts with the next request, for sessions and for signing in", async () => {
    const person = await join(team, [owner], ["auditor"]);
    expect((await as(team, person, list)).status).toBe(200);
    await perform(team, [owner], changeCall(person.operatorId, { state: "suspended" }));
    const { status, code } = await as(team, person, list);
    expect([status, code]).toEqual([403, "operator_not_active"]);
    const challenge = await challengeOf(team);
    const credential = person.authenticator.assert(challenge);
    const again = await signInWith(team, await createProofKey(), { challenge, credential });
    expect(again.code).toBe("passkey_invalid");
    const back = await perform(team, [owner], changeCall(person.operatorId, { state: "active" }));
    expect(back.body).toMatchObject({ state: "invited", passkeys: 0 });
    const invited = await perform(team, [owner], invitationCall(person.operatorId, ["auditor"]));
    await register(team, String(invited.body["invitation"]), newAuthenticator());
    expect((await as(team, person, list)).code).toBe("session_invalid");
  });

  it("roles are those of now, not those of the sign-in", async () => {
    const person = await join(team, [owner], ["auditor"]);
    await perform(team, [owner], changeCall(person.operatorId, { roles: ["provisioner"] }));
    const { status, code } = await as(team, person, list);
    expect([status, code]).toEqual([403, "role_not_permitted"]);
  });
});
