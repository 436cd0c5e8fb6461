/** Room: test. Data at rest over HTTP: what answers look like, and that a refusal quotes nothing of what was sent. */
import { createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
  const made = await send("encryption", { context, plaintext: base64(plaintext) });
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
    const opened = await send("data-keys/unwrapping", { context, wrapped: made.wrapped });
    expect(shaped(unwrappedDataKey, opened).plaintext).toBe(made.plaintext);
    const closed = shaped(dataKey, await send("data-keys", { context, plaintext: false }), 201);
    expect(closed).not.toHaveProperty("plaintext");
    const again = await send("data-keys/unwrapping", { context, wrapped: closed.wrapped });
    expect(Buffer.from(shaped(unwrappedDataKey, again).plaintext, "base64")).toHaveLength(32);
  });

  it("key pairs: the private key is in the message alone, and is that of the public key", async () => {
    const made = await send("data-key-pairs", { context, keyAlgorithm: "Ed25519" });
    const pair = shaped(dataKeyPair, made, 201);
    expect(pair).toMatchObject({ context: whole, keyAlgorithm: "Ed25519" });
    const opened = await send("decryption", { context, message: pair.wrappedPrivateKey });
    const der = Buffer.from(shaped(decryptedData, opened).plaintext, "base64");
    const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    expect(createPublicKey(key).equals(createPublicKey(pair.publicKey))).toBe(true);
    const usual = shaped(dataKeyPair, await send("data-key-pairs", { context }), 201);
    expect(usual.keyAlgorithm).toBe("P-256");
  });

  it("messages: encrypted, decrypted, moved to another context and not moved without need", async () => {
    const made = await message(context);
    const opened = shaped(decryptedData, await send("decryption", { context, message: made }));
    expect(opened).toEqual({ context: whole, plaintext: base64(dose) });
    const same = shaped(reencryptedData, await send("reencryption", { context, message: made }));
    expect(same).toEqual({ context: whole, message: made, changed: false });
    const to = { ...context, record: "r-1" };
    const moved = shaped(reencryptedData, await send("reencryption", { context, message: made, to }));
    expect(moved).toMatchObject({ context: { ...whole, record: "r-1" }, changed: true });
    const there = await send("decryption", { context: to, message: moved.message });
    expect(shaped(decryptedData, there).plaintext).toBe(base64(dose));
  });

  it.each([0, 1, plaintextBytes])("a plaintext of %i octets goes there and back", async (octets) => {
    const plaintext = randomBytes(octets);
    const made = await message(context, plaintext);
    const { status, text, json } = await send("decryption", { context, message: made });
    expect(status, text.slice(0, 300)).toBe(200);
    expect(json["plaintext"] === base64(plaintext)).toBe(true);
    // A Lambda invocation answers 6 MB at most.
    expect(text.length).toBeLessThan(6_000_000);
  });
});

it("a subject's key is given as the fleet's key has wrapped it, whoever asks first", async () => {
  const body = { subject: "s-first" };
  const key = shaped(subjectKey, await send("subject-keys", body));
  const context = { fleet, purpose: "fleetkey-subject-key", subject: "s-first" };
  expect(key).toMatchObject({ subject: "s-first", version: 1, context });
  expect(key.keyName).toBe(`subject-key:${fleet}:s-first:1`);
  expect(shaped(subjectKey, await send("subject-keys", body))).toEqual(key);
});

/** What a refusal must not say again. */
const said = "Zw9Said-By-The-Caller";
const saidContext = { ...observations, record: said };

const bodies: Readonly<Record<string, (context: unknown) => object>> = {
  "data-keys": (context) => ({ context }),
  "data-keys/unwrapping": (context) => ({
    context,
    wrapped: { providerId: said, providerInfo: base64(said), encryptedDataKey: base64(said) },
  }),
  "data-key-pairs": (context) => ({ context }),
  encryption: (context) => ({ context, plaintext: base64(said) }),
  decryption: (context) => ({ context, message: base64(said) }),
  reencryption: (context) => ({ context, message: base64(said) }),
};
const paths = Object.keys(bodies);

const unfit: readonly (readonly [string, string])[] = [
  ["nothing", "null"],
  ["text", `"${said}"`],
  ["a list", `["${said}"]`],
  ["an empty object", "{}"],
  ["a number", `{"purpose":"observations","subject":70}`],
  ["a number among more members", `{"purpose":"observations","subject":"s-1","record":7}`],
  ["an object", `{"purpose":"observations","subject":{"${said}":"${said}"}}`],
  ["a list of texts", `{"purpose":["observations"],"subject":"${said}"}`],
  ["no subject", `{"purpose":"observations","record":"${said}"}`],
  ["the prototype", `{"purpose":"observations","subject":"s-1","__proto__":"${said}"}`],
  ["an object as prototype", `{"purpose":"observations","__proto__":{"subject":"${said}"}}`],
  ["another fleet", `{"fleet":"${said}","purpose":"observations","subject":"s-1"}`],
  ["a name in capitals", `{"purpose":"observations","subject":"s-1","${said}":"v"}`],
  ["a value with a space", `{"purpose":"observations","subject":"${said} x"}`],
  ["a person", `{"purpose":"observations","subject":"${said}@example.com"}`],
  ["a birth date", `{"purpose":"observations","subject":"s-${said}-1970-01-31"}`],
  ["a purpose of the service", `{"purpose":"fleetkey-operator-decryption","subject":"${said}"}`],
  ["a member too many", JSON.stringify({ ...saidContext, ...nine() })],
];
function nine(): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`m-${index}`, said]));
}

