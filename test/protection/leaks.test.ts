/**
 * Room: test. 45 CFR 164.312(a)(2)(iv): after all that backends and operators do with data, and two thousand attempts at
 * it, no key and no plaintext is in a file of the stores, an audit entry, a line of the log, a notice or an error; of
 * contexts the audit log says whose data it was and what for, and a log, a notice or an error says nothing.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { messageStructure } from "../../adapters/encryption/message-structure.ts";
import type { SoftwareWrappingKeys } from "../../adapters/local/software-wrapping-keys.ts";
import { openSqliteItemStore } from "../../adapters/local/sqlite-item-store.ts";
import { createDataKey, unwrapDataKey } from "../../core/protection/data-keys.ts";
import { decryptData } from "../../core/protection/decrypt.ts";
import { createDataKeyPair } from "../../core/protection/key-pairs.ts";
import { readAsOperator, requestOperatorDecryption } from "../../core/protection/operator-decryption.ts";
import { reencryptData } from "../../core/protection/reencrypt.ts";
import { getSubjectKey } from "../../core/protection/subject-keys.ts";
import { subjectKeyContext } from "../../core/records/subject-key-record.ts";
import { seededRandom } from "../formats/seeded-random.ts";
import {
  approvalOf,
  type DataWorld,
  dataCaller,
  encrypted,
  fleet,
  openDataWorld,
  operatorOf,
} from "./data-world.ts";
import { auditOf, storedKeys } from "./keeping-world.ts";

const attempts = 2_000;
const plaintext = "Jane Doe had a bolus of 4.2 units at noon, Ward 7";
const reason = "Jane Doe called the hotline about her pump";
/** In contexts: opaque, and still nobody's business but the audit log's. */
const subject = "subject-4f1c0a9b";
const record = "record-7e27d5583";
const contexts = ["observations", "exports"].map((purpose) => ({ purpose, subject, extra: { record } }));

const octetKeys = new Map<string, Buffer>();
const failures: unknown[] = [];
let directory: string;
let world: DataWorld;
let closeStores: () => Promise<void>;

/** All that may be asked for one context; each key that it makes is remembered. */
async function live(context: (typeof contexts)[number]): Promise<Buffer> {
  const { app } = world;
  const { purpose } = context;
  const caller = await dataCaller(app);
  const message = await encrypted(app, context, plaintext);
  await decryptData(app, { caller, context, message });
  const { dataKey: wrapped } = messageStructure(message);
  octetKeys.set(
    `data key of a message for ${purpose}`,
    (await unwrapDataKey(app, { caller, context, wrapped })).plaintext,
  );
  const made = await createDataKey(app, { caller, context, withPlaintext: true });
  octetKeys.set(`data key for ${purpose}`, made.plaintext ?? Buffer.alloc(0));
  const pair = await createDataKeyPair(app, { caller, context, keyAlgorithm: "Ed25519" });
  const opened = await decryptData(app, { caller, context, message: pair.wrappedPrivateKey });
  octetKeys.set(`private key for ${purpose}`, opened.plaintext.subarray(-32));
  const to = { ...context, extra: { record: `${record}-b` } };
  await reencryptData(app, { caller, context, message, to });
  const operator = await operatorOf(app);
  const wish = { caller: operator, context, message, reason };
  const { decryptionId } = await requestOperatorDecryption(app, wish);
  const approval = await approvalOf(app, operator, decryptionId);
  await readAsOperator(app, { caller: operator, approval, decryptionId });
  return message;
}

/** Attempts that fail, of every use case that opens something. */
async function attack(messages: readonly Buffer[]): Promise<void> {
  const random = seededRandom(0x5eed_1ea5);
  const { app } = world;
  const caller = await dataCaller(app);
  const operator = await operatorOf(app);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const index = random.below(messages.length);
    const [context, own] = [contexts[index], messages[index]];
    if (context === undefined || own === undefined) expect.fail("no message");
    const message = Buffer.from(own);
    const at = random.below(message.length);
    message.writeUInt8(message.readUInt8(at) ^ (1 << random.below(8)), at);
    const other = { ...context, subject: `${subject}-${attempt}` };
    const ways = [
      () => decryptData(app, { caller, context, message }),
      () => reencryptData(app, { caller, context, message }),
      () => decryptData(app, { caller, context: other, message: own }),
      () => decryptData(app, { caller: { ...caller, purposes: ["none"] }, context, message: own }),
      () => unwrapDataKey(app, { caller, context: other, wrapped: messageStructure(own).dataKey }),
      () => encrypted(app, { ...context, extra: { record: `${record} ${plaintext}` } }, plaintext),
      () => getSubjectKey(app, { caller, subject: `${subject} 1970-01-31` }),
      () => requestOperatorDecryption(app, { caller: operator, context: other, message: own, reason }),
      () =>
        requestOperatorDecryption(app, {
          caller: operator,
          context,
          message: own,
          reason: reason.repeat(20),
        }),
    ];
    const way = ways[attempt % ways.length] ?? expect.fail("no way");
    await way().then(
      () => expect.fail(`attempt ${attempt} was answered`),
      (failure: unknown) => failures.push(failure),
    );
  }
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "fleetkey-test-"));
  const [items, subjectKeys] = [
    await openSqliteItemStore({ path: join(directory, "items.sqlite") }),
    await openSqliteItemStore({ path: join(directory, "subject-keys.sqlite") }),
  ];
  closeStores = async () => {
    await Promise.all([items.close(), subjectKeys.close()]);
  };
  world = await openDataWorld({ items, subjectKeys });
  const { app } = world;
  const messages: Buffer[] = [];
  for (const context of contexts) messages.push(await live(context));
  await attack(messages);
  for (const key of await storedKeys(app))
    octetKeys.set(
      `subject key ${key.version} of ${key.subject}`,
      await app.wrappingKeys.unwrap(fleet, key, subjectKeyContext(key)),
    );
  const generation = await (app.wrappingKeys as SoftwareWrappingKeys).openGeneration(fleet);
  octetKeys.set("the fleet's key", generation.key);
}, 60_000);
afterAll(async () => {
  await world.close();
  await closeStores();
  await rm(directory, { recursive: true, force: true });
});

