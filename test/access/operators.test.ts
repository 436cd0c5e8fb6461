import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { redeemApproval } from "../../core/access/approval.ts";
import { operationDigest } from "../../core/access/operation.ts";
import { changeOperator } from "../../core/access/operators.ts";
import { operatorOf } from "../lambdas/fleet-callers.ts";
import { codeOf } from "../support/errors.ts";
import { testFleet } from "../support/fleet-app.ts";
import { newCall, openPair } from "./pair.ts";
import {
  approve,
  as,
  auditOf,
  base,
  type CriticalCall,
  callerOf,
  changeCall,
  execute,
  firstOwner,
  invitationCall,
  join,
  openTeam,
  type Person,
  perform,
  request,
  type Team,
} from "./team.ts";

async function operators(team: Team, person: Person): Promise<readonly Record<string, unknown>[]> {
  const { status, body } = await as(team, person, { method: "GET", path: `${base}/operators` });
  expect(status).toBe(200);
  return body["operators"] as Record<string, unknown>[];
}

/** Ready to be executed by `person`. */
async function approved(
  team: Team,
  people: readonly [Person, ...Person[]],
  call: CriticalCall,
): Promise<string> {
  const { body } = await request(team, people[0], call);
  const approvalId = String(body["approvalId"]);
  for (const each of people) await approve(team, each, approvalId);
  return approvalId;
}

