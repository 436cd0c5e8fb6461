/** Room: test. Texts that the service keeps sealed: each opens in its own place alone, and nobody opens one as data. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MessageCipher } from "../../core/ports.ts";
import { decryptData } from "../../core/protection/decrypt.ts";
import { openField, type SealedPlace, sealField } from "../../core/protection/sealed-field.ts";
import { codeOf } from "../support/errors.ts";
import {
  type DataWorld,
  dataCaller,
  encrypted,
  fleet,
  openDataWorld,
  otherFleet,
  outcomeOf,
} from "./data-world.ts";

const text = "Jane Doe called the hotline 🩺\u0000\n";
const place: SealedPlace = { fleet, kind: "operator-decryption", record: "r-1", field: "reason" };

let world: DataWorld;
let sealed: Buffer;
beforeAll(async () => {
  world = await openDataWorld();
  sealed = await sealField(world.app, place, text);
});
afterAll(() => world.close());

describe("a sealed text", () => {
  it.each([
    ["as it was", text],
    ["when it is empty", ""],
    ["when it is long", "🩺".repeat(500)],
  ])("opens in its place %s", async (_name, given) => {
    expect(await openField(world.app, place, await sealField(world.app, place, given))).toBe(given);
  });

  it("is not in the clear, and never the same twice", async () => {
    expect(sealed.includes("Jane")).toBe(false);
    expect(sealed.includes(Buffer.from("Jane Doe").toString("base64"))).toBe(false);
    expect((await sealField(world.app, place, text)).equals(sealed)).toBe(false);
  });

  it.each<[string, Partial<SealedPlace>]>([
    ["another record", { record: "r-2" }],
    ["another field", { field: "contact" }],
    ["another kind of record", { kind: "incident" }],
    ["another fleet", { fleet: otherFleet }],
    ["a record whose id is the field's name", { record: "reason", field: "r-1" }],
  ])("does not open in %s", async (_name, change) => {
    expect(await outcomeOf(openField(world.app, { ...place, ...change }, sealed))).toBe("unreadable");
  });

  it("does not open with any one bit changed, nor cut anywhere", async () => {
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << (at % 8)), at);
      expect(await outcomeOf(openField(world.app, place, changed))).toBe("unreadable");
      const cut = openField(world.app, place, sealed.subarray(0, at));
      expect(await outcomeOf(cut)).toBe("unreadable");
    }
  });

  it("does not open for a caller of data, who may not name its purpose", async () => {
    const caller = await dataCaller(world.app);
    const extra = { field: "reason" };
    const own = { purpose: "fleetkey-operator-decryption", subject: "r-1", extra };
    expect(await codeOf(decryptData(world.app, { caller, context: own, message: sealed }))).toBe(
      "request_invalid",
    );
    const others = { purpose: "operator-decryption", subject: "r-1", extra };
    const opened = decryptData(world.app, { caller, context: others, message: sealed });
    expect(await outcomeOf(opened)).toBe("unreadable");
  });

  it("is none that a caller of data has made, whatever context that has", async () => {
    const context = { purpose: "exports", subject: "r-1", extra: { field: "reason" } };
    const message = await encrypted(world.app, context, text);
    expect(await outcomeOf(openField(world.app, place, message))).toBe("unreadable");
  });
});

it("the octets of the text are overwritten when it is sealed and when it is opened", async () => {
  const seen: Buffer[] = [];
  const { cipher: real } = world.app;
  const cipher: MessageCipher = {
    ...real,
    encrypt: (wrapping, plaintext, context) => {
      if (Buffer.isBuffer(plaintext)) seen.push(plaintext);
      return real.encrypt(wrapping, plaintext, context);
    },
    decrypt: async (...wish) => {
      const plaintext = await real.decrypt(...wish);
      seen.push(plaintext);
      return plaintext;
    },
  };
  expect(await openField({ cipher }, place, await sealField({ cipher }, place, text))).toBe(text);
  expect(seen).toHaveLength(2);
  expect(seen.every((octets) => octets.length > 0 && octets.every((octet) => octet === 0))).toBe(true);
  const broken: MessageCipher = {
    ...cipher,
    encrypt: (...[, plaintext]) => {
      if (Buffer.isBuffer(plaintext)) seen.push(plaintext);
      return Promise.reject(new Error("no"));
    },
  };
  await expect(sealField({ cipher: broken }, place, text)).rejects.toThrow("no");
  expect(seen[2]?.every((octet) => octet === 0)).toBe(true);
});

it("texts stay readable when the fleet's key is replaced, and are gone with all of its keys", async () => {
  const own = await openDataWorld();
  try {
    const before = await sealField(own.app, place, text);
    own.clock.advance(400 * 86_400_000);
    const after = await sealField(own.app, place, text);
    const [old, fresh] = [before, after].map((message) => own.app.cipher.headerOf(message).wrapping);
    expect(old).not.toEqual(fresh);
    expect(await openField(own.app, place, before)).toBe(text);
    await own.app.wrappingKeys.scheduleDeletion(fleet, 7);
    for (const message of [before, after])
      expect(await codeOf(openField(own.app, place, message))).toBe("key_disabled");
    expect(await codeOf(sealField(own.app, place, text))).toBe("key_disabled");
  } finally {
    await own.close();
  }
});