describe.each(paths)("POST …/%s refuses", (path) => {
  const raw = (context: string): string =>
    JSON.stringify(bodies[path]?.("@@")).replace('"@@"', () => context);

  it.each(unfit)("%s for a context, and quotes nothing", async (_name, context) => {
    const { status, text, headers } = await send(path, raw(context));
    expect([400, 422], text).toContain(status);
    expect(headers["content-type"]).toContain("application/problem+json");
    expect(text).not.toContain(said);
    expect(text).not.toContain("1970");
  });

  it("a member that is not known, and repeats no name of it", async () => {
    const body = { ...bodies[path]?.(observations), [said]: said };
    const { status, text } = await send(path, body);
    expect(status, text).toBe(400);
    expect(text).not.toContain(said);
  });

  it.each([
    ["a list", `["${said}"]`],
    ["text", `"${said}"`],
    ["half of it", `{"context": {"purpose": "${said}`],
  ])("%s for a body", async (_name, body) => {
    const { status, text } = await send(path, body);
    expect(status, text).toBe(400);
    expect(text).not.toContain(said);
  });

  it("another purpose than its own", async () => {
    const { status, text, json } = await send(path, raw('{"purpose":"research","subject":"s-1"}'));
    expect(status, text).toBe(403);
    expect(json["code"]).toBe("purpose_not_permitted");
  });
});

/** Nothing of a text's own: base64url, no padding, line breaks, bits after the end, other characters. */
const malformed = ["Zm9vYg", "Zm9v\nYmFy", "Zm9vYh==", "Zm_v", "Zm9v====", "Zm9vé", "Z=9v"] as const;

describe.each([
  ["encryption", "plaintext", (value: unknown) => ({ context: observations, plaintext: value })],
  ["decryption", "message", (value: unknown) => ({ context: observations, message: value })],
  ["reencryption", "message", (value: unknown) => ({ context: observations, message: value })],
  [
    "data-keys/unwrapping",
    "encryptedDataKey",
    (value: unknown) => ({
      context: observations,
      wrapped: { providerId: "fleetkey", providerInfo: "", encryptedDataKey: value },
    }),
  ],
] as const)("POST …/%s takes base64 alone for its %s", (path, member, body) => {
  it.each(malformed)("RFC 4648 §4: not %j", async (value) => {
    const { status, text } = await send(path, body(value));
    expect(status, text).toBe(400);
    expect(text).toContain(member);
    expect(text).not.toContain(value);
  });
  it.each([null, 7, true, ["Zm9v"], { a: "Zm9v" }])("not %j", async (value) => {
    const { status, text } = await send(path, body(value));
    expect(status, text).toBe(400);
  });
});

describe("limits", () => {
  it.each([1, 3])("a plaintext of %i octets too many is refused with the limit", async (more) => {
    const plaintext = base64(Buffer.alloc(plaintextBytes + more));
    const { status, text } = await send("encryption", { context: observations, plaintext });
    expect([400, 413], text).toContain(status);
    expect(text.replaceAll(",", "")).toContain(String(plaintextBytes));
  });
  it("a wrapped key of 2,049 octets is refused", async () => {
    const wrapped = {
      providerId: "fleetkey",
      providerInfo: "",
      encryptedDataKey: base64(Buffer.alloc(2_049)),
    };
    const { status, text } = await send("data-keys/unwrapping", { context: observations, wrapped });
    expect([400, 413], text).toContain(status);
  });
  it.each(["P-521", "RSA-1024", "constructor", "__proto__", 7, null])(
    "a key pair of %j is refused",
    async (keyAlgorithm) => {
      const { status, text } = await send("data-key-pairs", { context: observations, keyAlgorithm });
      expect(status, text).toBe(400);
    },
  );
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
      for (const path of ["decryption", "reencryption"]) {
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
    path: "encryption",
    body: { context, plaintext: base64(dose) },
    certificate,
  });
  const { message: sealed } = shaped(encryptedData, made);
  for (const [path, body] of [
    ["decryption", { context, message: sealed }],
    ["reencryption", { context, message: sealed }],
    ["data-keys", { context }],
    ["data-key-pairs", { context }],
    ["subject-keys", { subject: "s-1" }],
  ] as const) {
    const { status, text } = await post(house, { path, body, certificate });
    expect(status, `${path} ${text}`).toBe(403);
  }
});

it("no line of the log has a plaintext or a value of a context in it", () => {
  const log = JSON.stringify(house.log);
  expect(house.log.length).toBeGreaterThan(100);
  for (const secret of [dose, base64(dose), said, "s-7f3a91", "s-first"]) expect(log).not.toContain(secret);
});

it("a suspended fleet protects and reads nothing", async () => {
  const sealed = await message(observations);
  await suspendFleet(house.app, fleet);
  for (const path of paths) {
    const body = { ...bodies[path]?.(observations), ...(path === "decryption" ? { message: sealed } : {}) };
    const { status, json } = await send(path, body);
    expect([path, status, json["code"]]).toEqual([path, 403, "fleet_suspended"]);
  }
});
