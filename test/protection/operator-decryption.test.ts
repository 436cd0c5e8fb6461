/**
 * Room: test. Break-glass: an operator reads one message, once, with a second factor, a reason, and others who hear of it
 * before anything is shown (45 CFR 164.312(a)(2)(ii), emergency access).
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OperatorCaller } from "../../core/access/caller.ts";
import { AppError } from "../../core/errors.ts";
import type { ContextRequest } from "../../core/policy/encryption-context.ts";
import {
  getOperatorDecryption,
  listOperatorDecryptions,
  readAsOperator,
  requestOperatorDecryption,
} from "../../core/protection/operator-decryption.ts";
import {
  operatorDecryptionKey,
  operatorDecryptionRecord,
} from "../../core/records/operator-decryption-record.ts";
import { subjectTombstoneKey, tombstoneItem } from "../../core/records/subject-key-record.ts";
import { accessPeriods } from "../../core/standard/access.ts";
import { protectionStandard } from "../../core/standard/protection.ts";
import {
  approvalOf,
  type DataWorld,
  encrypted,
  exported,
  fleet,
  observations,
  openDataWorld,
  operatorOf,
  otherFleet,
  outcomeOf,
} from "./data-world.ts";
import { auditOf, type KeepingApp } from "./keeping-world.ts";

const reason = "Jane Doe, born 1970-01-31, is unconscious in bed 7; her doctor asks for the last dose";
const { operatorMessageBytes, reasonCharacters } = protectionStandard;

let world: DataWorld;
let app: KeepingApp;
let caller: OperatorCaller;
beforeEach(async () => {
  world = await openDataWorld();
  ({ app } = world);
  caller = await operatorOf(app);
});
afterEach(() => world.close());

async function wish(context: ContextRequest = observations, on = app, by = caller) {
  return await requestOperatorDecryption(on, {
    caller: by,
    context,
    message: await encrypted(app, context),
    reason,
  });
}

async function read(decryptionId: string, by = caller, on = app) {
  const approval = await approvalOf(app, by, decryptionId);
  return await readAsOperator(on, { caller: by, approval, decryptionId });
}

const events = () => world.notices.map(({ event, severity, subject }) => `${severity} ${event} ${subject}`);

async function recordOf(decryptionId: string) {
  const item = await app.items.get(operatorDecryptionKey(fleet, decryptionId));
  return item === undefined ? undefined : operatorDecryptionRecord(item).value;
}

describe("a reading", () => {
  it.each([
    ["under the subject's key", observations],
    ["under the fleet's key", exported],
  ])("%s: asked for, told, approved, on record, told again, shown", async (_name, context) => {
    const asked = await wish(context);
    const { decryptionId } = asked;
    expect(asked).toMatchObject({ state: "requested", operatorId: "owner-1", reason });
    expect(asked.context).toEqual({ fleet, ...context });
    expect(events()).toEqual([`critical data.read-requested ${decryptionId}`]);
    const { decryption, plaintext } = await read(decryptionId);
    expect(plaintext.toString()).toBe("120 over 80");
    expect(decryption).toMatchObject({ decryptionId, state: "read", operatorId: "owner-1" });
    expect(events()[1]).toBe(`critical data.read-by-operator ${decryptionId}`);
    for (const action of ["data.read-requested", "data.read-by-operator"])
      expect(await auditOf(app, action)).toMatchObject([
        { fleet, actor: "operator:owner-1", subject: decryptionId, result: "success" },
      ]);
    const view = await getOperatorDecryption(app, { fleet, decryptionId });
    expect(view).toEqual({ ...decryption, reason });
    expect(view.approvalId).toMatch(/^[0-9a-f]{32}$/);
    // It is no reading by a backend.
    expect(await auditOf(app, "data.read")).toEqual([]);
  });

  it("is of one message, once", async () => {
    const { decryptionId } = await wish();
    await read(decryptionId);
    expect(await outcomeOf(read(decryptionId))).toBe("job_state_invalid");
    expect(events()).toHaveLength(2);
  });

  it("of what does not open is refused, and its approval is still good", async () => {
    const message = await encrypted(app, observations);
    message.writeUInt8(message.readUInt8(message.length - 1) ^ 1, message.length - 1);
    const { decryptionId } = await requestOperatorDecryption(app, {
      caller,
      context: observations,
      message,
      reason,
    });
    const approval = await approvalOf(app, caller, decryptionId);
    const request = { caller, approval, decryptionId };
    expect(await outcomeOf(readAsOperator(app, request))).toBe("unreadable");
    expect(await outcomeOf(readAsOperator(app, request))).toBe("unreadable");
    expect((await recordOf(decryptionId))?.state).toBe("requested");
    expect(events()).toHaveLength(1);
  });

  it("of a shredded subject is refused", async () => {
    const { decryptionId } = await wish();
    const put = tombstoneItem(subjectTombstoneKey(fleet, "s-1"), "shred-1", 1);
    await app.subjectKeys.transact([{ put, when: "absent" }]);
    expect(await outcomeOf(read(decryptionId))).toBe("unreadable");
  });
});

describe("who may read", () => {
  it("is who asked: another operator's approval opens nothing", async () => {
    const { decryptionId } = await wish();
    const other = await operatorOf(app, "owner-2");
    expect(await outcomeOf(read(decryptionId, other))).toBe("access_denied");
    expect(events()).toHaveLength(1);
  });

  it("is in the fleet: another fleet's operator finds nothing, not even the record", async () => {
    const { decryptionId } = await wish();
    const stranger = await operatorOf(app, "owner-1", otherFleet);
    expect(await outcomeOf(read(decryptionId, stranger))).toBe("not_found");
    const request = { fleet: otherFleet, decryptionId };
    expect(await outcomeOf(getOperatorDecryption(app, request))).toBe("not_found");
    expect(await listOperatorDecryptions(app, { fleet: otherFleet, limit: 10 })).toEqual({
      operatorDecryptions: [],
    });
  });

  it("has an approval for reading, and for nothing else", async () => {
    const { decryptionId } = await wish();
    const approval = await approvalOf(app, caller, decryptionId, "dataDestruction");
    const attempt = readAsOperator(app, { caller, approval, decryptionId });
    expect(await outcomeOf(attempt)).toBe("approval_mismatch");
  });

  it(`reads within ${accessPeriods.approval.seconds} s of asking`, async () => {
    const { decryptionId } = await wish();
    world.clock.advance(accessPeriods.approval.seconds * 1000);
    await expect(read(decryptionId)).rejects.toMatchObject({
      code: "job_state_invalid",
      message: expect.stringContaining("ask again"),
    });
  });

  it.each(["", "0", "../x", "A".repeat(32), "0".repeat(32)])(
    "finds nothing under the id %j",
    async (decryptionId) => {
      expect(await outcomeOf(getOperatorDecryption(app, { fleet, decryptionId }))).toBe("not_found");
    },
  );
});

describe("what may be asked", () => {
  async function refusal(change: {
    readonly reason?: string;
    readonly message?: Buffer;
    readonly context?: ContextRequest;
  }) {
    const message = await encrypted(app, observations);
    const request = { caller, context: observations, message, reason, ...change };
    const outcome = await outcomeOf(requestOperatorDecryption(app, request));
    expect(await listOperatorDecryptions(app, { fleet, limit: 10 })).toEqual({ operatorDecryptions: [] });
    expect(events()).toEqual([]);
    return outcome;
  }

  it.each([
    ["no reason", { reason: "" }, "request_invalid"],
    ["a reason of spaces", { reason: "  \n " }, "request_invalid"],
    ["a reason too long", { reason: "x".repeat(reasonCharacters + 1) }, "request_invalid"],
    ["a message too long", { message: Buffer.alloc(operatorMessageBytes + 1) }, "request_too_large"],
    ["no message", { message: Buffer.alloc(0) }, "unreadable"],
    ["another context", { context: { purpose: "observations", subject: "s-2" } }, "unreadable"],
    ["a member more", { context: { ...observations, extra: { record: "r-1" } } }, "unreadable"],
    ["a person's name", { context: { purpose: "observations", subject: "Jane Doe" } }, "request_invalid"],
    [
      "the service's own texts",
      { context: { purpose: "fleetkey-operator-decryption", subject: "s-1" } },
      "request_invalid",
    ],
  ])("%s: refused, nobody is told, nothing is kept", async (_name, change, code) => {
    expect(await refusal(change)).toBe(code);
  });

  it("a reason of the longest, in any script, comes back whole", async () => {
    const words = "💉".repeat(reasonCharacters);
    const message = await encrypted(app, observations);
    const asked = await requestOperatorDecryption(app, {
      caller,
      context: observations,
      message,
      reason: words,
    });
    expect((await getOperatorDecryption(app, { fleet, decryptionId: asked.decryptionId })).reason).toBe(
      words,
    );
  });
});

describe("others who are to hear of it", () => {
  const deaf = (): KeepingApp => ({
    ...app,
    notifier: { notify: () => Promise.reject(new AppError("notifier_unavailable", "nobody is reached")) },
  });

  it("and cannot be reached: nothing is asked", async () => {
    expect(await outcomeOf(wish(observations, deaf()))).toBe("notifier_unavailable");
    expect(await listOperatorDecryptions(app, { fleet, limit: 10 })).toEqual({ operatorDecryptions: [] });
  });

  it("and cannot be reached: nothing is shown, and the reading is on record as done", async () => {
    const { decryptionId } = await wish();
    expect(await outcomeOf(read(decryptionId, caller, deaf()))).toBe("notifier_unavailable");
    expect(await auditOf(app, "data.read-by-operator")).toHaveLength(1);
    expect(await outcomeOf(read(decryptionId))).toBe("job_state_invalid");
  });
});

describe("readers at once", () => {
  it("with one approval: one reads", async () => {
    const { decryptionId } = await wish();
    const approval = await approvalOf(app, caller, decryptionId);
    const all = Array.from({ length: 5 }, () => readAsOperator(app, { caller, approval, decryptionId }));
    const outcomes = await Promise.all(all.map(outcomeOf));
    expect(outcomes.filter((outcome) => outcome === "an answer")).toHaveLength(1);
    expect(await auditOf(app, "data.read-by-operator")).toHaveLength(1);
    expect(events().filter((event) => event.includes("read-by-operator"))).toHaveLength(1);
  });

  it("with two approvals: one reads, and the other approval is still good", async () => {
    const { decryptionId } = await wish();
    const approvals = [
      await approvalOf(app, caller, decryptionId),
      await approvalOf(app, caller, decryptionId),
    ];
    const all = approvals.map((approval) => readAsOperator(app, { caller, approval, decryptionId }));
    expect((await Promise.all(all.map(outcomeOf))).sort()).toEqual(["an answer", "job_state_invalid"]);
    expect(await auditOf(app, "data.read-by-operator")).toHaveLength(1);
    expect(await auditOf(app, "approval.executed")).toHaveLength(1);
  });
});

describe("the list", () => {
  it.each([
    [{ limit: 0 }, "request_invalid"],
    [{ limit: 1001 }, "request_invalid"],
    [{ limit: 10, cursor: "nonsense" }, "cursor_invalid"],
  ])("%j is refused", async (page, code) => {
    expect(await outcomeOf(listOperatorDecryptions(app, { fleet, ...page }))).toBe(code);
  });
});
