/**
 * Room: test. An operator reads protected data in an emergency, over HTTP and with passkeys: asked for with a reason that
 * is kept sealed, told, approved by an assertion over that very reading, shown once.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { shards } from "../../core/records/shard.ts";
import { protectionStandard } from "../../core/standard/protection.ts";
import {
  encryptedData,
  operatorDecryption,
  operatorDecryptionPage,
  operatorReading,
} from "../../lambdas/http/protection-answers.ts";
import {
  approve,
  as,
  auditOf,
  type CriticalCall,
  execute,
  firstOwner,
  join,
  type Person,
  perform,
  type Reply,
  request,
} from "../access/team.ts";
import { testFleet as fleet } from "../support/fleet-app.ts";
import {
  base,
  base64,
  exported,
  observations,
  openProtectionHouse,
  type ProtectionHouse,
  post,
  shaped,
} from "./protection-house.ts";

const dose = "a bolus of 4.2 units at noon";
const reason = "Jane Doe called: her pump shows another dose than her record 🩺";
const path = `${base}/operator-decryptions`;

let house: ProtectionHouse;
let owner: Person;
let officer: Person;
let auditor: Person;
beforeAll(async () => {
  house = await openProtectionHouse();
  owner = await firstOwner(house);
  officer = await join(house, [owner], ["securityOfficer"]);
  auditor = await join(house, [owner, officer], ["auditor"]);
});
afterAll(() => house.close());

const whole = ({ status, headers, body }: Reply) => ({
  status,
  headers,
  json: body,
  text: JSON.stringify(body),
});

let message: string;
beforeEach(async () => {
  const body = { context: observations, plaintext: base64(dose) };
  const made = await post(house, { path: "encrypt", body, certificate: house.store });
  ({ message } = shaped(encryptedData, made));
});

const wish = (change: object = {}) => ({ context: observations, message, reason, ...change });
const ask = (person: Person, change: object = {}): Promise<Reply> =>
  as(house, person, { path, body: wish(change) });

async function asked(person = owner, change: object = {}): Promise<string> {
  return shaped(operatorDecryption, whole(await ask(person, change)), 201).decryptionId;
}

const reading = (decryptionId: string): CriticalCall => ({
  operation: "readAsOperator",
  path: `${path}/${decryptionId}/reading`,
  parameters: { decryptionId },
  body: {},
});

const shown = async (person: Person, decryptionId: string) =>
  whole(await as(house, person, { method: "GET", path: `${path}/${decryptionId}` }));

const noticesOf = (decryptionId: string) =>
  house.notices.filter(({ subject }) => subject === decryptionId).map(({ event }) => event);

describe.each([
  ["under the subject's key", observations],
  ["under the fleet's own key", exported],
])("a reading of what is %s", (_name, context) => {
  it("is asked for, told, approved, shown once, told again, and listed with its reason for the auditor", async () => {
    const body = { context, plaintext: base64(dose) };
    const made = shaped(
      encryptedData,
      await post(house, { path: "encrypt", body, certificate: house.store }),
    );
    const answer = whole(await ask(owner, { context, message: made.message }));
    const view = shaped(operatorDecryption, answer, 201);
    expect(answer.headers["location"]).toBe(`${path}/${view.decryptionId}`);
    expect(view).toMatchObject({ state: "requested", context: { fleet, ...context }, reason });
    expect(noticesOf(view.decryptionId)).toEqual(["data.read-requested"]);
    const read = whole(await perform(house, [owner], reading(view.decryptionId)));
    const { decryption, plaintext } = shaped(operatorReading, read);
    expect(Buffer.from(plaintext, "base64").toString()).toBe(dose);
    expect(decryption).toMatchObject({ state: "read", operatorId: owner.operatorId });
    expect(noticesOf(view.decryptionId)).toEqual(["data.read-requested", "data.read-by-operator"]);
    expect(house.notices.filter(({ subject }) => subject === view.decryptionId)).toMatchObject([
      { severity: "critical" },
      { severity: "critical" },
    ]);
    const later = shaped(operatorDecryption, await shown(auditor, view.decryptionId));
    expect(later).toEqual({ ...decryption, reason });
    const listed = whole(await as(house, auditor, { method: "GET", path, query: "limit=1" }));
    expect(shaped(operatorDecryptionPage, listed).operatorDecryptions).toEqual([decryption]);
    const again = await perform(house, [owner], reading(view.decryptionId));
    expect([again.status, again.code]).toEqual([409, "job_state_invalid"]);
  });
});

it("what was shown is overwritten when it has been answered", async () => {
  const id = await asked();
  const opened = vi.spyOn(house.app.cipher, "decrypt");
  const { plaintext } = shaped(operatorReading, whole(await perform(house, [owner], reading(id))));
  expect(plaintext).toBe(base64(dose));
  const octets = await Promise.all(opened.mock.results.map(({ value }) => value as Promise<Buffer>));
  opened.mockRestore();
  expect(octets.map((each) => each.toString("hex"))).toContain("00".repeat(dose.length));
  expect(octets.every((each) => each.every((octet) => octet === 0))).toBe(true);
});

describe("nothing is shown", () => {
  const refusal = async (call: Promise<Reply>): Promise<unknown> => {
    const { code, body } = await call;
    expect(JSON.stringify(body)).not.toContain(base64(dose));
    return code;
  };

  it("without an approval", async () => {
    const id = await asked();
    const call = { path: `${path}/${id}/reading`, body: {} };
    expect(await refusal(as(house, owner, call))).toBe("approval_required");
  });

  it("without an assertion of who asked", async () => {
    const call = reading(await asked());
    const approval = await request(house, owner, call);
    const approvalId = String(approval.body["approvalId"]);
    expect(await refusal(execute(house, owner, call, approvalId))).toBe("approval_incomplete");
    await approve(house, officer, approvalId);
    expect(await refusal(execute(house, owner, call, approvalId))).toBe("approval_incomplete");
  });

  it("by an approval for another reading, and that one is still good", async () => {
    const [first, second] = [await asked(), await asked()];
    const approval = await request(house, owner, reading(first));
    const approvalId = String(approval.body["approvalId"]);
    await approve(house, owner, approvalId);
    expect(await refusal(execute(house, owner, reading(second), approvalId))).toBe("approval_mismatch");
    expect((await execute(house, owner, reading(first), approvalId)).status).toBe(200);
    expect(await refusal(execute(house, owner, reading(first), approvalId))).toBe("approval_spent");
  });

  it("to another operator, with an approval of its own", async () => {
    const call = reading(await asked());
    expect(await refusal(perform(house, [officer], call))).toBe("access_denied");
  });

  it("to an auditor, who may see that it was read", async () => {
    expect(await refusal(ask(auditor))).toBe("role_not_permitted");
    expect(await refusal(perform(house, [auditor], reading(await asked())))).toBe("role_not_permitted");
  });

  it("with a body that was not approved", async () => {
    const call = reading(await asked());
    const approval = await request(house, owner, call);
    const approvalId = String(approval.body["approvalId"]);
    await approve(house, owner, approvalId);
    const other = { ...call, body: { more: 1 } };
    expect(await refusal(execute(house, owner, other, approvalId))).toBe("approval_mismatch");
  });

  it.each(["0".repeat(32), "f".repeat(32), "none", "..", "__proto__"])("of the id %s", async (id) => {
    const { status } = await perform(house, [owner], reading(id));
    expect(status).toBeGreaterThanOrEqual(400);
  });
});

describe("a wish is refused", () => {
  const refused = async (change: object): Promise<[number, unknown, string]> => {
    const before = house.notices.length;
    const { status, code, body } = await ask(owner, change);
    expect(house.notices).toHaveLength(before);
    return [status, code, JSON.stringify(body)];
  };

  it.each([
    ["no reason", ""],
    ["a reason of blanks", " \n\t "],
    ["a reason of 501 characters", "r".repeat(protectionStandard.reasonCharacters + 1)],
    ["a number", 7],
    ["none", null],
    ["a list", ["why"]],
  ])("with %s", async (_name, given) => {
    const [status, code, text] = await refused({ reason: given });
    expect([status, code]).toEqual([400, "request_invalid"]);
    expect(text).toContain("500");
  });

  it("45 CFR 164.312(b): characters are counted as people count them, not as UTF-16 does", async () => {
    const long = "🩺".repeat(protectionStandard.reasonCharacters);
    const id = await asked(owner, { reason: long });
    expect(shaped(operatorDecryption, await shown(owner, id)).reason).toBe(long);
    expect((await refused({ reason: `${long}.` })).slice(0, 2)).toEqual([400, "request_invalid"]);
  });

  it("with a message of one octet too many", async () => {
    const sent = base64(Buffer.alloc(protectionStandard.operatorMessageBytes + 1));
    const [status, , text] = await refused({ message: sent });
    expect([400, 413]).toContain(status);
    expect(text.replaceAll(",", "")).toContain("32000");
  });

  it("with a message of another context, or none", async () => {
    const other = { context: { ...observations, subject: "s-another" } };
    expect((await refused(other)).slice(0, 2)).toEqual([422, "data_unreadable"]);
    expect((await refused({ message: "" })).slice(0, 2)).toEqual([422, "data_unreadable"]);
    const own = { context: { purpose: "fleetkey-operator-decryption", subject: "s-1" } };
    expect((await refused(own)).slice(0, 2)).toEqual([400, "request_invalid"]);
  });

  it("with a member that is not known, and repeats no name of it", async () => {
    const [status, , text] = await refused({ [reason]: reason });
    expect(status).toBe(400);
    expect(text).not.toContain("Jane");
  });
});

it("the reason and the data are in no notice, no audit entry, no approval, no log, and in no record in the clear", async () => {
  const day = new Date(house.clock.now()).toISOString().slice(0, 10);
  const partitions = [
    `OPERATORDECRYPTION#${fleet}`,
    `APPROVAL#${fleet}`,
    ...shards.map((shard) => `AUDIT#${fleet}#${day}#${shard}`),
  ];
  const pages = await Promise.all(partitions.map((pk) => house.app.items.query({ pk, limit: 1_000 })));
  const items = pages.flatMap((page) => page.items);
  expect(items.some(({ pk }) => pk.startsWith("OPERATOR"))).toBe(true);
  const octets = items.flatMap(({ attributes }) =>
    Object.values(attributes).map((value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : JSON.stringify(value),
    ),
  );
  const all = [...octets, JSON.stringify(house.log), JSON.stringify(house.notices)].join("\n");
  for (const secret of ["Jane Doe", "4.2 units", base64("Jane Doe").slice(0, 8), base64(dose)])
    expect(all).not.toContain(secret);
  expect((await auditOf(house, "data.read-by-operator")).length).toBeGreaterThan(1);
});
