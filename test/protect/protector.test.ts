/** Room: test. Fields and objects protected by `fleetkey/protect`, with keys of a server over mutual TLS. */
import { randomBytes } from "node:crypto";
import { buildDecrypt, CommitmentPolicy } from "@aws-crypto/client-node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AppError, fleetkeyProtector, type Protector, serviceKeys } from "../../protect/index.ts";
import { type KeyServer, keyringOf, startKeyServer } from "./key-server.ts";

let server: KeyServer;
let protector: Protector;

const context = { purpose: "observations", subject: "s-7f3a91", record: "r-1" } as const;
const clear = {
  id: "r-1",
  note: "bolus at noon",
  dose: 4.2,
  trace: Uint8Array.of(0, 1, 255),
  missing: null,
  nested: { list: [1, "two", { three: false }] },
};
const fields = ["note", "dose", "trace", "missing", "nested"] as const;

const protectorOf = (cache = {}): Protector => {
  const { url, ca, client } = server;
  return fleetkeyProtector({ keys: serviceKeys({ url, fleet: "default", ca, ...client }), cache });
};

const codeOf = async (attempt: Promise<unknown>): Promise<string> => {
  const failure = await attempt.then(
    () => "nothing was thrown",
    (thrown: unknown) => thrown,
  );
  return failure instanceof AppError ? `${failure.code}: ${failure.message}` : String(failure);
};
const unreadable = "data_unreadable: the data cannot be read: not of this fleet and context, or changed";

beforeAll(async () => {
  server = await startKeyServer();
  protector = protectorOf();
});
afterEach(() => {
  server.requests.length = 0;
  server.scripted.length = 0;
});
afterAll(async () => {
  protector.close();
  await server.close();
});

