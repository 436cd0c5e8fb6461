/** Room: test. An approval is kept for good, and holds what the operation would take and nothing else. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { approvalPartition } from "../../core/records/approval-record.ts";
import { canaries } from "../../scripts/secrets/canaries.ts";
import { testFleet } from "../support/fleet-app.ts";
import { openPair, type Pair } from "./pair.ts";
import { as, base } from "./team.ts";

let pair: Pair;
beforeAll(async () => {
  pair = await openPair();
});
afterAll(() => pair.team.close());

const [person = "", email = "", ssn = ""] = canaries;
const rolloverId = "0".repeat(32);
const decryptionId = "0".repeat(32);

/** 45 CFR 164.502(b): what nobody needs is not kept. */
const refused: readonly { readonly name: string; readonly body: Readonly<Record<string, unknown>> }[] = [
  {
    name: "a member in words of one's own",
    body: {
      operation: "shredData",
      body: { scope: "subject", subject: "s-1", reason: "incident", note: person },
    },
  },
  {
    name: "a reason that is no word of ours",
    body: { operation: "shredData", body: { scope: "subject", subject: "s-1", reason: `${person} asked` } },
  },
  {
    name: "a subject that is shaped like a social security number",
    body: { operation: "shredData", body: { scope: "subject", subject: ssn, reason: "incident" } },
  },
  {
    name: "a subject that is a person's name, which no subject may be",
    body: { operation: "shredData", body: { scope: "subject", subject: person, reason: "incident" } },
  },
  {
    name: "a subject for a whole fleet, which the operation would refuse",
    body: { operation: "shredData", body: { scope: "fleet", subject: "s-1", reason: "incident" } },
  },
  {
    name: "no subject for the destruction of one",
    body: { operation: "shredData", body: { scope: "subject", reason: "incident" } },
  },
  {
    name: "an operator that is shaped like an address",
    body: { operation: "inviteOperator", body: { operatorId: email, roles: ["auditor"] } },
  },
  {
    name: "an operator that is shaped like a number",
    body: { operation: "inviteOperator", body: { operatorId: ssn, roles: ["auditor"] } },
  },
  {
    name: "a text beside a reading",
    body: { operation: "readAsOperator", parameters: { decryptionId }, body: { why: person } },
  },
  {
    name: "a text beside a rollover",
    body: { operation: "advanceRollover", parameters: { rolloverId }, body: { from: "active", why: person } },
  },
  {
    name: "a state in words of one's own",
    body: { operation: "setFleetState", body: { state: person } },
  },
  {
    name: "a configuration with somebody's name for a member",
    body: { operation: "configureFleet", body: { accepts: [], [person]: email } },
  },
];

describe("an approval is not asked for", () => {
  it.each(refused)("with $name, and nothing of it is answered or kept", async ({ body }) => {
    const { team, owner } = pair;
    const reply = await as(team, owner, { path: `${base}/approvals`, body });
    expect([400, 422]).toContain(reply.status);
    expect(["request_invalid", "name_not_permitted"]).toContain(reply.code);
    const { items } = await team.app.items.query({ pk: approvalPartition(testFleet), limit: 1_000 });
    const kept = JSON.stringify([reply.body, items.map(({ attributes }) => attributes)]);
    expect(canaries.filter((text) => kept.includes(text))).toEqual([]);
  });
});