/** The databases with their journals, as octets; what was said, as texts. */
async function searched(): Promise<ReadonlyMap<string, Buffer>> {
  const files = (await readdir(directory)).filter((name) => name.includes("sqlite"));
  const octets = await Promise.all(
    files.map(async (name) => [name, await readFile(join(directory, name))] as const),
  );
  const said = (what: unknown) =>
    Buffer.from(inspect(what, { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null }));
  return new Map([
    ...octets,
    ["the log", said(world.log)],
    ["the notices", said(world.notices)],
    ["the errors", said(failures)],
  ]);
}

function formsOf(octets: Buffer): readonly Buffer[] {
  const [hex, inspected] = [octets.toString("hex"), inspect(octets).slice(8, -1)];
  const shifts = [0, 1, 2].map((shift) => {
    const part = octets.subarray(shift);
    return part.subarray(0, part.length - (part.length % 3)).toString("base64");
  });
  const texts = [hex, hex.toUpperCase(), octets.toString("base64url"), inspected, ...shifts];
  // Fewer octets stand in a file by chance.
  return [octets, ...texts.map((text) => Buffer.from(text))].filter((form) => form.length >= 8);
}

/** Where any form of any of `secrets` is. */
function found(places: ReadonlyMap<string, Buffer>, secrets: ReadonlyMap<string, Buffer>): readonly string[] {
  return [...places].flatMap(([place, octets]) =>
    [...secrets]
      .filter(([, secret]) => formsOf(secret).some((form) => octets.includes(form)))
      .map(([name]) => `${name} in ${place}`),
  );
}

describe(`after ${attempts.toLocaleString("en")} attempts`, () => {
  it("every one was refused, and the stores and the log have something to search", async () => {
    expect(failures).toHaveLength(attempts);
    const places = await searched();
    expect(places.size).toBeGreaterThanOrEqual(5);
    expect(octetKeys.size).toBe(8);
    for (const [name, key] of octetKeys) expect(key.length, name).toBe(32);
  });

  it("no data key, private key, subject key or fleet's key is anywhere", async () => {
    const places = await searched();
    expect(found(places, octetKeys)).toEqual([]);
    // The search can fail.
    const key = octetKeys.get("the fleet's key") ?? Buffer.alloc(0);
    for (const form of formsOf(key)) expect(found(new Map([["there", form]]), octetKeys)).toHaveLength(1);
  });

  it("no plaintext and no reason is anywhere, nor a part of one", async () => {
    const words = ["Jane Doe", "4.2 units", "at noon, Ward", "the hotline", plaintext, reason];
    const secrets = new Map(words.map((word) => [word, Buffer.from(word)]));
    expect(found(await searched(), secrets)).toEqual([]);
  });

  it("values of contexts are in no log, notice or error", async () => {
    const places = await searched();
    const said = new Map([...places].filter(([name]) => name.startsWith("the ")));
    expect(said.size).toBe(3);
    const values = new Map([subject, record].map((value) => [value, Buffer.from(value)]));
    expect(found(said, values)).toEqual([]);
  });

  it("the audit log names whose data and what for, and no other member", async () => {
    const actions = ["data.read", "data.moved", "subject-key.created"] as const;
    const entries = (await Promise.all(actions.map((action) => auditOf(world.app, action)))).flat();
    expect(entries.length).toBeGreaterThanOrEqual(7);
    for (const entry of entries) expect(entry["subject"]).toBe(subject);
    const others = ["data.read-requested", "data.read-by-operator", "approval.requested"] as const;
    const all = [...entries, ...(await Promise.all(others.map((each) => auditOf(world.app, each)))).flat()];
    expect(JSON.stringify(all)).not.toContain(record);
    expect(await auditOf(world.app, "data.read-by-operator")).toHaveLength(contexts.length);
  });
});
