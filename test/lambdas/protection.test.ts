/** Room: test. Data at rest over HTTP: what answers look like, and that a refusal quotes nothing of what was sent. */
import { createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { AppError } from "../../core/errors.ts";
import type { MessageCipher } from "../../core/ports.ts";
import { protectionStandard } from "../../core/standard/protection.ts";
import {
  dataKey,
  dataKeyPair,
  decryptedData,
  encryptedData,
  reencryptedData,
  subjectKey,
  unwrappedDataKey,
} from "../../lambdas/http/protection-answers.ts";
import { suspendFleet } from "../enrollment/fixtures/configured-fleet.ts";
import { testFleet as fleet } from "../support/fleet-app.ts";
import {
  type Answer,
  base64,
  exported,
  observations,
  openProtectionHouse,
  type ProtectionHouse,
  post,
  shaped,
} from "./protection-house.ts";

let house: ProtectionHouse;
beforeAll(async () => {
  house = await openProtectionHouse();
});
afterAll(() => house.close());

const send = (path: string, body: object | string): Promise<Answer> =>
  post(house, { path, body, certificate: house.store });

const { plaintextBytes } = protectionStandard.message;
const dose = "a bolus of 4.2 units at noon";

async function message(context: object, plaintext: Uint8Array | string = dose): Promise<string> {
  const made = await send("encrypt", { context, plaintext: base64(plaintext) });
  return shaped(encryptedData, made).message;
}

describe.each([
  ["under a key of the subject", observations, "fleetkey"],
  ["under the fleet's own key", exported, "fleetkey"],
] as const)("what a backend has, %s", (_name, context, providerId) => {
  const whole = { fleet, ...context };

  it("data keys: made with the key in the clear or without, and opened", async () => {
    const made = shaped(dataKey, await send("data-keys", { context }), 201);
    expect(made).toMatchObject({ context: whole, wrapped: { providerId } });
    expect(Buffer.from(made.plaintext ?? "", "base64")).toHaveLength(32);
    const opened = await send("data-keys/unwrap", { context, wrapped: made.wrapped });
    expect(shaped(unwrappedDataKey, opened).plaintext).toBe(made.plaintext);
    const closed = shaped(dataKey, await send("data-keys", { context, plaintext: false }), 201);
    expect(closed).not.toHaveProperty("plaintext");
    const again = await send("data-keys/unwrap", { context, wrapped: closed.wrapped });
    expect(Buffer.from(shaped(unwrappedDataKey, again).plaintext, "base64")).toHaveLength(32);
  });

  it("key pairs: the private key is in the message alone, and is that of the public key", async () => {
    const made = await send("data-key-pairs", { context, keyAlgorithm: "Ed25519" });
    const pair = shaped(dataKeyPair, made, 201);
    expect(pair).toMatchObject({ context: whole, keyAlgorithm: "Ed25519" });
    const opened = await send("decrypt", { context, message: pair.wrappedPrivateKey });
    const der = Buffer.from(shaped(decryptedData, opened).plaintext, "base64");
    const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    expect(createPublicKey(key).equals(createPublicKey(pair.publicKey))).toBe(true);
    const usual = shaped(dataKeyPair, await send("data-key-pairs", { context }), 201);
    expect(usual.keyAlgorithm).toBe("P-256");
  });

  it("messages: encrypted, decrypted, moved to another context and not moved without need", async () => {
    const made = await message(context);
    const opened = shaped(decryptedData, await send("decrypt", { context, message: made }));
    expect(opened).toEqual({ context: whole, plaintext: base64(dose) });
    const same = shaped(reencryptedData, await send("reencrypt", { context, message: made }));
    expect(same).toEqual({ context: whole, message: made, changed: false });
    const to = { ...context, record: "r-1" };
    const moved = shaped(reencryptedData, await send("reencrypt", { context, message: made, to }));
    expect(moved).toMatchObject({ context: { ...whole, record: "r-1" }, changed: true });
    const there = await send("decrypt", { context: to, message: moved.message });
    expect(shaped(decryptedData, there).plaintext).toBe(base64(dose));
  });

  it.each([0, 1, plaintextBytes])("a plaintext of %i octets goes there and back", async (octets) => {
    const plaintext = randomBytes(octets);
    const made = await message(context, plaintext);
    const { status, text, json } = await send("decrypt", { context, message: made });
    expect(status, text.slice(0, 300)).toBe(200);
    expect(json["plaintext"] === base64(plaintext)).toBe(true);
    // A Lambda invocation answers 6 MB at most.
    expect(text.length).toBeLessThan(6_000_000);
  });
});

it("a subject's key is given as the fleet's key has wrapped it, whoever asks first", async () => {
  const body = { subject: "s-first" };
  const given = () => post(house, { path: "subject-keys", body, certificate: house.archive });
  const key = shaped(subjectKey, await given());
  const context = { fleet, purpose: "fleetkey-subject-key", subject: "s-first" };
  expect(key).toMatchObject({ subject: "s-first", version: 1, context });
  expect(key.keyName).toBe(`subject-key:${fleet}:s-first:1`);
  expect(shaped(subjectKey, await given())).toEqual(key);
  // It opens every purpose, so whoever may work with some does not get it.
  const { status, json } = await send("subject-keys", body);
  expect([status, json["code"]]).toEqual([403, "purpose_not_permitted"]);
});

describe("whatever does not open is answered the same", () => {
  it("octet for octet, but for the id of the request", async () => {
    const [made, own] = [await message(observations), await message(exported)];
    const octets = Buffer.from(made, "base64");
    const flipped = Buffer.from(octets);
    flipped.writeUInt8(octets.readUInt8(octets.length - 20) ^ 1, octets.length - 20);
    const attempts: readonly (readonly [object, string])[] = [
      [{ ...observations, subject: "s-another" }, made],
      [{ ...observations, subject: "S-7f3a91" }, made],
      [exported, made],
      [observations, own],
      [{ ...observations, record: "r-1" }, made],
      [observations, base64(octets.subarray(0, -1))],
      [observations, base64(Buffer.concat([octets, Buffer.of(0)]))],
      [observations, base64(flipped)],
      [observations, base64("no message at all")],
      [observations, ""],
    ];
    const answers = new Set<string>();
    for (const [context, sent] of attempts) {
      for (const path of ["decrypt", "reencrypt"]) {
        const { status, json } = await send(path, { context, message: sent });
        const { requestId: _, instance: __, ...rest } = json;
        answers.add(JSON.stringify({ status, ...rest }));
      }
    }
    expect([...answers]).toHaveLength(1);
    expect([...answers][0]).toContain("data_unreadable");
    expect([...answers][0]).toContain('"status":422');
  });
});

it("whoever may encrypt may not decrypt by that, nor open keys, nor make them", async () => {
  const { writer: certificate } = house;
  const context = observations;
  const made = await post(house, {
    path: "encrypt",
    body: { context, plaintext: base64(dose) },
    certificate,
  });
  const { message: sealed } = shaped(encryptedData, made);
  for (const [path, body] of [
    ["decrypt", { context, message: sealed }],
    ["reencrypt", { context, message: sealed }],
    ["data-keys", { context }],
    ["data-key-pairs", { context }],
    ["subject-keys", { subject: "s-1" }],
  ] as const) {
    const { status, text } = await post(house, { path, body, certificate });
    expect(status, `${path} ${text}`).toBe(403);
  }
});

it("the octets of a plaintext are overwritten, whatever comes of it", async () => {
  const seen: Uint8Array[] = [];
  const { app } = house;
  const isBroken = new Set<boolean>();
  const encrypt: MessageCipher["encrypt"] = (wrapping, plaintext, context) => {
    seen.push(plaintext);
    if (isBroken.has(true))
      return Promise.reject(new AppError("key_service_unavailable", "throttled", { retryAfter: 7 }));
    return app.cipher.encrypt(wrapping, plaintext, context);
  };
  const spied = { ...app, cipher: { ...app.cipher, encrypt } };
  const body = { context: observations, plaintext: base64(dose) };
  const call = { path: "encrypt", body, certificate: house.store, app: spied };
  expect((await post(house, call)).status).toBe(200);
  isBroken.add(true);
  expect((await post(house, call)).status).toBe(503);
  expect(seen.map((octets) => octets.every((octet) => octet === 0))).toEqual([true, true]);
  expect(seen[0]).toHaveLength(dose.length);
});

it("keys and plaintexts are overwritten when they have been answered", async () => {
  const context = observations;
  const { cipher } = house.app;
  const sealed = await message(context);
  const spies = [
    vi.spyOn(cipher, "createDataKey"),
    vi.spyOn(cipher, "unwrapDataKey"),
    vi.spyOn(cipher, "decrypt"),
  ] as const;
  const { wrapped } = shaped(dataKey, await send("data-keys", { context }), 201);
  await send("data-keys/unwrap", { context, wrapped });
  await send("decrypt", { context, message: sealed });
  const results = spies.flatMap(({ mock }) => mock.results.map(({ value }) => value));
  for (const spy of spies) spy.mockRestore();
  const given = await Promise.all(results as Promise<Buffer | { readonly plaintext: Buffer }>[]);
  const octets = given.map((each) => (Buffer.isBuffer(each) ? each : each.plaintext));
  expect(octets.map(({ length }) => length)).toEqual([32, 32, dose.length]);
  expect(octets.every((each) => each.every((octet) => octet === 0))).toBe(true);
});

describe("a key service that fails", () => {
  const failures = [
    ["key_service_unavailable", 503, "7", { retryAfter: 7 }],
    ["key_service_unavailable", 503, "5", {}],
    ["key_disabled", 409, undefined, {}],
  ] as const;
  it.each(failures)("is answered as %s, %i", async (code, status, retryAfter, options) => {
    const { app } = house;
    const fail = () => Promise.reject(new AppError(code, "the key is throttled or disabled", options));
    const wrappingKeys = { ...app.wrappingKeys, generate: fail, unwrap: fail };
    const sealed = await message(observations);
    const broken = {
      ...app,
      wrappingKeys: { ...wrappingKeys, keyOf: fail, rewrap: fail, scheduleDeletion: fail },
    };
    for (const [path, body] of [
      ["data-keys", { context: { ...observations, subject: "s-new" } }],
      ["data-keys", { context: observations }],
      ["data-key-pairs", { context: observations }],
      ["encrypt", { context: observations, plaintext: base64(dose) }],
      ["decrypt", { context: observations, message: sealed }],
      ["reencrypt", { context: observations, message: sealed }],
      ["subject-keys", { subject: "s-new" }],
    ] as const) {
      const answered = await post(house, { path, body, certificate: house.archive, app: broken });
      expect([path, answered.status, answered.json["code"]]).toEqual([path, status, code]);
      expect(answered.headers["retry-after"]).toBe(retryAfter);
    }
  });
});

it("no line of the log has a plaintext or a value of a context in it", () => {
  const log = JSON.stringify(house.log);
  expect(house.log.length).toBeGreaterThan(50);
  for (const secret of [dose, base64(dose), "s-7f3a91", "s-first"]) expect(log).not.toContain(secret);
});

it("a suspended fleet protects and reads nothing", async () => {
  const context = observations;
  const sealed = await message(context);
  const { wrapped } = shaped(dataKey, await send("data-keys", { context }), 201);
  await suspendFleet(house.app, fleet);
  for (const [path, body] of [
    ["data-keys", { context }],
    ["data-keys/unwrap", { context, wrapped }],
    ["data-key-pairs", { context }],
    ["encrypt", { context, plaintext: "" }],
    ["decrypt", { context, message: sealed }],
    ["reencrypt", { context, message: sealed }],
    ["subject-keys", { subject: "s-1" }],
  ] as const) {
    const { status, json } = await send(path, body);
    expect([path, status, json["code"]]).toEqual([path, 403, "fleet_suspended"]);
  }
});
