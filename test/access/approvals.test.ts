import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { approvalKey } from "../../core/records/approval-record.ts";
import { addFleet, testFleet } from "../support/fleet-app.ts";
import { newCall, openPair, type Pair } from "./pair.ts";
import {
  approve,
  as,
  auditOf,
  base,
  type CriticalCall,
  changeCall,
  execute,
  invitationCall,
  join,
  origin,
  type Person,
  perform,
  request,
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

describe("an approval", () => {
  it("is requested, approved by both, executed, and says so each time", async () => {
    const call = newCall();
    const first = await request(team, owner, call);
    const approvalId = String(first.body["approvalId"]);
    expect(first.headers["location"]).toBe(`${base}/approvals/${approvalId}`);
    expect(first.body).toMatchObject({
      operation: "inviteOperator",
      critical: "roleChange",
      parameters: {},
      body: call.body,
      state: "requested",
      persons: 2,
      requestedBy: "operator-1",
      approvedBy: [],
      relyingPartyId: "api.example.test",
      // Not the name that was called: operators' certificates have one of their own on AWS, without passkeys.
      url: `${origin}/passkeys#fleet=${testFleet}&approval=${approvalId}`,
    });
    expect((await approve(team, owner, approvalId)).body).toMatchObject({
      state: "requested",
      approvedBy: ["operator-1"],
    });
    expect((await approve(team, officer, approvalId)).body).toMatchObject({
      state: "approved",
      approvedBy: ["operator-1", "operator-2"],
    });
    expect((await execute(team, owner, call, approvalId)).status).toBe(201);
    const { body } = await approvalOf(approvalId);
    expect(body).toMatchObject({ state: "executed", persons: 2, approvedBy: ["operator-1", "operator-2"] });
    expect(await auditOf(team, "approval.executed")).toContainEqual(
      expect.objectContaining({ subject: approvalId, actor: "operator:operator-1" }),
    );
  });

  it("without one, or with an unknown one, nothing critical runs", async () => {
    const call = newCall();
    const without = await as(team, owner, call);
    expect([without.status, without.code]).toEqual([403, "approval_required"]);
    for (const id of ["0".repeat(32), "x", "../etc", "a".repeat(4_000)])
      expect((await execute(team, owner, call, id)).code).toBe("approval_required");
  });

  it("of another fleet is unknown here", async () => {
    await addFleet(team.app, "other");
    const approvalId = await asked(newCall());
    const item = await team.app.items.get(approvalKey(testFleet, approvalId));
    if (item === undefined) expect.fail("the approval is stored");
    const key = approvalKey("other", approvalId);
    await team.app.items.transact([{ put: { ...key, attributes: item.attributes }, when: "absent" }]);
    const foreign = "1".repeat(32);
    const moved = approvalKey("other", foreign);
    await team.app.items.transact([{ put: { ...moved, attributes: item.attributes }, when: "absent" }]);
    expect((await approvalOf(foreign)).status).toBe(404);
    expect((await execute(team, owner, newCall(), foreign)).code).toBe("approval_required");
  });

  it("lists the newest first", async () => {
    const first = await asked(newCall());
    team.clock.advance(5);
    const second = await asked(newCall());
    const { body } = await as(team, officer, { method: "GET", path: `${base}/approvals` });
    const ids = (body["approvals"] as { approvalId: string }[]).map(({ approvalId }) => approvalId);
    expect(ids.slice(0, 2)).toEqual([second, first]);
  });

  it("expires after a quarter of an hour", async () => {
    const call = newCall();
    const approvalId = await asked(call);
    team.clock.advance(900_000);
    expect((await approvalOf(approvalId)).body["state"]).toBe("expired");
    expect((await approve(team, owner, approvalId)).code).toBe("approval_stale");
    expect((await execute(team, owner, call, approvalId)).code).toBe("approval_stale");
  });

  it("an officer cannot ask for an owner's operation", async () => {
    const { status, code } = await request(team, officer, newCall());
    expect([status, code]).toEqual([403, "role_not_permitted"]);
  });

  it.each([
    {
      name: "parameters that the operation has not",
      body: { operation: "inviteOperator", parameters: { operatorId: "a" }, body: {} },
    },
    { name: "without the parameters that it has", body: { operation: "changeOperator", body: {} } },
    { name: "an operation that is not critical", body: { operation: "getFleet", body: {} } },
    { name: "an operation that is none", body: { operation: "__proto__", body: {} } },
    { name: "a body that is no object", body: { operation: "inviteOperator", body: [1] } },
  ])("with $name is refused", async ({ body }) => {
    const { status, code } = await as(team, owner, { path: `${base}/approvals`, body });
    expect([status, code]).toEqual([400, "request_invalid"]);
  });

  it("of more than 32 KiB nobody could read, and is refused", async () => {
    const body = { operation: "inviteOperator", body: { text: "x".repeat(33_000) } };
    const { status, code } = await as(team, owner, { path: `${base}/approvals`, body });
    expect([status, code]).toEqual([413, "request_too_large"]);
  });
});

describe("the very operation", () => {
  it.each([
    {
      name: "one character of the body",
      change: (call: CriticalCall) => ({
        ...call,
        body: { ...call.body, operatorId: `${call.body["operatorId"]}x` },
      }),
    },
    {
      name: "one more role",
      change: (call: CriticalCall) => ({ ...call, body: { ...call.body, roles: ["auditor", "owner"] } }),
    },
    {
      name: "a member more",
      change: (call: CriticalCall) => ({ ...call, body: { ...call.body, more: null } }),
    },
  ])("another in $name is not approved", async ({ change }) => {
    const call = newCall();
    const approvalId = await asked(call);
    await approve(team, owner, approvalId);
    await approve(team, officer, approvalId);
    const { status, code } = await execute(team, owner, change(call), approvalId);
    expect([status, code]).toEqual([403, "approval_mismatch"]);
    expect((await execute(team, owner, call, approvalId)).status).toBe(201);
  });

  it("another path parameter is not approved", async () => {
    const approvalId = await asked(changeCall("operator-2", { state: "suspended" }));
    await approve(team, owner, approvalId);
    await approve(team, officer, approvalId);
    const other = changeCall("operator-1", { state: "suspended" });
    expect((await execute(team, owner, other, approvalId)).code).toBe("approval_mismatch");
  });

  it("the order of members and white space change nothing", async () => {
    const call = newCall();
    const approvalId = await asked(call);
    await approve(team, owner, approvalId);
    await approve(team, officer, approvalId);
    const { operatorId, roles } = call.body;
    const turned = { ...call, body: { roles, operatorId } };
    expect((await execute(team, owner, turned, approvalId)).status).toBe(201);
  });

  it("who did not ask does not execute", async () => {
    const other = await join(team, [owner, officer], ["owner"], "operator-3");
    const call = newCall();
    const approvalId = await asked(call);
    await approve(team, owner, approvalId);
    await approve(team, other, approvalId);
    const { status, code } = await execute(team, other, call, approvalId);
    expect([status, code]).toEqual([403, "approval_mismatch"]);
  });
});

describe("execution", () => {
  it("of one approval by 50 calls at once happens once", async () => {
    const call = newCall();
    const approvalId = await asked(call);
    await approve(team, owner, approvalId);
    await approve(team, officer, approvalId);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => execute(team, owner, call, approvalId)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const others = answers.filter(({ status }) => status !== 201);
    expect(new Set(others.map(({ status, code }) => `${status} ${String(code)}`))).toEqual(
      new Set(["409 approval_spent"]),
    );
    const executed = (await auditOf(team, "approval.executed")).filter(
      ({ subject }) => subject === approvalId,
    );
    expect(executed).toHaveLength(1);
  });

  it("a second time is refused, and so is another assertion", async () => {
    const call = newCall();
    const approvalId = await asked(call);
    await approve(team, owner, approvalId);
    await approve(team, officer, approvalId);
    expect((await execute(team, owner, call, approvalId)).status).toBe(201);
    expect((await execute(team, owner, call, approvalId)).code).toBe("approval_spent");
    expect((await approve(team, officer, approvalId)).code).toBe("approval_spent");
  });

  it("does not count people who were suspended or lost their role since they approved", async () => {
    const third = await join(team, [owner, officer], ["securityOfficer"], "operator-3");
    const call = newCall();
    const approvalId = await asked(call);
    await approve(team, owner, approvalId);
    await approve(team, third, approvalId);
    await perform(team, [owner, officer], changeCall("operator-3", { state: "suspended" }));
    expect((await execute(team, owner, call, approvalId)).code).toBe("approval_incomplete");
    await perform(team, [owner, officer], changeCall("operator-3", { state: "active", roles: ["auditor"] }));
    expect((await execute(team, owner, call, approvalId)).code).toBe("approval_incomplete");
  });

  it("that the operation itself refuses leaves the approval good", async () => {
    const call = invitationCall("operator-2", ["owner"]);
    const approvalId = await asked(call);
    await approve(team, owner, approvalId);
    await approve(team, officer, approvalId);
    expect((await execute(team, owner, call, approvalId)).code).toBe("already_exists");
    expect((await approvalOf(approvalId)).body["state"]).toBe("approved");
  });
});

describe("a fleet with one operator", () => {
  it("one does for two, and the audit says so; with a second it no longer does", async () => {
    const entries = await auditOf(team, "approval.executed");
    expect(entries).toEqual([expect.objectContaining({ reason: "sole-operator" })]);
    const call = newCall();
    const approvalId = await asked(call);
    await approve(team, owner, approvalId);
    expect((await execute(team, owner, call, approvalId)).code).toBe("approval_incomplete");
  });

  it("asks that one for its assertion all the same", async () => {
    await perform(team, [owner, officer], changeCall("operator-2", { state: "suspended" }));
    const call = newCall();
    const approvalId = await asked(call);
    expect((await approvalOf(approvalId)).body["persons"]).toBe(1);
    expect((await execute(team, owner, call, approvalId)).code).toBe("approval_incomplete");
    await approve(team, owner, approvalId);
    expect((await execute(team, owner, call, approvalId)).status).toBe(201);
    expect((await approvalOf(approvalId)).body).toMatchObject({ state: "executed", persons: 1 });
  });
});
