/** What the cipher does beyond its port's contract: failures of keys, keys in memory, attacks by number. */
import { execFileSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { encryptionSdkCipher } from "../../../adapters/encryption/encryption-sdk-cipher.ts";
import { kmsFleetKeyrings } from "../../../adapters/encryption/kms-fleet-keyring.ts";
import { AppError } from "../../../core/errors.ts";
import type { Wrapping } from "../../../core/ports.ts";
import { openingOf, subjectKey } from "../../contracts/message-cipher.ts";
import { rawFleetKeys } from "./raw-fleet-keys.ts";
import { wrappingKeysDouble } from "./wrapping-keys-double.ts";

const context = { fleet: "meters", purpose: "readings", subject: "s-1" };
const fleetWrapping: Wrapping = { kind: "fleet", fleet: "meters" };

function underKms() {
  const keys = wrappingKeysDouble(["meters", "lights"]);
  return { keys, cipher: encryptionSdkCipher({ fleetKeyring: kmsFleetKeyrings(keys) }) };
}

/** Every octet of a failure that somebody could log: its text, its members, its causes. */
function wordsOf(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const own = Object.getOwnPropertyNames(failure).map((name) => String(Reflect.get(failure, name)));
  return [...own, failure.cause === undefined ? "" : wordsOf(failure.cause)].join("\n");
}

const failureOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (failure: unknown) => failure,
  );

describe("failures of keys", () => {
  it.each([
    new AppError("key_disabled", "the key is disabled; enable it"),
    new AppError("key_service_unavailable", "throttled; repeat the request", { retryAfter: 2 }),
  ])("$code passes as it is, whatever is asked", async (failure) => {
    const { keys, cipher } = underKms();
    const message = await cipher.encrypt(fleetWrapping, Buffer.from("secret"), context);
    const { wrapped } = await cipher.createDataKey(fleetWrapping, context);
    keys.failWith(failure);
    expect(await failureOf(cipher.encrypt(fleetWrapping, Buffer.from("secret"), context))).toBe(failure);
    expect(await failureOf(cipher.decrypt(fleetWrapping, message, context))).toBe(failure);
    expect(await failureOf(cipher.createDataKey(fleetWrapping, context))).toBe(failure);
    expect(await failureOf(cipher.unwrapDataKey(fleetWrapping, wrapped, context))).toBe(failure);
  });

  it("a key that is gone, or another fleet's, makes data unreadable; to encrypt with it is key_not_found", async () => {
    const { keys, cipher } = underKms();
    const message = await cipher.encrypt(fleetWrapping, Buffer.from("secret"), context);
    keys.failWith(new AppError("key_not_found", "no such key"));
    expect(await openingOf(cipher.decrypt(fleetWrapping, message, context))).toBe("unreadable");
    expect(await failureOf(cipher.encrypt(fleetWrapping, Buffer.from("secret"), context))).toMatchObject({
      code: "key_not_found",
    });
  });

  it("whatever else fails tells no plaintext, key or context", async () => {
    const { keys, cipher } = underKms();
    const message = await cipher.encrypt(fleetWrapping, Buffer.from("open sesame"), context);
    keys.failWith(new Error("open sesame in readings of s-1"));
    const opening = await failureOf(cipher.decrypt(fleetWrapping, message, context));
    const making = await failureOf(cipher.encrypt(fleetWrapping, Buffer.from("open sesame"), context));
    expect([opening, making]).toMatchObject([{ code: "data_unreadable" }, { code: "internal" }]);
    for (const failure of [opening, making]) expect(wordsOf(failure)).not.toMatch(/sesame|readings|s-1/);
  });

  it("a context that the SDK does not take is told without its values", async () => {
    const { cipher } = underKms();
    const reserved = { ...context, "aws-crypto-public-key": "mother's maiden name" };
    const failure = await failureOf(cipher.encrypt(fleetWrapping, Buffer.from("secret"), reserved));
    expect(failure).toMatchObject({ code: "internal" });
    expect(wordsOf(failure)).not.toContain("maiden");
  });
});

describe("what is compared when", () => {
  it("another context or a foreign key is unreadable before a key service is asked", async () => {
    const { keys, cipher } = underKms();
    const message = await cipher.encrypt(fleetWrapping, Buffer.from("secret"), context);
    const { wrapped } = await cipher.createDataKey(fleetWrapping, context);
    keys.failWith(new AppError("key_disabled", "asked"));
    const other = { ...context, subject: "s-2" };
    expect(await openingOf(cipher.decrypt(fleetWrapping, message, other))).toBe("unreadable");
    const foreign = { ...wrapped, providerId: "someone" };
    expect(await openingOf(cipher.unwrapDataKey(fleetWrapping, foreign, context))).toBe("unreadable");
  });

  it("octets that change hands meanwhile do not bring another context's plaintext", async () => {
    const { keyrings } = rawFleetKeys(["meters"]);
    const quiet = encryptionSdkCipher({ fleetKeyring: keyrings });
    const message = await quiet.encrypt(fleetWrapping, Buffer.from("mine!"), context);
    const other = await quiet.encrypt(fleetWrapping, Buffer.from("other"), { ...context, subject: "s-2" });
    const cipher = encryptionSdkCipher({
      fleetKeyring: async (fleet, keyId) => {
        message.set(other);
        return keyrings(fleet, keyId);
      },
    });
    expect(await openingOf(cipher.decrypt(fleetWrapping, message, context))).toBe("unreadable");
  });
});

