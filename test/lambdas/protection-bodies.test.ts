/** Room: test. Bodies about data at rest that are not what they should be: refused, and nothing of them is quoted. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { protectionStandard } from "../../core/standard/protection.ts";
import {
  type Answer,
  base64,
  observations,
  openProtectionHouse,
  type ProtectionHouse,
  post,
} from "./protection-house.ts";

let house: ProtectionHouse;
beforeAll(async () => {
  house = await openProtectionHouse();
});
afterAll(() => house.close());

const send = (path: string, body: object | string): Promise<Answer> =>
  post(house, { path, body, certificate: house.store });

const { plaintextBytes } = protectionStandard.message;

/** What a refusal must not say again. */
const said = "Zw9Said-By-The-Caller";
const saidContext = { ...observations, record: said };

const bodies: Readonly<Record<string, (context: unknown) => object>> = {
  "data-keys": (context) => ({ context }),
  "data-keys/unwrap": (context) => ({
    context,
    wrapped: { providerId: said, providerInfo: base64(said), encryptedDataKey: base64(said) },
  }),
  "data-key-pairs": (context) => ({ context }),
  encrypt: (context) => ({ context, plaintext: base64(said) }),
  decrypt: (context) => ({ context, message: base64(said) }),
  reencrypt: (context) => ({ context, message: base64(said) }),
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
  ["encrypt", "plaintext", (value: unknown) => ({ context: observations, plaintext: value })],
  ["decrypt", "message", (value: unknown) => ({ context: observations, message: value })],
  ["reencrypt", "message", (value: unknown) => ({ context: observations, message: value })],
  [
    "data-keys/unwrap",
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
    const { status, text } = await send("encrypt", { context: observations, plaintext });
    expect([400, 413], text).toContain(status);
    expect(text.replaceAll(",", "")).toContain(String(plaintextBytes));
  });
  it("a wrapped key of 2,049 octets is refused", async () => {
    const wrapped = {
      providerId: "fleetkey",
      providerInfo: "",
      encryptedDataKey: base64(Buffer.alloc(2_049)),
    };
    const { status, text } = await send("data-keys/unwrap", { context: observations, wrapped });
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

it("no line of the log has a word of what was sent", () => {
  expect(house.log.length).toBeGreaterThan(100);
  expect(JSON.stringify(house.log)).not.toContain(said);
});
