/**
 * Room: test. A fleet whose data were shredded: its record says so from the decision on, before any tombstone stands and
 * after all are lost in a restored store of keys; nothing is made and nothing opened any more, whatever wraps it.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDataKey, unwrapDataKey } from "../../core/protection/data-keys.ts";
import { decryptData } from "../../core/protection/decrypt.ts";
import { encryptData } from "../../core/protection/encrypt.ts";
import { createDataKeyPair } from "../../core/protection/key-pairs.ts";
import { readAsOperator, requestOperatorDecryption } from "../../core/protection/operator-decryption.ts";
import { reencryptData } from "../../core/protection/reencrypt.ts";
import { shredData } from "../../core/protection/shred.ts";
import { getSubjectKey } from "../../core/protection/subject-keys.ts";
import { fleetTombstoneKey } from "../../core/records/subject-key-record.ts";
import { codeOf } from "../support/errors.ts";
import {
  approvalOf,
  type DataWorld,
  dataCaller,
  encrypted,
  exported,
  fleet,
  observations,
  openDataWorld,
  operatorOf,
  otherFleet,
  outcomeOf,
} from "./data-world.ts";
import { auditOf, decisionOf } from "./keeping-world.ts";

const both = [
  ["under the subject's key", observations],
  ["under the fleet's key", exported],
] as const;

let world: DataWorld;
const before = new Map<
  string,
  { message: Buffer; wrapped: Awaited<ReturnType<typeof createDataKey>>["wrapped"] }
>();
let asked: string;

beforeAll(async () => {
  world = await openDataWorld();
  const { app } = world;
  const caller = await dataCaller(app);
  for (const [name, context] of both) {
    const message = await encrypted(app, context);
    const { wrapped } = await createDataKey(app, { caller, context, withPlaintext: false });
    before.set(name, { message, wrapped });
  }
  const [, context] = both[0];
  const { message } = before.get(both[0][0]) ?? expect.fail("no message");
  const wish = { caller: await operatorOf(app), context, message, reason: "why" };
  asked = (await requestOperatorDecryption(app, wish)).decryptionId;
  await shredData(app, await decisionOf(app, { scope: "fleet" }));
  // As a store of keys that was restored to before the decision.
  await app.subjectKeys.transact([{ delete: fleetTombstoneKey(fleet), when: "present" }]);
});
afterAll(() => world.close());

describe.each(both)("of data %s", (name, context) => {
  const old = () => before.get(name) ?? expect.fail("no message");

  it("nothing new is made, of old subjects and of new ones", async () => {
    const { app } = world;
    const caller = await dataCaller(app);
    for (const subject of [context.subject, "s-new"]) {
      const request = { caller, context: { ...context, subject } };
      const attempts = [
        () => createDataKey(app, { ...request, withPlaintext: true }),
        () => createDataKeyPair(app, { ...request, keyAlgorithm: "Ed25519" }),
        () => encryptData(app, { ...request, plaintext: Buffer.from("120 over 80") }),
        () => getSubjectKey(app, { caller, subject }),
      ];
      for (const attempt of attempts) expect(await codeOf(attempt())).toBe("subject_shredded");
    }
  });

  it("nothing is opened, in the one text that says nothing", async () => {
    const { app } = world;
    const request = { caller: await dataCaller(app), context };
    const { message, wrapped } = old();
    const readings = (await auditOf(app, "data.read")).length;
    expect(await outcomeOf(decryptData(app, { ...request, message }))).toBe("unreadable");
    expect(await outcomeOf(unwrapDataKey(app, { ...request, wrapped }))).toBe("unreadable");
    expect(await outcomeOf(reencryptData(app, { ...request, message }))).toBe("unreadable");
    expect(await auditOf(app, "data.read")).toHaveLength(readings);
  });
});

it("what an operator had asked to read is not read any more", async () => {
  const caller = await operatorOf(world.app);
  const approval = await approvalOf(world.app, caller, asked);
  const reading = readAsOperator(world.app, { caller, approval, decryptionId: asked });
  expect(await outcomeOf(reading)).toBe("unreadable");
});

it("another fleet's data are as they were", async () => {
  for (const [, context] of both) {
    const message = await encrypted(world.app, context, "98 bpm", otherFleet);
    const caller = await dataCaller(world.app, { name: otherFleet });
    const { plaintext } = await decryptData(world.app, { caller, context, message });
    expect(plaintext.toString()).toBe("98 bpm");
  }
});