describe("operators", () => {
  let team: Team;
  let owner: Person;
  let officer: Person;
  beforeAll(async () => {
    ({ team, owner, officer } = await openPair());
  });
  afterAll(() => team.close());

  it("are listed with roles, state and the number of passkeys, and nothing personal", async () => {
    await perform(team, [owner, officer], invitationCall("operator-listed", ["auditor", "provisioner"]));
    expect(await operators(team, owner)).toContainEqual({
      operatorId: "operator-listed",
      roles: ["provisioner", "auditor"],
      state: "invited",
      passkeys: 0,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
  });

  it.each([
    { name: "an e-mail address", operatorId: "jane-at-example.com" },
    { name: "a birth date", operatorId: "1980-01-31" },
    { name: "a name with spaces", operatorId: "Jane Doe" },
  ])("an id shaped like $name is refused", async ({ operatorId }) => {
    const { status, code } = await perform(team, [owner, officer], invitationCall(operatorId, ["auditor"]));
    expect([status, code]).toEqual([422, "name_not_permitted"]);
  });

  it("a change counts and is in the audit log with who did it", async () => {
    await perform(team, [owner, officer], invitationCall("operator-changed", ["auditor"]));
    const { body } = await perform(
      team,
      [owner, officer],
      changeCall("operator-changed", { roles: ["provisioner"] }),
    );
    expect(body).toMatchObject({ operatorId: "operator-changed", roles: ["provisioner"], state: "invited" });
    expect(await auditOf(team, "operator.changed")).toContainEqual(
      expect.objectContaining({
        actor: "operator:operator-1",
        subject: "operator-changed",
        reason: "invited:provisioner",
      }),
    );
  });

  it("who was invited and suspended is invited again when reinstated: it has no passkey yet", async () => {
    const people = [owner, officer] as const;
    await perform(team, people, invitationCall("operator-waiting", ["auditor"]));
    const suspended = await perform(team, people, changeCall("operator-waiting", { state: "suspended" }));
    expect(suspended.body["state"]).toBe("suspended");
    const invite = await perform(team, people, invitationCall("operator-waiting", ["auditor"]));
    expect(invite.code).toBe("operator_not_active");
    const back = await perform(team, people, changeCall("operator-waiting", { state: "active" }));
    expect(back.body["state"]).toBe("invited");
  });

  it("other letters of an id are the same operator", async () => {
    const { body } = await perform(
      team,
      [owner, officer],
      changeCall("OPERATOR-2", { roles: ["securityOfficer", "auditor"] }),
    );
    expect(body).toMatchObject({ operatorId: "operator-2", roles: ["securityOfficer", "auditor"] });
  });

  it.each([
    { name: "nobody", id: "operator-nobody", change: { state: "suspended" }, status: 404, code: "not_found" },
    { name: "nothing", id: "operator-2", change: {}, status: 400, code: "request_invalid" },
  ])("a change of $name is refused, and the approval stays good", async ({ id, change, status, code }) => {
    const reply = await perform(team, [owner, officer], changeCall(id, change));
    expect([reply.status, reply.code]).toEqual([status, code]);
    const { body } = await as(team, owner, { method: "GET", path: `${base}/approvals` });
    expect((body["approvals"] as Record<string, unknown>[])[0]).toMatchObject({ state: "approved" });
  });

  it.each([
    { name: "no role", change: { roles: [] } },
    { name: "an unknown role", change: { roles: ["root"] } },
    { name: "the state invited", change: { state: "invited" } },
  ])("a change to $name is refused, and nobody is asked to approve it", async ({ change }) => {
    const approvals = async () => (await as(team, owner, { method: "GET", path: `${base}/approvals` })).body;
    const before = JSON.stringify(await approvals());
    const reply = await perform(team, [owner, officer], changeCall("operator-2", change));
    expect([reply.status, reply.code]).toEqual([400, "request_invalid"]);
    expect(JSON.stringify(await approvals())).toBe(before);
  });
});

describe("a fleet keeps an active owner", () => {
  let team: Team;
  let one: Person;
  let two: Person;
  let officer: Person;
  beforeEach(async () => {
    ({ team, owner: one, officer } = await openPair());
    two = await join(team, [one, officer], ["owner"], "operator-3");
    return () => team.close();
  });

  const owners = async (person: Person) =>
    (await operators(team, person)).filter(
      ({ roles, state }) => state === "active" && (roles as string[]).includes("owner"),
    );

  it.each([{ state: "suspended" }, { roles: ["auditor"] }])(
    "the last one cannot end its own office by %j",
    async (change) => {
      await perform(team, [one, officer], changeCall("operator-3", { state: "suspended" }));
      const { status, code } = await perform(team, [one, officer], changeCall("operator-1", change));
      expect([status, code]).toEqual([403, "access_denied"]);
    },
  );

  it("one of two may end its own", async () => {
    const { status } = await perform(team, [one, officer], changeCall("operator-1", { roles: ["auditor"] }));
    expect(status).toBe(200);
    expect(await owners(two)).toHaveLength(1);
  });

  it("two who demote each other at once leave one", async () => {
    for (let round = 0; round < 5; round += 1) {
      const first = changeCall("operator-3", { roles: ["securityOfficer"] });
      const second = changeCall("operator-1", { roles: ["securityOfficer"] });
      const [approvalOne, approvalTwo] = [
        await approved(team, [one, officer], first),
        await approved(team, [two, officer], second),
      ];
      const answers = await Promise.all([
        execute(team, one, first, approvalOne),
        execute(team, two, second, approvalTwo),
      ]);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      const refused = answers.find(({ status }) => status !== 200);
      expect(refused?.code).toBe("role_not_permitted");
      const left = await owners(officer);
      expect(left).toHaveLength(1);
      // Whoever is left makes the other an owner again.
      const [stays, other] =
        left[0]?.["operatorId"] === "operator-1" ? [one, "operator-3"] : [two, "operator-1"];
      const { status } = await perform(team, [stays, officer], changeCall(other, { roles: ["owner"] }));
      expect(status).toBe(200);
    }
  });

  it("also when both have passed the door and their approvals are redeemed", async () => {
    const ready = async (person: Person, operatorId: string) => {
      const change = { operatorId, roles: ["securityOfficer"] } as const;
      const { operatorId: _, ...body } = change;
      const call = changeCall(operatorId, body);
      const approvalId = await approved(team, [person, officer], call);
      const caller = await callerOf(team, person);
      const approval = await redeemApproval(team.app, {
        caller,
        critical: "roleChange",
        approvalId,
        operationDigest: operationDigest({
          fleet: testFleet,
          operation: "changeOperator",
          parameters: { operatorId },
          body,
        }),
      });
      return { caller, approval, change };
    };
    const [first, second] = [await ready(one, "operator-3"), await ready(two, "operator-1")];
    await changeOperator(team.app, first.caller, first.approval, first.change);
    expect(await codeOf(changeOperator(team.app, second.caller, second.approval, second.change))).toBe(
      "role_not_permitted",
    );
    expect(await owners(officer)).toEqual([expect.objectContaining({ operatorId: "operator-1" })]);
  });

  it("two who both step down at once leave one", async () => {
    const first = changeCall("operator-1", { roles: ["securityOfficer"] });
    const second = changeCall("operator-3", { roles: ["securityOfficer"] });
    const [approvalOne, approvalTwo] = [
      await approved(team, [one, officer], first),
      await approved(team, [two, officer], second),
    ];
    const answers = await Promise.all([
      execute(team, one, first, approvalOne),
      execute(team, two, second, approvalTwo),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
    expect(await owners(officer)).toHaveLength(1);
  });

  it("an owner who was suspended meanwhile executes nothing, though it was approved", async () => {
    const call = newCall();
    const approvalId = await approved(team, [two, officer], call);
    await perform(team, [one, officer], changeCall("operator-3", { state: "suspended" }));
    const { status, code } = await execute(team, two, call, approvalId);
    expect([status, code]).toEqual([403, "operator_not_active"]);
  });
});

describe("an operator's certificate at the door", () => {
  it("of a suspended operator is refused, and from before the suspension also when it is reinstated", async () => {
    const team = await openTeam();
    const owner = await firstOwner(team);
    const second = await join(team, [owner], ["owner"], "operator-2");
    const list = { method: "GET", path: `${base}/operators`, certificate: team.certificate } as const;
    expect((await team.send(list)).status).toBe(200);
    // From here on the fleet has two who approve.
    await perform(team, [second, owner], changeCall("operator-1", { state: "suspended" }));
    const { status, code } = await team.send(list);
    expect([status, code]).toEqual([403, "operator_not_active"]);
    team.clock.advance(1);
    await perform(team, [second], changeCall("operator-1", { state: "active" }));
    expect(await team.send(list)).toMatchObject({ status: 403, code: "operator_not_active" });
    const { certificate } = await operatorOf(team.app, testFleet);
    expect((await team.send({ ...list, certificate })).status).toBe(200);
    await team.close();
  });
});
