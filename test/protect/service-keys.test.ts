/** Room: test. How often and when the service is asked for data keys, what becomes of its refusals, and of the keys. */
import type { NodeEncryptionMaterial } from "@aws-crypto/client-node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { boundedMaterials } from "../../protect/bounded-materials.ts";
import { cacheBounds } from "../../protect/cache-bounds.ts";
import { AppError, fleetkeyProtector, kmsKeys, type Protector, serviceKeys } from "../../protect/index.ts";
import { encryptMessage } from "../../protect/messages.ts";
import { type KeyServer, keyringOf, startKeyServer } from "./key-server.ts";

let server: KeyServer;
const open: Protector[] = [];
const context = { purpose: "observations", subject: "s-7f3a91" };

function protectorOf(cache = {}, more = {}): Protector {
  const { url, ca, client } = server;
  const protector = fleetkeyProtector({
    keys: serviceKeys({ url, fleet: "default", ca, ...client, ...more }),
    cache,
  });
  open.push(protector);
  return protector;
}

const failureOf = async (attempt: Promise<unknown>): Promise<AppError> => {
  const failure: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return failure instanceof AppError ? failure : expect.fail(`no AppError: ${String(failure)}`);
};

beforeAll(async () => {
  server = await startKeyServer();
});
afterEach(() => {
  for (const protector of open.splice(0)) protector.close();
  server.requests.length = 0;
  server.scripted.length = 0;
});
afterAll(() => server.close());

describe("requests", () => {
  it("1,000 records of one context at once: one request to write, one to read", async () => {
    const protector = protectorOf();
    const stored = await Promise.all(
      Array.from({ length: 1_000 }, (_, at) => protector.protect({ at }, ["at"], context)),
    );
    await Promise.all(stored.map((each) => protector.unprotect(each, ["at"], context)));
    expect(server.requests).toEqual(["/v1/fleets/default/data-keys", "/v1/fleets/default/data-keys/unwrap"]);
  });

  it("messages are counted, whatever their frames; octets too", async () => {
    const messages = protectorOf({ messages: 2 });
    for (let count = 0; count < 5; count += 1) await messages.protectBytes(Buffer.alloc(2_500_000), context);
    expect(server.requests).toHaveLength(3);
    server.requests.length = 0;
    const octets = protectorOf({ bytes: 3_000_000 });
    for (let count = 0; count < 4; count += 1) await octets.protectBytes(Buffer.alloc(1_500_000), context);
    expect(server.requests).toHaveLength(2);
  });

  it("a subject has a data key of its own, and so has a purpose", async () => {
    const protector = protectorOf();
    await protector.protectBytes(Buffer.of(1), context);
    await protector.protectBytes(Buffer.of(1), { ...context, subject: "s-2" });
    await protector.protectBytes(Buffer.of(1), { ...context, purpose: "images" });
    expect(server.requests).toHaveLength(3);
  });

  it("after forget() every key is asked for again", async () => {
    const protector = protectorOf();
    const message = await protector.protectBytes(Buffer.of(1), context);
    await protector.unprotectBytes(message, context);
    protector.forget();
    await protector.protectBytes(Buffer.of(1), context);
    await protector.unprotectBytes(message, context);
    expect(server.requests).toHaveLength(4);
  });

  it("a token goes with every request, a signature over it to the routes for IAM", async () => {
    let tokens = 0;
    const token = async () => `t-${++tokens}`;
    await protectorOf({}, { token }).protectBytes(Buffer.of(1), context);
    expect(tokens).toBe(1);
    const { url, ca } = server;
    const signed: string[] = [];
    const sign = async (request: { url: string; headers: Readonly<Record<string, string>> }) => {
      signed.push(request.url);
      return { ...request.headers, authorization: "AWS4-HMAC-SHA256" };
    };
    const keys = serviceKeys({ url: `${url}/`, fleet: "default", ca, sign });
    await failureOf(fleetkeyProtector({ keys }).protectBytes(Buffer.of(1), context));
    keys.close();
    expect(new Set(signed)).toEqual(new Set([`${url}/v1/iam/fleets/default/data-keys`]));
  });
});