describe("keys in memory", () => {
  it("what a key service hands over in the clear is overwritten, and what the caller gets is not", async () => {
    const { keys, cipher } = underKms();
    const message = await cipher.encrypt(fleetWrapping, Buffer.from("secret"), context);
    await cipher.decrypt(fleetWrapping, message, context);
    const { plaintext, wrapped } = await cipher.createDataKey(fleetWrapping, context);
    const again = await cipher.unwrapDataKey(fleetWrapping, wrapped, context);
    expect(again.equals(plaintext)).toBe(true);
    expect(keys.handedOut().map((key) => key.equals(Buffer.alloc(32)))).toEqual([true, true, true, true]);
  });

  it("so is a generation of a fleet's key at hand", async () => {
    const { keyrings, handedOut } = rawFleetKeys(["meters"]);
    const cipher = encryptionSdkCipher({ fleetKeyring: keyrings });
    const message = await cipher.encrypt(fleetWrapping, Buffer.from("secret"), context);
    await cipher.decrypt(fleetWrapping, message, context);
    expect(handedOut.map((key) => key.equals(Buffer.alloc(32)))).toEqual([true, true]);
  });

  it("a message under an earlier generation opens under its own", async () => {
    const { keyrings, keys } = rawFleetKeys(["meters"], 2);
    const cipher = encryptionSdkCipher({ fleetKeyring: keyrings });
    const early = rawFleetKeys(["meters"], 1);
    early.keys.set("local:meters-protection:1", keys.get("local:meters-protection:1")!);
    const before = encryptionSdkCipher({ fleetKeyring: early.keyrings });
    const message = await before.encrypt(fleetWrapping, Buffer.from("secret"), context);
    expect((await cipher.decrypt(fleetWrapping, message, context)).toString()).toBe("secret");
    const now = await cipher.encrypt(fleetWrapping, Buffer.from("secret"), context);
    expect(cipher.headerOf(now).wrapping).toEqual({ kind: "fleet", keyId: "local:meters-protection:2" });
    keys.delete("local:meters-protection:1");
    expect(await openingOf(cipher.decrypt(fleetWrapping, message, context))).toBe("unreadable");
  });
});

describe("attacks by number", () => {
  it("4,000 messages with octets changed, left out, repeated or put in: none opens, none breaks the process", {
    timeout: 120_000,
  }, async () => {
    const { cipher } = underKms();
    const wrapping = subjectKey("meters");
    const message = await cipher.encrypt(wrapping, Buffer.from("secret"), context);
    for (let trial = 0; trial < 4_000; trial += 1) {
      const changed = disturbed(message);
      if (changed.equals(message)) continue;
      const outcome = await openingOf(cipher.decrypt(wrapping, changed, context));
      expect(outcome, changed.toString("hex")).toBe("unreadable");
    }
  });

  it("4,000 inputs without any sense are unreadable", async () => {
    const { cipher } = underKms();
    for (let trial = 0; trial < 4_000; trial += 1) {
      const noise = randomBytes(randomInt(400));
      noise.set([2, 4, 0x78].slice(0, noise.length));
      expect(await openingOf(Promise.resolve().then(() => cipher.headerOf(noise)))).toBe("unreadable");
    }
  });
});

function disturbed(message: Buffer): Buffer {
  const at = randomInt(message.length);
  const length = randomInt(1, 9);
  const kinds = [
    () => Buffer.concat([message.subarray(0, at), randomBytes(length), message.subarray(at + length)]),
    () => Buffer.concat([message.subarray(0, at), message.subarray(at + length)]),
    () => Buffer.concat([message.subarray(0, at), randomBytes(length), message.subarray(at)]),
    () => Buffer.concat([message.subarray(0, at + length), message.subarray(at)]),
    () => Buffer.concat([message.subarray(0, at), Buffer.alloc(length, 0xff), message.subarray(at + length)]),
    () => Buffer.concat([message.subarray(0, at), Buffer.alloc(length), message.subarray(at + length)]),
  ];
  return kinds[randomInt(kinds.length)]!();
}

it("the SDK is loaded when it is first needed", () => {
  const cipher = resolve(import.meta.dirname, "../../../adapters/encryption/encryption-sdk-cipher.ts");
  const program = `
    import { createRequire } from "node:module";
    const { encryptionSdkCipher } = await import(${JSON.stringify(cipher)});
    const made = encryptionSdkCipher({ fleetKeyring: () => { throw new Error("not asked"); } });
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes("@aws-crypto"));
    const before = loaded();
    const key = Buffer.alloc(32);
    await made.createDataKey({ kind: "subject", keyName: "subject-key:f:s:1", key }, { fleet: "f" });
    console.log(before, loaded());`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect(output.trim()).toBe("false true");
});
