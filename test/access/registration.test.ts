import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawInvitation } from "../../core/access/invitation.ts";
import { addFleet, testFleet } from "../support/fleet-app.ts";
import {
  auditOf,
  base,
  challengeOf,
  firstOwner,
  invitationCall,
  join,
  newAuthenticator,
  openTeam,
  origin,
  type Person,
  perform,
  register,
  setOrigin,
  signIn,
  type Team,
} from "./team.ts";

let team: Team;
let owner: Person;

beforeAll(async () => {
  team = await openTeam();
  owner = await firstOwner(team);
});
afterAll(() => team.close());

async function invitation(operatorId: string): Promise<string> {
  const { body } = await perform(team, [owner], invitationCall(operatorId, ["auditor"]));
  return String(body["invitation"]);
}

describe("the first passkey", () => {
  it("is invited by the bootstrap's certificate once: with a passkey, the operator is invited as all others", async () => {
    const path = `${base}/passkey-invitations`;
    const { status, code } = await team.send({ path, body: {}, certificate: team.certificate });
    expect([status, code]).toEqual([403, "access_denied"]);
  });

  it("two invitations asked for at once lead to one passkey", async () => {
    await using other = await disposable();
    const path = `${base}/passkey-invitations`;
    const ask = () => other.team.send({ path, body: {}, certificate: other.team.certificate });
    const invitations = (await Promise.all([ask(), ask()])).map(({ body }) => String(body["invitation"]));
    const answers = await Promise.all(
      invitations.map((each) => register(other.team, each, newAuthenticator())),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const late = await register(other.team, invitations[0] ?? "", newAuthenticator());
    const later = await register(other.team, invitations[1] ?? "", newAuthenticator());
    expect([late.code, later.code]).toEqual(["credential_spent", "credential_spent"]);
  });

  it("is not for an operator without an origin to register at", async () => {
    await using other = await disposable(false);
    const { code } = await other.team.send({
      path: `${base}/passkey-invitations`,
      body: {},
      certificate: other.team.certificate,
    });
    expect(code).toBe("access_denied");
  });
});

async function disposable(withOrigin = true) {
  const opened = await openTeam();
  if (!withOrigin) {
    const { fleetItem, fleetPartition } = await import("../../core/records/fleet-record.ts");
    const item = await opened.app.items.get({ pk: fleetPartition(testFleet), sk: "FLEET" });
    const put = fleetItem(opened.fleet.record);
    await opened.app.items.transact([{ put, when: item?.version ?? 1 }]);
  }
  return { team: opened, [Symbol.asyncDispose]: () => opened.close() };
}

describe("registration by invitation", () => {
  it("makes the operator active, and its passkey signs in", async () => {
    const person = await join(team, [owner], ["provisioner"], "operator-new");
    expect(person.token).toMatch(/^default\.[A-Za-z0-9_-]{43}$/);
    const entries = await auditOf(team, "passkey.registered");
    expect(entries).toContainEqual(
      expect.objectContaining({ actor: "operator:operator-new", subject: "operator-new", result: "success" }),
    );
  });

  it("the invitation's address holds it in the fragment, which browsers do not send", async () => {
    const { body } = await perform(team, [owner], invitationCall("operator-url", ["auditor"]));
    const url = new URL(String(body["url"]));
    expect([url.origin, url.pathname, url.search]).toEqual([origin, "/passkeys", ""]);
    expect(Object.fromEntries(new URLSearchParams(url.hash.slice(1)))).toEqual({
      fleet: testFleet,
      invitation: body["invitation"],
      operator: "operator-url",
    });
  });

  it("an invitation counts once", async () => {
    const secret = await invitation("operator-once");
    expect((await register(team, secret, newAuthenticator())).status).toBe(201);
    const { status, code } = await register(team, secret, newAuthenticator());
    expect([status, code]).toEqual([409, "credential_spent"]);
  });

  it("of 20 registrations with one invitation at once one wins", async () => {
    const secret = await invitation("operator-race");
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => register(team, secret, newAuthenticator())),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(answers.filter(({ status }) => status !== 201).map(({ code }) => code))).toEqual(
      new Set(["credential_spent"]),
    );
    const { body } = await team.send({
      method: "GET",
      path: `${base}/operators`,
      certificate: team.certificate,
    });
    expect(body["operators"]).toContainEqual(
      expect.objectContaining({ operatorId: "operator-race", passkeys: 1, state: "active" }),
    );
  });

  it("an unknown invitation is refused", async () => {
    const { status, code } = await register(team, "A".repeat(43), newAuthenticator());
    expect([status, code]).toEqual([401, "credential_invalid"]);
  });

  it("an expired invitation is refused", async () => {
    const drawn = drawInvitation({ ...team.app, clock: yesterday() }, team.fleet, {
      operatorId: "operator-1",
      kind: "approved",
      createdBy: "system",
    });
    await team.app.items.transact([drawn.write]);
    const { status, code } = await register(team, drawn.answer.invitation, newAuthenticator());
    expect([status, code]).toEqual([401, "credential_expired"]);
  });

  it("another fleet's invitation is unknown here", async () => {
    const other = await addFleet(team.app, "other");
    await setOrigin({ app: team.app, fleet: other });
    const drawn = drawInvitation(team.app, other, {
      operatorId: "operator-1",
      kind: "approved",
      createdBy: "system",
    });
    await team.app.items.transact([drawn.write]);
    const { status, code } = await register(team, drawn.answer.invitation, newAuthenticator());
    expect([status, code]).toEqual([401, "credential_invalid"]);
  });

  it("a challenge counts once, and for its own fleet", async () => {
    const challenge = await challengeOf(team);
    const attempt = async (operatorId: string) => {
      const authenticator = newAuthenticator();
      return team.send({
        path: `${base}/passkeys`,
        headers: { authorization: `Bearer ${await invitation(operatorId)}` },
        body: { challenge, credential: authenticator.register(challenge) },
      });
    };
    expect((await attempt("operator-challenge-1")).status).toBe(201);
    expect((await attempt("operator-challenge-2")).code).toBe("challenge_invalid");
  });

  it("a passkey is registered once in a fleet, whoever is invited", async () => {
    const authenticator = newAuthenticator();
    expect((await register(team, await invitation("operator-key-1"), authenticator)).status).toBe(201);
    const { status, code } = await register(team, await invitation("operator-key-2"), authenticator);
    expect([status, code]).toEqual([409, "already_exists"]);
  });

  it("without user verification nothing is registered, and the invitation stays good", async () => {
    const secret = await invitation("operator-uv");
    const challenge = await challengeOf(team);
    const credential = newAuthenticator().register(challenge, { userVerified: false });
    const { status, code } = await team.send({
      path: `${base}/passkeys`,
      headers: { authorization: `Bearer ${secret}` },
      body: { challenge, credential },
    });
    expect([status, code]).toEqual([401, "passkey_invalid"]);
    expect((await register(team, secret, newAuthenticator())).status).toBe(201);
  });

  it("a suspended operator registers nothing with an invitation from before", async () => {
    const person = await join(team, [owner], ["auditor"], "operator-suspended-key");
    const people = [owner] as const;
    const { body } = await perform(team, people, invitationCall(person.operatorId, ["auditor"]));
    await perform(team, people, {
      operation: "changeOperator",
      parameters: { operatorId: person.operatorId },
      path: `${base}/operators/${person.operatorId}`,
      body: { state: "suspended" },
    });
    const { code } = await register(team, String(body["invitation"]), newAuthenticator());
    expect(code).toBe("operator_not_active");
  });
});

describe("an invitation for an operator that exists", () => {
  it("adds a passkey; both sign in", async () => {
    const person = await join(team, [owner], ["auditor"], "operator-two-keys");
    const { body } = await perform(team, [owner], invitationCall(person.operatorId, ["auditor"]));
    const second = newAuthenticator();
    expect((await register(team, String(body["invitation"]), second)).status).toBe(201);
    await signIn(team, person.operatorId, second);
    await signIn(team, person.operatorId, person.authenticator);
  });

  it.each([
    { name: "other roles", operatorId: "operator-1", roles: ["auditor"] as const },
    { name: "other letters", operatorId: "Operator-1", roles: ["owner"] as const },
  ])("with $name it is refused", async ({ operatorId, roles }) => {
    const { status, code } = await perform(team, [owner], invitationCall(operatorId, roles));
    expect([status, code]).toEqual([409, "already_exists"]);
  });
});

function yesterday() {
  return { ...team.app.clock, now: () => team.clock.now() - 86_400_001 };
}