describe("fields of a record", () => {
  it("come back as they were, from text", async () => {
    const stored = await protector.protect(clear, fields, context);
    expect(stored.id).toBe("r-1");
    for (const field of fields) expect(stored[field]).toMatch(/^fleetkey:1:[A-Za-z0-9+/]+={0,2}$/);
    expect(JSON.stringify(stored)).not.toMatch(/bolus|4\.2|three/);
    expect(await protector.unprotect(JSON.parse(JSON.stringify(stored)), fields, context)).toEqual(clear);
  });

  it("come back as they were, from octets", async () => {
    const stored = await protector.protect(clear, fields, context, { encoding: "binary" });
    for (const field of fields) expect(stored[field]).toBeInstanceOf(Uint8Array);
    expect(await protector.unprotect(stored, fields, context)).toEqual(clear);
  });

  it("stay away where the record has none", async () => {
    const record: { id: string; note?: string } = { id: "r-1" };
    const stored = await protector.protect(record, ["note"], context);
    expect(stored).toEqual({ id: "r-1" });
    expect(await protector.unprotect(stored, ["note"], context)).toEqual({ id: "r-1" });
  });

  it("named __proto__ or constructor are fields as others are", async () => {
    const record = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>;
    const names = ["__proto__", "constructor"];
    const stored = await protector.protect(record, names, context);
    expect(Object.keys(stored)).toEqual(names);
    expect(JSON.stringify(await protector.unprotect(stored, names, context))).toBe(JSON.stringify(record));
  });

  const changedByJson: readonly { name: string; value: unknown }[] = [
    { name: "a date", value: new Date() },
    { name: "a set", value: new Set([1]) },
    { name: "NaN", value: Number.NaN },
    { name: "undefined in a list", value: [undefined] },
    { name: "a hole in a list", value: Array.from({ length: 2 }) },
    { name: "a bigint", value: 1n },
    { name: "octets within an object", value: { octets: Uint8Array.of(1) } },
    { name: "a function", value: () => 1 },
    { name: "an object of itself", value: loop() },
  ];
  it.each(changedByJson)("refuse what JSON would change: $name", async ({ value }) => {
    expect(await codeOf(protector.protect({ note: value }, ["note"], context))).toMatch(
      /^request_invalid: field "note" holds/,
    );
  });

  it("are read by any AWS Encryption SDK with the wrapping key, whose plaintext says what it is of", async () => {
    const stored = await protector.protect({ note: "x" }, ["note"], context);
    const message = Buffer.from(stored.note.slice("fleetkey:1:".length), "base64");
    const { decrypt } = buildDecrypt(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
    const { plaintext, messageHeader } = await decrypt(keyringOf(server), message);
    expect(plaintext.toString()).toBe('{"field":"note","record":"r-1","value":"x"}');
    expect(messageHeader.encryptedDataKeys).toHaveLength(1);
    expect(messageHeader.suiteId).toBe(0x04_78);
    expect({ ...messageHeader.encryptionContext }).toEqual({
      fleet: "default",
      purpose: "observations",
      subject: "s-7f3a91",
      form: "fields-1",
    });
  });
});

function loop(): object {
  const value: { self?: object } = {};
  value.self = value;
  return value;
}

describe("objects", () => {
  it.each([0, 1, 1_048_575, 1_048_576, 1_048_577, 3_000_000])("of %i octets come back", async (length) => {
    const bytes = randomBytes(length);
    const message = await protector.protectBytes(bytes, { purpose: "images", subject: "s-1" });
    const opened = await protector.unprotectBytes(message, { purpose: "images", subject: "s-1" });
    expect(Buffer.compare(opened, bytes)).toBe(0);
  });

  it("never pass for a field, whatever octets somebody had stored", async () => {
    const forged = Buffer.from('{"field":"note","record":"r-1","value":"forged"}');
    const { record: _, ...object } = context;
    const note = await protector.protectBytes(forged, object);
    expect(await codeOf(protector.unprotect({ note }, ["note"], context))).toBe(unreadable);
    const named = { ...object, extra: { form: "fields-1" } };
    expect(await codeOf(protector.protectBytes(forged, named))).toMatch(/^request_invalid: context "form"/);
  });
});

describe("whatever is not where it was written", () => {
  it("10,000 fields moved, changed or cut: one answer, and never another value", async () => {
    const stored = await protector.protect(clear, fields, context, { encoding: "binary" });
    const other = await protector.protect(
      clear,
      fields,
      { ...context, record: "r-2" },
      { encoding: "binary" },
    );
    const { note } = stored;
    const flipped = (at: number): Uint8Array => {
      const octets = Uint8Array.from(note);
      octets[Math.floor(at / 8) % octets.length]! ^= 1 << (at % 8);
      return octets;
    };
    const trials = [
      (at: number) => ({ note: flipped(at) }),
      (at: number) => ({ note: note.subarray(0, at % note.length) }),
      (at: number) => ({ note: Buffer.concat([note, randomBytes(1 + (at % 40))]) }),
      (at: number) => ({ note: stored[fields[1 + (at % 4)]!] }),
      () => ({ note: other.note }),
    ];
    const contexts = [
      { ...context, subject: "s-8" },
      { ...context, purpose: "other" },
      { ...context, record: "r-2" },
      { ...context, extra: { more: "1" } },
      { purpose: context.purpose, subject: context.subject },
    ];
    const answers = new Set<string>();
    for (let at = 0; at < 10_000; at += 1) {
      const elsewhere = at % 2 === 0;
      const record = elsewhere ? { note } : trials[(at >> 1) % trials.length]!(at);
      const asked = elsewhere ? contexts[(at >> 1) % contexts.length]! : context;
      answers.add(await codeOf(protector.unprotect(record, ["note"], asked)));
    }
    expect([...answers]).toEqual([unreadable]);
  }, 120_000);

  it.each(["", "bolus", "fleetkey:1:", "fleetkey:1:AAAA", "fleetkey:2:AAAA", 7, null, {}])(
    "what is no message at all is unreadable, and nobody is asked: %j",
    async (note) => {
      expect(await codeOf(protector.unprotect({ note }, ["note"], context))).toBe(unreadable);
      expect(server.requests).toEqual([]);
    },
  );

  it("text of a message with octets between that base64 has not is unreadable", async () => {
    const { note } = await protector.protect({ note: "x" }, ["note"], context);
    const spaced = `${note.slice(0, 40)}\n${note.slice(40)}`;
    expect(await codeOf(protector.unprotect({ note: spaced }, ["note"], context))).toBe(unreadable);
  });

  it("another wrapping key's message is unreadable: the service says so, and its text is passed on", async () => {
    const stranger = await startKeyServer();
    const { url, ca, client } = stranger;
    const theirs = fleetkeyProtector({ keys: serviceKeys({ url, fleet: "default", ca, ...client }) });
    const stored = await theirs.protect({ note: "x" }, ["note"], context);
    theirs.close();
    await stranger.close();
    expect(await codeOf(protector.unprotect(stored, ["note"], context))).toBe(unreadable);
  });
});
