/** Room: test. What backends protect and read with: every way in and out, for whom, and what is on record of it. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { localDataKeys } from "../../adapters/local/data-keys.ts";
import type { ContextRequest } from "../../core/policy/encryption-context.ts";
import type { EncryptionContext } from "../../core/ports.ts";
import { createDataKey, unwrapDataKey } from "../../core/protection/data-keys.ts";
import { decryptData } from "../../core/protection/decrypt.ts";
import { encryptData } from "../../core/protection/encrypt.ts";
import { createDataKeyPair } from "../../core/protection/key-pairs.ts";
import { reencryptData } from "../../core/protection/reencrypt.ts";
import { getSubjectKey } from "../../core/protection/subject-keys.ts";
import { dataKeyPairAlgorithms, protectionStandard } from "../../core/standard/protection.ts";
import {
  type DataWorld,
  dataCaller,
  encrypted,
  exported,
  fleet,
  observations,
  openDataWorld,
  otherFleet,
  outcomeOf,
} from "./data-world.ts";
import { auditOf, type KeepingApp, storedKeys } from "./keeping-world.ts";

const plaintext = Buffer.from("120 over 80");
const both = [
  ["a purpose under subject keys", observations],
  ["a purpose under the fleet's key", exported],
] as const;

let world: DataWorld;
let app: KeepingApp;
beforeAll(async () => {
  world = await openDataWorld();
  ({ app } = world);
});
afterAll(() => world.close());

const contextOf = ({ purpose, subject, extra = {} }: ContextRequest): EncryptionContext => ({
  ...extra,
  fleet,
  purpose,
  subject,
});

async function read(context: ContextRequest, message: Buffer): Promise<string> {
  const opened = await decryptData(app, { caller: await dataCaller(app), context, message });
  expect(opened.context).toEqual(contextOf(context));
  return opened.plaintext.toString();
}

describe.each(both)("%s", (_name, context) => {
  it("data are encrypted and decrypted, and the reading is on record", async () => {
    const before = await auditOf(app, "data.read");
    const caller = await dataCaller(app);
    const request = { caller, context: { ...context, extra: { record: "r-1" } }, plaintext };
    const made = await encryptData(app, request);
    expect(made.context).toEqual(contextOf(request.context));
    expect(app.cipher.headerOf(made.message).context).toEqual(made.context);
    expect(await auditOf(app, "data.read")).toHaveLength(before.length);
    expect(await read(request.context, made.message)).toBe("120 over 80");
    const entries = await auditOf(app, "data.read");
    expect(entries).toHaveLength(before.length + 1);
    const own = entries.filter((entry) => entry["reason"] === context.purpose);
    expect(own.at(-1)).toMatchObject({ fleet, actor: "backend:b-1", subject: "s-1", result: "success" });
  });

  it("a data key has 32 octets, opens as the one that it was, and is made wrapped alone where that is asked", async () => {
    const caller = await dataCaller(app);
    const made = await createDataKey(app, { caller, context, withPlaintext: true });
    expect(made.plaintext).toHaveLength(32);
    const { plaintext: opened } = await unwrapDataKey(app, { caller, context, wrapped: made.wrapped });
    expect(opened.equals(made.plaintext ?? Buffer.alloc(0))).toBe(true);
    const alone = await createDataKey(app, { caller, context, withPlaintext: false });
    expect(Object.keys(alone).sort()).toEqual(["context", "wrapped"]);
    expect((await unwrapDataKey(app, { caller, context, wrapped: alone.wrapped })).plaintext).toHaveLength(
      32,
    );
  });

  it.each(dataKeyPairAlgorithms)(
    "a key pair of %s: the private key is in a message alone",
    async (keyAlgorithm) => {
      const caller = await dataCaller(app);
      const made = await createDataKeyPair(app, { caller, context, keyAlgorithm });
      expect(Object.keys(made).sort()).toEqual(["context", "publicKey", "wrappedPrivateKey"]);
      const { plaintext: key } = await decryptData(app, { caller, context, message: made.wrappedPrivateKey });
      const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
      expect(createPublicKey(privateKey).equals(createPublicKey(made.publicKey))).toBe(true);
    },
  );

  it("a message under the newest key of its context stays as it is", async () => {
    const message = await encrypted(app, context);
    const caller = await dataCaller(app);
    const moved = await reencryptData(app, { caller, context, message });
    expect(moved).toEqual({ context: contextOf(context), message, changed: false });
  });

  it("a message moves to another context: it opens there, the move is on record, nobody has read it", async () => {
    const [reads, moves] = [await auditOf(app, "data.read"), await auditOf(app, "data.moved")];
    const message = await encrypted(app, context);
    const to = { purpose: "research", subject: "s-2", extra: { study: "t-9" } };
    const moved = await reencryptData(app, { caller: await dataCaller(app), context, message, to });
    expect(moved).toMatchObject({ context: contextOf(to), changed: true });
    expect(await auditOf(app, "data.read")).toHaveLength(reads.length);
    const entries = await auditOf(app, "data.moved");
    expect(entries).toHaveLength(moves.length + 1);
    const reason = `${context.purpose} to research of s-2`;
    expect(entries.filter((entry) => entry["reason"] === reason)).toMatchObject([{ subject: "s-1" }]);
    expect(await read(to, moved.message)).toBe("120 over 80");
    expect(await outcomeOf(read(context, moved.message))).toBe("unreadable");
    // The message from before is the caller's own: it opens where it did.
    expect(await read(context, message)).toBe("120 over 80");
  });
});

describe("what wraps a message", () => {
  it("is the subject's key, or the fleet's for purposes that say so; as it was written, whatever they say now", async () => {
    const [own, fleets] = [await encrypted(app, observations), await encrypted(app, exported)];
    expect(app.cipher.headerOf(own).wrapping).toMatchObject({ kind: "subject" });
    const keyId = await app.wrappingKeys.keyOf(fleet);
    expect(app.cipher.headerOf(fleets).wrapping).toEqual({ kind: "fleet", keyId });
    const caller = await dataCaller(app);
    const { configuration } = caller.fleetState;
    const swapped = { ...configuration, fleetWrappedPurposes: ["observations"] };
    const now = { ...caller, fleetState: { ...caller.fleetState, configuration: swapped } };
    const open = (context: ContextRequest, message: Buffer) =>
      decryptData(app, { caller: now, context, message });
    expect((await open(observations, own)).plaintext.toString()).toBe("120 over 80");
    expect((await open(exported, fleets)).plaintext.toString()).toBe("120 over 80");
    const { message } = await reencryptData(app, { caller: now, context: observations, message: own });
    expect(app.cipher.headerOf(message).wrapping).toMatchObject({ kind: "fleet" });
  });

  it("opens without us: who may open the subject's key at the key service opens its messages", async () => {
    const message = await encrypted(app, observations);
    const key = await getSubjectKey(app, { caller: await dataCaller(app), subject: "s-1" });
    expect(Object.keys(key).sort()).toEqual(["context", "keyId", "keyName", "subject", "version", "wrapped"]);
    const opened = await app.wrappingKeys.unwrap(fleet, key, key.context);
    const wrapping = { kind: "subject", keyName: key.keyName, key: opened } as const;
    const context = contextOf(observations);
    expect((await app.cipher.decrypt(wrapping, message, context)).equals(plaintext)).toBe(true);
  });

  it("getSubjectKey makes the key of a subject that has none, once", async () => {
    const caller = await dataCaller(app);
    const first = await getSubjectKey(app, { caller, subject: "s-new" });
    expect(await getSubjectKey(app, { caller, subject: "s-new" })).toEqual(first);
    expect(await outcomeOf(getSubjectKey(app, { caller, subject: "jane doe" }))).toBe("request_invalid");
    expect(await outcomeOf(getSubjectKey(app, { caller, subject: "1970-01-31" }))).toBe("name_not_permitted");
    expect((await storedKeys(app)).filter(({ subject }) => subject === "s-new")).toHaveLength(1);
  });

  it("what is written of a subject is its key, wrapped: the store of items holds none", async () => {
    const [key] = (await storedKeys(app)).filter(({ subject }) => subject === "s-1");
    expect(key).toMatchObject({ fleet, version: 1, keyId: await app.wrappingKeys.keyOf(fleet) });
    expect(await auditOf(app, "subject-key.created")).toContainEqual(
      expect.objectContaining({ subject: "s-1", actor: "backend:b-1", reason: "version-1" }),
    );
  });
});

describe("a message under an older key", () => {
  let own: DataWorld;
  beforeEach(async () => {
    own = await openDataWorld();
  });
  afterEach(() => own.close());

  async function moved(context: ContextRequest, message: Buffer) {
    const made = await reencryptData(own.app, { caller: await dataCaller(own.app), context, message });
    const request = { caller: await dataCaller(own.app), context, message: made.message };
    expect((await decryptData(own.app, request)).plaintext.equals(plaintext)).toBe(true);
    return { changed: made.changed, wrapping: own.app.cipher.headerOf(made.message).wrapping };
  }

  it("of its subject goes under the newest, and no move of data is on record", async () => {
    const message = await encrypted(own.app, observations);
    own.clock.advance(protectionStandard.subjectKeyDays * 86_400_000);
    const keyName = `subject-key:${fleet}:s-1:2`;
    expect(await moved(observations, message)).toEqual({
      changed: true,
      wrapping: { kind: "subject", keyName },
    });
    expect(await auditOf(own.app, "data.moved")).toEqual([]);
  });

  it("of its fleet goes under the one in force", async () => {
    const message = await encrypted(own.app, exported);
    await localDataKeys(own.wrappingKeys).rotateNow(`${fleet}-protection`);
    const keyId = await own.app.wrappingKeys.keyOf(fleet);
    expect(app.cipher.headerOf(message).wrapping).not.toEqual({ kind: "fleet", keyId });
    expect(await moved(exported, message)).toEqual({ changed: true, wrapping: { kind: "fleet", keyId } });
  });
});

describe("purposes", () => {
  it.each([
    ["none", []],
    ["another", ["research"]],
    ["the beginning of it", ["obs"]],
    ["a pattern", ["observ*"]],
  ])("a caller with %s neither makes nor reads", async (_name, purposes) => {
    const [caller, message] = [await dataCaller(app, { purposes }), await encrypted(app, observations)];
    const { wrapped } = await createDataKey(app, {
      caller: await dataCaller(app),
      context: observations,
      withPlaintext: false,
    });
    const request = { caller, context: observations };
    const attempts = [
      createDataKey(app, { ...request, withPlaintext: true }),
      unwrapDataKey(app, { ...request, wrapped }),
      createDataKeyPair(app, { ...request, keyAlgorithm: "P-256" }),
      encryptData(app, { ...request, plaintext }),
      decryptData(app, { ...request, message }),
      reencryptData(app, { ...request, message }),
    ];
    expect(await Promise.all(attempts.map(outcomeOf))).toEqual(attempts.map(() => "purpose_not_permitted"));
  });

  it("a move needs both", async () => {
    const message = await encrypted(app, observations);
    const to = { purpose: "research", subject: "s-1" };
    const moves = [["observations"], ["research"], ["observations", "research"]].map(async (purposes) =>
      reencryptData(app, { caller: await dataCaller(app, { purposes }), context: observations, message, to }),
    );
    const outcomes = ["purpose_not_permitted", "purpose_not_permitted", "an answer"];
    expect(await Promise.all(moves.map(outcomeOf))).toEqual(outcomes);
  });

  it("the service's own are nobody's, whatever a caller may", async () => {
    const own = { purpose: "fleetkey-operator-decryption", subject: "s-1" };
    for (const purposes of [["*"], ["fleetkey-operator-decryption"]]) {
      const caller = await dataCaller(app, { purposes });
      expect(await outcomeOf(encryptData(app, { caller, context: own, plaintext }))).toBe("request_invalid");
    }
  });
});

describe("limits", () => {
  const { plaintextBytes } = protectionStandard.message;

  it.each([0, 1, plaintextBytes])("%d octets come back", async (length) => {
    const octets = Buffer.alloc(length, 7);
    const message = await encrypted(app, observations, octets);
    const { plaintext: opened } = await decryptData(app, {
      caller: await dataCaller(app),
      context: observations,
      message,
    });
    expect(opened.equals(octets)).toBe(true);
  });

  it("one octet more is refused, with value, limit and remedy", async () => {
    const request = { caller: await dataCaller(app), context: observations };
    const octets = Buffer.alloc(plaintextBytes + 1);
    await expect(encryptData(app, { ...request, plaintext: octets })).rejects.toMatchObject({
      code: "request_too_large",
      message: expect.stringMatching(/4000001 octets, limit 4000000; split it/),
    });
  });
});

describe("tenants", () => {
  it("another fleet's caller opens nothing, whatever it names", async () => {
    const caller = await dataCaller(app, { name: otherFleet });
    for (const [, context] of both) {
      const message = await encrypted(app, context);
      const { wrapped } = await createDataKey(app, {
        caller: await dataCaller(app),
        context,
        withPlaintext: false,
      });
      // The other fleet has a key for a subject of the same name.
      await encrypted(app, context, plaintext, otherFleet);
      expect(await outcomeOf(decryptData(app, { caller, context, message }))).toBe("unreadable");
      expect(await outcomeOf(unwrapDataKey(app, { caller, context, wrapped }))).toBe("unreadable");
      expect(await outcomeOf(reencryptData(app, { caller, context, message }))).toBe("unreadable");
      expect(
        await outcomeOf(decryptData(app, { caller, context: { ...context, extra: { fleet } }, message })),
      ).toBe("request_invalid");
    }
  });
});
