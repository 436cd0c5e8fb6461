/**
 * Room: test. A key service, a store or a notifier that fails: a clear error each, nothing half written, and no word of
 * plaintexts, keys or contexts in what is thrown, logged or told.
 */
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { AppError, isAppError } from "../../core/errors.ts";
import type { ContextRequest } from "../../core/policy/encryption-context.ts";
import type { ItemStore } from "../../core/ports.ts";
import { createDataKey, unwrapDataKey } from "../../core/protection/data-keys.ts";
import { decryptData } from "../../core/protection/decrypt.ts";
import { encryptData } from "../../core/protection/encrypt.ts";
import { createDataKeyPair } from "../../core/protection/key-pairs.ts";
import { requestOperatorDecryption } from "../../core/protection/operator-decryption.ts";
import { reencryptData } from "../../core/protection/reencrypt.ts";
import { getSubjectKey } from "../../core/protection/subject-keys.ts";
import { subjectKeyContext } from "../../core/records/subject-key-record.ts";
import { dataCaller, encrypted, fleet, openFaultyWorld, operatorOf } from "./data-world.ts";
import { auditOf, type KeepingApp, type KeepingWorld, storedKeys } from "./keeping-world.ts";

const secret = "plaintext-of-7f3a91";
const reason = "reason-of-7f3a91";
const marks = { purpose: "purpose-mark", subject: "subject-mark", extra: { record: "record-mark" } };
const exported: ContextRequest = { ...marks, purpose: "exports" };

interface Prepared extends KeepingWorld {
  readonly context: ContextRequest;
  readonly message: Buffer;
  readonly wrapped: Awaited<ReturnType<typeof createDataKey>>["wrapped"];
  /** Whatever nobody may be told. */
  readonly secrets: readonly (string | Buffer)[];
}

async function prepare(context: ContextRequest): Promise<Prepared> {
  const world = await openFaultyWorld();
  const { app } = world;
  const message = await encrypted(app, context, secret);
  const caller = await dataCaller(app);
  const { wrapped, plaintext } = await createDataKey(app, { caller, context, withPlaintext: true });
  const keys = (await storedKeys(app)).map((key) =>
    app.wrappingKeys.unwrap(fleet, key, subjectKeyContext(key)),
  );
  const words = [secret, reason, marks.subject, marks.extra.record, context.purpose];
  return {
    ...world,
    context,
    message,
    wrapped,
    secrets: [...words, ...(plaintext === undefined ? [] : [plaintext]), ...(await Promise.all(keys))],
  };
}

/** A process that has no key in its memory. */
const fresh = (app: KeepingApp): KeepingApp => ({
  ...app,
  wrappingKeys: Object.create(app.wrappingKeys) as never,
});

/** All that a caller may ask for, of data that are there. */
const operations: Readonly<Record<string, (app: KeepingApp, data: Prepared) => Promise<unknown>>> = {
  createDataKey: async (app, { context }) =>
    createDataKey(app, { caller: await dataCaller(app), context, withPlaintext: true }),
  unwrapDataKey: async (app, { context, wrapped }) =>
    unwrapDataKey(app, { caller: await dataCaller(app), context, wrapped }),
  createDataKeyPair: async (app, { context }) =>
    createDataKeyPair(app, { caller: await dataCaller(app), context, keyAlgorithm: "Ed25519" }),
  encryptData: async (app, { context }) =>
    encryptData(app, { caller: await dataCaller(app), context, plaintext: Buffer.from(secret) }),
  decryptData: async (app, { context, message }) =>
    decryptData(app, { caller: await dataCaller(app), context, message }),
  reencryptData: async (app, { context, message }) =>
    reencryptData(app, {
      caller: await dataCaller(app),
      context,
      message,
      to: { ...context, extra: { record: "record-mark-2" } },
    }),
  requestOperatorDecryption: async (app, { context, message }) =>
    requestOperatorDecryption(app, { caller: await operatorOf(app), context, message, reason }),
};

const forms = (mark: string | Buffer): readonly string[] =>
  typeof mark === "string"
    ? [mark, Buffer.from(mark).toString("hex"), Buffer.from(mark).toString("base64").replace(/=+$/, "")]
    : [
        mark.toString("hex"),
        mark.toString("base64").replace(/=+$/, ""),
        mark.toString("latin1"),
        inspect(mark),
      ];

/** What of `secrets` is said in any of `words`, however deep. */
function said(words: readonly unknown[], secrets: readonly (string | Buffer)[]): readonly string[] {
  const text = words
    .map((word) => inspect(word, { depth: 12, showHidden: true, maxStringLength: null }))
    .join("\n");
  return secrets.flatMap(forms).filter((form) => text.includes(form));
}

async function failureOf(attempt: Promise<unknown>): Promise<unknown> {
  try {
    await attempt;
  } catch (failure) {
    return failure;
  }
  return undefined;
}

