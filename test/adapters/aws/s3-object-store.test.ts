/** What goes to S3, and what becomes of refusals, lost answers and bodies that do not arrive whole. */
import { hash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { type S3ObjectStore, s3ObjectStore } from "../../../adapters/aws/s3-object-store.ts";
import { codeOf } from "../../support/errors.ts";
import { S3Double, type S3Fault, type S3Request } from "./s3-double.ts";

let double = new S3Double();
let store: S3ObjectStore;
/** Gives up soon: for what no patience helps. */
let hasty: S3ObjectStore;
beforeEach(() => {
  double = new S3Double();
  store = s3ObjectStore({ bucket: "fleetkey-test", client: double.client() });
  hasty = s3ObjectStore({ bucket: "fleetkey-test", client: double.client(), patience: 250 });
});

const text = (content: string) => ({ body: Buffer.from(content), contentType: "text/plain" });
const current = (key: string): string | undefined => double.objects.get(key)?.at(-1)?.body.toString();

/** The first `count` requests of `method` meet `fault`, the others nothing. */
function first(count: number, method: string, fault: S3Fault): void {
  let left = count;
  double.fault = (request: S3Request) => {
    if (request.method !== method || left === 0) return undefined;
    left -= 1;
    return fault;
  };
}

describe("the request of a put", () => {
  it("holds octets, media type, Cache-Control, SHA-256 and a mark of this call, and nothing of ours besides", async () => {
    await store.put("fleets/a/trust.pem", { ...text("x"), cacheControl: "public, max-age=300" });
    const [{ method, hostname, key, headers } = expect.fail()] = double.requests;
    expect({ method, hostname, key }).toEqual({
      method: "PUT",
      hostname: "fleetkey-test.s3.eu-central-1.amazonaws.com",
      key: "fleets/a/trust.pem",
    });
    expect(headers).toMatchObject({
      "content-type": "text/plain",
      "cache-control": "public, max-age=300",
      "content-length": "1",
      "x-amz-checksum-sha256": hash("sha256", "x", "base64"),
      "x-amz-meta-fleetkey-write": expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(headers).not.toHaveProperty("if-match");
    expect(headers).not.toHaveProperty("if-none-match");
  });

  it("asks for absence by If-None-Match, for a tag by If-Match", async () => {
    const { tag } = await store.put("a", text("1"), "absent");
    await store.put("a", text("2"), { tag });
    expect(double.requests.map(({ headers }) => [headers["if-none-match"], headers["if-match"]])).toEqual([
      ["*", undefined],
      [undefined, tag],
    ]);
  });

  it.each(["*", 'W/"a"', '"a", "b"', "hexadecimal"])(
    "never sends the tag %j, which S3 gives to nothing",
    async (tag) => {
      double.write("a", "1");
      expect(await codeOf(store.put("a", text("2"), { tag }))).toBe("store_condition_failed");
      expect(double.requests).toEqual([]);
    },
  );

  it("names the version that it made, and get the one that it read", async () => {
    const { versionId } = await store.put("a", text("1"));
    expect(versionId).toBe(double.objects.get("a")?.[0]?.versionId);
    expect((await store.get("a"))?.versionId).toBe(versionId);
  });
});

describe("a put whose answer is lost", () => {
  const conditions = [
    { name: "without a condition", when: () => undefined, versions: 3 },
    { name: "where nothing was", when: () => "absent" as const, versions: 2 },
    { name: "of a tag", when: (tag: string) => ({ tag }), versions: 2 },
  ];

  it.each(conditions)("$name is done all the same, and told so", async ({ name, when, versions }) => {
    const before = name === "where nothing was" ? { tag: "" } : double.write("a", "before");
    first(1, "PUT", "answerLost");
    const { tag, versionId } = await store.put("a", text("mine"), when(before.tag));
    const last = double.objects.get("a")?.at(-1);
    expect({ tag, versionId }).toEqual({ tag: last?.tag, versionId: last?.versionId });
    expect(current("a")).toBe("mine");
    expect(double.objects.get("a")).toHaveLength(name === "where nothing was" ? 1 : versions);
  });

  it("is told the truth when its repetition's answer and the look at it are lost too", async () => {
    const lost = new Map([
      ["PUT", 2],
      ["HEAD", 1],
    ]);
    double.fault = ({ method }) => {
      const left = lost.get(method) ?? 0;
      lost.set(method, left - 1);
      return left > 0 ? "answerLost" : undefined;
    };
    const { tag } = await store.put("a", text("mine"), "absent");
    expect(tag).toBe(double.objects.get("a")?.[0]?.tag);
    expect(double.objects.get("a")).toHaveLength(1);
  });

  it("is refused when another writer's object is there, also one of the same octets", async () => {
    double.fault = () => undefined;
    first(1, "PUT", { status: 500, name: "InternalError" });
    double.write("a", "mine");
    expect(await codeOf(store.put("a", text("mine"), "absent"))).toBe("store_condition_failed");
    expect(double.objects.get("a")).toHaveLength(1);
  });

  it("is refused when another writer has replaced it before it was told", async () => {
    first(1, "PUT", "answerLost");
    let replaced = false;
    double.afterwards = ({ method }) => {
      if (method === "PUT" && !replaced) double.write("a", "theirs");
      replaced = true;
    };
    expect(await codeOf(store.put("a", text("mine"), "absent"))).toBe("store_condition_failed");
    expect(current("a")).toBe("theirs");
  });

  it("is refused when its object is gone by the time it looks", async () => {
    double.write("a", "theirs");
    double.afterwards = () => double.objects.delete("a");
    double.fault = ({ method }) =>
      method === "PUT" ? { status: 412, name: "PreconditionFailed" } : undefined;
    double.objects.delete("a");
    expect(await codeOf(store.put("a", text("mine"), "absent"))).toBe("store_condition_failed");
  });
});

describe("a conflict with a request under way (409)", () => {
  it("is repeated until the condition is known", async () => {
    first(3, "PUT", { status: 409, name: "ConditionalRequestConflict" });
    await store.put("a", text("mine"), "absent");
    expect(current("a")).toBe("mine");
  });

  it("that stays is store_unavailable: nobody knows whether the condition holds", async () => {
    first(1_000, "PUT", { status: 409, name: "ConditionalRequestConflict" });
    expect(await codeOf(hasty.put("a", text("mine"), "absent"))).toBe("store_unavailable");
    expect(double.objects.size).toBe(0);
  });
});

const refusals: readonly { readonly fault: S3Fault; readonly code: string; readonly says: RegExp }[] = [
  ...["SlowDown", "ServiceUnavailable"].map((name) => ({
    fault: { status: 503, name },
    code: "store_unavailable",
    says: /repeat the request/,
  })),
  { fault: { status: 500, name: "InternalError" }, code: "store_unavailable", says: /repeat the request/ },
  { fault: { status: 502, name: "NoName" }, code: "store_unavailable", says: /repeat the request/ },
  { fault: "silence", code: "store_unavailable", says: /did not answer in time/ },
  { fault: "answerLost", code: "store_unavailable", says: /did not answer in time/ },
  {
    fault: { status: 404, name: "NoSuchBucket" },
    code: "configuration_invalid",
    says: /deploy the state stack/,
  },
  { fault: { status: 403, name: "AccessDenied" }, code: "configuration_invalid", says: /s3:ListBucket/ },
  {
    fault: { status: 403, name: "SignatureDoesNotMatch" },
    code: "configuration_invalid",
    says: /credentials/,
  },
  { fault: { status: 403, name: "ExpiredToken" }, code: "configuration_invalid", says: /credentials/ },
  {
    fault: { status: 301, name: "PermanentRedirect" },
    code: "configuration_invalid",
    says: /another region/,
  },
  { fault: { status: 400, name: "KMS.DisabledException" }, code: "configuration_invalid", says: /encrypts/ },
  { fault: { status: 400, name: "InvalidArgument" }, code: "internal", says: /report it/ },
];

describe("refusals", () => {
  it.each(refusals)(
    "$fault is $code for put and for get, and names no key",
    async ({ fault, code, says }) => {
      double.fault = () => fault;
      for (const call of [() => hasty.put("secret-key", text("x")), () => hasty.get("secret-key")]) {
        const error = await call().catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code, message: expect.stringMatching(says) });
        expect((error as Error).message).toContain("bucket fleetkey-test");
        expect((error as Error).message).not.toContain("secret-key");
      }
    },
  );

  it("what passes within the patience of a call is not told", async () => {
    double.write("a", "1");
    first(4, "GET", { status: 503, name: "SlowDown" });
    expect((await store.get("a"))?.tag).toBe(double.objects.get("a")?.[0]?.tag);
    first(4, "PUT", { status: 503, name: "SlowDown" });
    await store.put("a", text("2"));
    expect(current("a")).toBe("2");
  });

  it("octets that S3 found changed on the way are sent again", async () => {
    first(1, "PUT", { status: 400, name: "BadDigest" });
    await store.put("a", text("2"));
    expect(current("a")).toBe("2");
  });
});

describe("the body of a get", () => {
  it.each(["cut", "flipped"] as const)(
    "that arrives %s is asked for again, and never returned",
    async (fault) => {
      await store.put("a", text("whole"));
      first(2, "GET", fault);
      expect(Buffer.from((await store.get("a"))?.body ?? []).toString()).toBe("whole");
      expect(double.count("GET")).toBe(3);
      first(1_000, "GET", fault);
      expect(await codeOf(hasty.get("a"))).toBe("store_unavailable");
    },
  );

  it("that stops coming is given up", async () => {
    await store.put("a", text("whole"));
    first(1_000, "GET", "stalled");
    expect(await codeOf(hasty.get("a"))).toBe("store_unavailable");
  });

  it("of an object over the limit is not read", async () => {
    double.write("a", "x", { "content-length": "64000001" });
    const version = double.objects.get("a")?.[0];
    Object.defineProperty(version?.body, "length", { value: 64_000_001 });
    expect(await codeOf(store.get("a"))).toBe("store_limit_exceeded");
  });

  it("without a media type is octets", async () => {
    double.objects.set("a", [{ body: Buffer.from("x"), headers: {}, tag: '"t"', versionId: "null" }]);
    expect(await store.get("a")).toEqual({
      body: Buffer.from("x"),
      contentType: "application/octet-stream",
      tag: '"t"',
    });
  });
});
