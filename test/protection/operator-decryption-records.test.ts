/** Room: test. What operators asked to read, as it is kept: reasons sealed, lists without them; and deaths on the way. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import type { MessageCipher, Notice } from "../../core/ports.ts";
import {
  getOperatorDecryption,
  listOperatorDecryptions,
  type OperatorDecryptionView,
  readAsOperator,
  requestOperatorDecryption,
} from "../../core/protection/operator-decryption.ts";
import {
  operatorDecryptionItem,
  operatorDecryptionKey,
  operatorDecryptionPartition,
  operatorDecryptionRecord,
} from "../../core/records/operator-decryption-record.ts";
import { codeOf } from "../support/errors.ts";
import { faultyStore } from "../support/faulty-store.ts";
import {
  approvalOf,
  type DataWorld,
  encrypted,
  fleet,
  observations,
  openDataWorld,
  operatorOf,
} from "./data-world.ts";
import { auditOf, type KeepingApp } from "./keeping-world.ts";
import { atEveryCall, type Death } from "./mortal-keeping.ts";

const dose = "120 over 80";
const reason = "Jane Doe called: her pump shows another dose than her record";

let world: DataWorld;
let app: KeepingApp;
beforeEach(async () => {
  world = await openDataWorld();
  ({ app } = world);
});
afterEach(() => world.close());

async function ask(at: KeepingApp = app): Promise<OperatorDecryptionView> {
  const caller = await operatorOf(app);
  const message = await encrypted(app, observations, dose);
  return requestOperatorDecryption(at, { caller, context: observations, message, reason });
}

async function wishOf(decryptionId: string) {
  const caller = await operatorOf(app);
  return { caller, approval: await approvalOf(app, caller, decryptionId), decryptionId };
}

const eventsOf = (notices: readonly Notice[]) => notices.map(({ event }) => event);

describe("reasons", () => {
  async function recordOf(decryptionId: string) {
    const item = await app.items.get(operatorDecryptionKey(fleet, decryptionId));
    return item === undefined ? expect.fail("no record") : operatorDecryptionRecord(item);
  }

  it("are sealed: no record, notice, entry or line of the log has a word of one", async () => {
    const { decryptionId } = await ask();
    await readAsOperator(app, await wishOf(decryptionId));
    const { items } = await app.items.query({ pk: operatorDecryptionPartition(fleet), limit: 10 });
    const audits = await Promise.all(
      ["data.read-requested", "data.read-by-operator", "approval.requested", "approval.executed"].map(
        (action) => auditOf(app, action),
      ),
    );
    const octets = items.flatMap(({ attributes }) =>
      Object.values(attributes).map((value) =>
        value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value),
      ),
    );
    const all = [...octets, JSON.stringify([audits, world.notices, world.log])].join("\n");
    for (const word of ["Jane", "pump", Buffer.from(reason).toString("base64")])
      expect(all).not.toContain(word);
    expect((await getOperatorDecryption(app, { fleet, decryptionId })).reason).toBe(reason);
  });

  it("do not open in the place of another, and are absent there", async () => {
    const [first, second] = [await ask(), await ask()];
    const { sealedReason } = (await recordOf(first.decryptionId)).value;
    const { value, version } = await recordOf(second.decryptionId);
    await app.items.transact([{ put: operatorDecryptionItem({ ...value, sealedReason }), when: version }]);
    const view = await getOperatorDecryption(app, { fleet, decryptionId: second.decryptionId });
    expect(view).not.toHaveProperty("reason");
    const { decryptionId } = second;
    const fields = { fleet, decryptionId, code: "data_unreadable" };
    expect(world.log).toContainEqual({ level: "warn", event: "reason_not_opened", fields });
  });

  it("are absent when the fleet's keys are gone, and the record stays", async () => {
    const { decryptionId } = await ask();
    await app.wrappingKeys.scheduleDeletion(fleet, 7);
    const view = await getOperatorDecryption(app, { fleet, decryptionId });
    expect(view).toMatchObject({ decryptionId, state: "requested" });
    expect(view).not.toHaveProperty("reason");
    expect(await codeOf(ask())).toBe("key_disabled");
    expect(eventsOf(world.notices)).toEqual(["data.read-requested"]);
  });
});

it("wishes are listed the newest first, page by page, without reasons and messages", async () => {
  const ids: string[] = [];
  for (let index = 0; index < 5; index += 1) {
    ids.unshift((await ask()).decryptionId);
    world.clock.advance(1_000);
  }
  const listed: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listOperatorDecryptions(app, {
      fleet,
      limit: 2,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const view of page.operatorDecryptions) {
      expect(Object.keys(view).sort()).toEqual([
        "context",
        "decryptionId",
        "operatorId",
        "requestedAt",
        "state",
      ]);
      listed.push(view.decryptionId);
    }
    ({ cursor } = page);
  } while (cursor !== undefined);
  expect(listed).toEqual(ids);
});

describe("what was opened is overwritten when it is not shown:", () => {
  async function failing(at: KeepingApp, code: string) {
    const { decryptionId } = await ask();
    const opened: Buffer[] = [];
    const decrypt: MessageCipher["decrypt"] = async (...wish) => {
      const plaintext = await at.cipher.decrypt(...wish);
      opened.push(plaintext);
      return plaintext;
    };
    const wish = await wishOf(decryptionId);
    const spied = { ...at, cipher: { ...at.cipher, decrypt } };
    expect(await codeOf(readAsOperator(spied, wish))).toBe(code);
    expect(opened.map((each) => each.every((octet) => octet === 0))).toEqual([true]);
    expect(opened[0]).toHaveLength(dose.length);
    return wish;
  }

  it("the store takes no record; wish and approval are still good", async () => {
    const items = faultyStore(app.items, () => "unavailable");
    const wish = await failing({ ...app, items }, "store_unavailable");
    expect((await readAsOperator(app, wish)).plaintext.toString()).toBe(dose);
  });

  it("the answer of the store is lost; it counts as read", async () => {
    const items = faultyStore(app.items, () => "committedThenUnavailable");
    const wish = await failing({ ...app, items }, "store_unavailable");
    expect(await codeOf(readAsOperator(app, wish))).toBe("job_state_invalid");
  });

  it("nobody can be told; it counts as read", async () => {
    const notify = () => Promise.reject(new AppError("notifier_unavailable", "down", { retryAfter: 1 }));
    const wish = await failing({ ...app, notifier: { notify } }, "notifier_unavailable");
    expect(await codeOf(readAsOperator(app, wish))).toBe("job_state_invalid");
    expect(await auditOf(app, "data.read-by-operator")).toHaveLength(1);
  });

  it("nine of ten who come at once, by five approvals twice each", async () => {
    const { decryptionId } = await ask();
    const wishes = await Promise.all(Array.from({ length: 5 }, () => wishOf(decryptionId)));
    const outcomes = await Promise.allSettled(
      [...wishes, ...wishes].map((wish) => readAsOperator(app, wish)),
    );
    const refused = outcomes.flatMap((each) => (each.status === "rejected" ? [each.reason as AppError] : []));
    expect(refused).toHaveLength(9);
    for (const { code } of refused) expect(["job_state_invalid", "approval_spent"]).toContain(code);
    expect(await auditOf(app, "data.read-by-operator")).toHaveLength(1);
    expect(await auditOf(app, "approval.executed")).toHaveLength(1);
  });
});

const deaths: readonly Death[] = ["before the call", "before the answer"];

describe.each(deaths)("a process that dies %s", (death) => {
  it("over a wish: whatever is kept was told and is on record", async () => {
    const count = await atEveryCall(death, async (dying) => {
      const before = {
        told: world.notices.length,
        entries: (await auditOf(app, "data.read-requested")).length,
      };
      const kept = async () =>
        (await listOperatorDecryptions(app, { fleet, limit: 1_000 })).operatorDecryptions.length;
      const already = await kept();
      const caller = await operatorOf(app);
      const message = await encrypted(app, observations, dose);
      await dying(app, (mortal) =>
        requestOperatorDecryption(mortal, { caller, context: observations, message, reason }),
      );
      const added = (await kept()) - already;
      expect(world.notices.length - before.told).toBeGreaterThanOrEqual(added);
      expect((await auditOf(app, "data.read-requested")).length - before.entries).toBe(added);
    });
    expect(count).toBeGreaterThanOrEqual(2);
  });

  it("over a reading: whatever was shown is on record and told, and nothing is read twice", async () => {
    const count = await atEveryCall(death, async (dying) => {
      const { decryptionId } = await ask();
      const wish = await wishOf(decryptionId);
      let isShown = false;
      await dying(app, async (mortal) => {
        await readAsOperator(mortal, wish);
        isShown = true;
      });
      const told = world.notices.filter(
        ({ event, subject }) => event === "data.read-by-operator" && subject === decryptionId,
      );
      const entries = await auditOf(app, "data.read-by-operator");
      const { state } = await getOperatorDecryption(app, { fleet, decryptionId });
      expect(entries.filter(({ subject }) => subject === decryptionId)).toHaveLength(
        state === "read" ? 1 : 0,
      );
      if (isShown) expect([state, told.length]).toEqual(["read", 1]);
      const again = readAsOperator(app, wish);
      if (state === "requested") expect((await again).plaintext.toString()).toBe(dose);
      else expect(await codeOf(again)).toBe("job_state_invalid");
    });
    expect(count).toBeGreaterThanOrEqual(4);
  });
});