describe("what the service does not answer", () => {
  it.each([429, 502, 503, 504])("%i is asked again, and the answer taken", async (status) => {
    server.scripted.push({ status }, { status, headers: { "retry-after": "1" } });
    await protectorOf().protectBytes(Buffer.of(1), context);
    expect(server.requests).toHaveLength(3);
  });

  it("four times at most, and not when it says to come back much later", async () => {
    server.scripted.push(...Array.from({ length: 9 }, () => ({ status: 503 })));
    expect(await failureOf(protectorOf().protectBytes(Buffer.of(1), context))).toMatchObject({
      code: "key_service_unavailable",
    });
    expect(server.requests).toHaveLength(4);
    server.requests.length = 0;
    server.scripted.splice(0, 9, { status: 429, headers: { "retry-after": "3600" } });
    const failure = await failureOf(protectorOf().protectBytes(Buffer.of(1), context));
    expect([failure.code, failure.retryAfter, server.requests.length]).toEqual(["rate_limited", 3600, 1]);
  });

  it.each([
    { status: 410, code: "subject_shredded", detail: "the data of this subject are destroyed" },
    { status: 403, code: "purpose_not_permitted", detail: "not this purpose" },
    { status: 422, code: "data_unreadable", detail: "the data cannot be read" },
  ])("$code is passed on with its text, is not asked again and not kept", async ({ status, ...problem }) => {
    server.scripted.push({ status, body: JSON.stringify(problem) });
    const protector = protectorOf();
    const failure = await failureOf(protector.protectBytes(Buffer.of(1), context));
    expect([failure.code, failure.message]).toEqual([problem.code, problem.detail]);
    expect(server.requests).toHaveLength(1);
    await protector.protectBytes(Buffer.of(1), context);
  });

  it.each([
    { name: "no JSON", body: "<html>" },
    { name: "no members", body: "{}" },
    { name: "null", body: "null" },
    { name: "a short key", body: forged({ plaintext: "AAAA" }) },
    { name: "another context", body: forged({ context: { purpose: "x" } }) },
    { name: "too much", body: `"${"x".repeat(100_000)}"` },
  ])("an answer that is no data key is refused: $name", async ({ body }) => {
    server.scripted.push(...Array.from({ length: 4 }, () => ({ status: 201, body })));
    const failure = await failureOf(protectorOf().protectBytes(Buffer.of(1), context));
    expect(failure.code).toBe("key_service_unavailable");
  });

  it("no message repeats what a proxy wrote, a token or the context", async () => {
    server.scripted.push({ status: 400, body: JSON.stringify({ code: "x", detail: "secret s-7f3a91" }) });
    const { message } = await failureOf(protectorOf().protectBytes(Buffer.of(1), context));
    expect(message).toBe("the service answered 400; look at its log for this time");
  });

  it("a server of another authority, or none at all, is an AppError", async () => {
    const { url, client } = server;
    for (const address of [url, "https://127.0.0.1:1"]) {
      const keys = serviceKeys({ url: address, fleet: "default", ...client });
      const failure = await failureOf(fleetkeyProtector({ keys }).protectBytes(Buffer.of(1), context));
      keys.close();
      expect(failure.code).toBe("key_service_unavailable");
    }
  });

  it("plain HTTP and what is no ARN are refused before anything is sent", () => {
    expect(() => serviceKeys({ url: "http://127.0.0.1", fleet: "default", token: async () => "t" })).toThrow(
      /https/,
    );
    expect(() => kmsKeys({ fleet: "default", keyArns: ["alias/key"] })).toThrow(/ARN/);
  });
});

function forged(part: object): string {
  const wrapped = { providerId: "fleetkey", providerInfo: "AAAA", encryptedDataKey: "AAAA" };
  const context = { fleet: "default", purpose: "observations", subject: "s-7f3a91" };
  return JSON.stringify({ context, wrapped, plaintext: Buffer.alloc(32).toString("base64"), ...part });
}

it("what the SDK was given to use is overwritten after each message, what is kept when it ends", async () => {
  const keyring = keyringOf(server);
  const kept: NodeEncryptionMaterial[] = [];
  const { onEncrypt } = keyring;
  const watched = Object.create(keyring, {
    onEncrypt: {
      value: async (material: NodeEncryptionMaterial) => {
        kept.push(await onEncrypt.call(keyring, material));
        return material;
      },
    },
  }) as typeof keyring;
  const materials = boundedMaterials(watched, cacheBounds());
  const message = { fleet: "default", purpose: "o", subject: "s" };
  await encryptMessage(materials, Buffer.of(1), message);
  await encryptMessage(materials, Buffer.of(2), message);
  expect(kept.map(({ hasUnencryptedDataKey }) => hasUnencryptedDataKey)).toEqual([true]);
  expect(materials.size()).toBe(1);
  materials.clear();
  await Promise.resolve();
  await Promise.resolve();
  expect(kept.map(({ hasUnencryptedDataKey }) => hasUnencryptedDataKey)).toEqual([false]);
});