const storeThat = (store: ItemStore, failure: AppError): ItemStore => ({
  get: (key) => store.get(key),
  query: (query) => store.query(query),
  transact: () => Promise.reject(failure),
});

const failures = [
  new AppError("key_service_unavailable", "the key service is throttled; repeat this", { retryAfter: 2 }),
  new AppError("key_disabled", "the wrapping key is disabled; enable it at the key service"),
  new AppError("key_disabled", "the wrapping key is to be destroyed; cancel that at the key service"),
];

describe.each([
  ["under subject keys", marks],
  ["under the fleet's key", exported],
] as const)("data %s", (_name, context) => {
  it.each(Object.keys(operations))(
    "%s: a failure of the key service passes as it is, and nothing is written",
    async (name) => {
      const world = await prepare(context);
      for (const failure of failures) {
        world.keys.fault = () => failure;
        const [keys, notices] = [await storedKeys(world.app), world.notices.length];
        const before = (await auditOf(world.app, "data.read")).length;
        const thrown = await failureOf(operations[name]?.(fresh(world.app), world) ?? Promise.resolve());
        expect(thrown).toBe(failure);
        expect(said([thrown, world.log, world.notices], world.secrets)).toEqual([]);
        expect(await storedKeys(world.app)).toEqual(keys);
        expect(await auditOf(world.app, "data.read")).toHaveLength(before);
        expect(await auditOf(world.app, "data.moved")).toEqual([]);
        expect(world.notices).toHaveLength(notices);
      }
      world.keys.fault = () => undefined;
      expect(
        await failureOf(operations[name]?.(fresh(world.app), world) ?? Promise.resolve()),
      ).toBeUndefined();
    },
  );

  it.each(["unwrapDataKey", "decryptData", "reencryptData", "requestOperatorDecryption"])(
    "%s: where it cannot be put on record, nothing is given",
    async (name) => {
      const world = await prepare(context);
      const failure = new AppError("store_unavailable", "the store does not answer; repeat this", {
        retryAfter: 1,
      });
      const app = { ...world.app, items: storeThat(world.app.items, failure) };
      const thrown = await failureOf(operations[name]?.(app, world) ?? Promise.resolve());
      expect(thrown).toBe(failure);
      expect(said([thrown, world.log, world.notices], world.secrets)).toEqual([]);
    },
  );

  it("whatever is refused, logged or told repeats no plaintext, key or context value", async () => {
    const world = await prepare(context);
    const { app } = world;
    const caller = await dataCaller(app);
    const changed = Buffer.from(world.message);
    changed.writeUInt8(changed.readUInt8(60) ^ 1, 60);
    const wrongs: readonly Promise<unknown>[] = [
      decryptData(app, { caller, context, message: changed }),
      decryptData(app, {
        caller,
        context: { ...context, subject: "subject-mark-2" },
        message: world.message,
      }),
      decryptData(app, { caller, context, message: Buffer.from(secret) }),
      decryptData(app, { caller: { ...caller, purposes: [] }, context, message: world.message }),
      encryptData(app, {
        caller,
        context: { ...context, subject: "subject-mark 1970-01-31" },
        plaintext: changed,
      }),
      encryptData(app, {
        caller,
        context: { ...context, extra: { record: "record-mark@x.y" } },
        plaintext: changed,
      }),
      encryptData(app, { caller, context: { ...context, purpose: "Purpose-mark" }, plaintext: changed }),
      getSubjectKey(app, { caller, subject: "subject-mark " }),
      requestOperatorDecryption(app, {
        caller: await operatorOf(app),
        context,
        message: changed.subarray(0, 30),
        reason,
      }),
      requestOperatorDecryption(app, {
        caller: await operatorOf(app),
        context,
        message: world.message,
        reason: reason.repeat(40),
      }),
    ];
    const thrown = await Promise.all(wrongs.map(failureOf));
    expect(thrown.every((failure) => isAppError(failure))).toBe(true);
    const done = Object.values(operations).map((operation) => operation(app, world));
    await Promise.all(done);
    expect(said([thrown, world.log, world.notices], world.secrets)).toEqual([]);
    // The search can fail.
    expect(said([new Error(`it was ${secret}`)], world.secrets)).toEqual([secret]);
    const octets = world.secrets.filter((each) => typeof each !== "string");
    expect(said([{ deep: { deeper: octets } }], world.secrets).length).toBeGreaterThanOrEqual(octets.length);
  });
});

describe("the first data of a subject", () => {
  it.each(["items", "subjectKeys"] as const)(
    "where %s do not take a write: no key, and the next one makes it",
    async (store) => {
      const world = await openFaultyWorld();
      const failure = new AppError("store_unavailable", "the store does not answer; repeat this");
      const app = { ...world.app, [store]: storeThat(world.app[store], failure) };
      expect(await failureOf(encrypted(app, marks, secret))).toBe(failure);
      expect(await storedKeys(world.app)).toEqual([]);
      await encrypted(world.app, marks, secret);
      expect(await storedKeys(world.app)).toHaveLength(1);
    },
  );
});
