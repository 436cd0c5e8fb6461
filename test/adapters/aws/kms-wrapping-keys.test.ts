/** Wrapping keys in KMS over the double: the contract, what is asked of KMS, and what each refusal means. */
import { describe, expect, it } from "vitest";
import { kmsWrappingKeys } from "../../../adapters/aws/kms-wrapping-keys.ts";
import type { AppError } from "../../../core/errors.ts";
import { wrappingKeysContract } from "../../contracts/wrapping-keys.ts";
import { codeOf } from "../../support/errors.ts";
import { failure } from "./kms-bench.ts";
import { KmsDouble } from "./kms-double.ts";

const context = { fleet: "fleet-a", purpose: "observations", subject: "subject-1" };
const now = 1_700_000_000_000;

function bench() {
  const double = new KmsDouble();
  const key = double.addKey("ECC_NIST_P256");
  const older = double.addKey("ECC_NIST_P256");
  const foreign = double.addKey("ECC_NIST_P256");
  const client = double.client();
  const keys = kmsWrappingKeys({
    keys: { "fleet-a": [key.arn, older.arn], "fleet-b": [foreign.arn], "fleet-none": [] },
    client,
    now: () => now,
  });
  const before = kmsWrappingKeys({ keys: { "fleet-a": [older.arn] }, client });
  return { double, key, older, foreign, keys, before };
}

wrappingKeysContract("KMS, double", async () => {
  const double = new KmsDouble();
  const [mine = "", next = "", other = "", doomed = "", second = ""] = Array.from(
    { length: 5 },
    () => double.addKey("ECC_NIST_P256").arn,
  );
  const client = double.client();
  const others = { other: [other], doomed: [doomed, second] };
  return {
    keys: kmsWrappingKeys({ keys: { mine: [mine], ...others }, client }),
    fleets: { mine: "mine", other: "other", doomed: "doomed" },
    unknownFleets: ["", "missing", "constructor", "__proto__", "toString"],
    rotated: async () => kmsWrappingKeys({ keys: { mine: [next, mine], ...others }, client }),
    close: async () => undefined,
  };
});

describe("what is asked of KMS", () => {
  it("names the key and the context in every request, and asks once a call", async () => {
    const { double, keys, key, older, before } = bench();
    const { plaintext: _, ...old } = await before.generate("fleet-a", context);
    const made = await keys.generate("fleet-a", context);
    await keys.unwrap("fleet-a", made, context);
    await keys.rewrap("fleet-a", old, context, { ...context, subject: "subject-2" });
    expect(double.requests.map(({ operation }) => operation)).toEqual([
      "GenerateDataKey",
      "GenerateDataKey",
      "Decrypt",
      "ReEncrypt",
    ]);
    const [, generate, decrypt, reEncrypt] = double.requests.map(({ body }) => body);
    expect(generate).toEqual({ KeyId: key.arn, KeySpec: "AES_256", EncryptionContext: context });
    expect(decrypt).toMatchObject({ KeyId: key.arn, EncryptionContext: context });
    expect(reEncrypt).toMatchObject({
      SourceKeyId: older.arn,
      SourceEncryptionContext: context,
      DestinationKeyId: key.arn,
      DestinationEncryptionContext: { ...context, subject: "subject-2" },
    });
  });

  it("nothing, of another fleet's key, or for what no ciphertext of KMS is", async () => {
    const { double, keys, key, foreign } = bench();
    const wrapped = Buffer.alloc(60);
    const calls = [
      keys.unwrap("fleet-a", { keyId: foreign.arn, wrapped }, context),
      keys.unwrap("fleet-b", { keyId: key.arn, wrapped }, context),
      keys.rewrap("fleet-a", { keyId: foreign.arn, wrapped }, context, context),
      keys.generate("fleet-none", context),
      keys.scheduleDeletion("fleet-none", 7),
    ];
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => "key_not_found"));
    for (const length of [0, 6_145]) {
      const key_ = { keyId: key.arn, wrapped: Buffer.alloc(length) };
      expect(await codeOf(keys.unwrap("fleet-a", key_, context))).toBe("data_unreadable");
      expect(await codeOf(keys.rewrap("fleet-a", key_, context, context))).toBe("data_unreadable");
    }
    expect(double.requests).toEqual([]);
  });

  it("an answer of another key than the one that was asked is not believed", async () => {
    const { double, keys, key, foreign } = bench();
    double.keys.set(key.arn, foreign);
    const made = await keys.generate("fleet-b", context);
    const renamed = { ...made, keyId: key.arn };
    for (const call of [
      keys.generate("fleet-a", context),
      keys.unwrap("fleet-a", renamed, context),
      keys.rewrap("fleet-a", renamed, context, context),
    ]) {
      const error = await failure(call);
      expect(error.code).toBe("key_service_unavailable");
      expect(error.message).toContain(`on ${key.arn}: ${foreign.arn} has answered`);
    }
  });
});

/** What each call of a key means when KMS refuses it. */
const refusals = [
  { name: "DisabledException", code: "key_disabled", says: /the key is disabled; enable it/, tries: 1 },
  { name: "KMSInvalidStateException", code: "key_disabled", says: /cancel the deletion within/, tries: 1 },
  { name: "NotFoundException", code: "key_not_found", says: /no such key/, tries: 1 },
  {
    name: "ThrottlingException",
    code: "key_service_unavailable",
    says: /throttled/,
    tries: 3,
    retryAfter: 2,
  },
  {
    name: "KMSInternalException",
    code: "key_service_unavailable",
    says: /failed inside/,
    tries: 3,
    retryAfter: 2,
  },
  {
    name: "KeyUnavailableException",
    code: "key_service_unavailable",
    says: /failed inside/,
    tries: 3,
    retryAfter: 2,
  },
  {
    name: "AccessDeniedException",
    code: "key_service_unavailable",
    says: /permission is missing/,
    tries: 4,
    retryAfter: 60,
  },
  {
    name: "InvalidKeyUsageException",
    code: "configuration_invalid",
    says: /another spec or usage/,
    tries: 1,
  },
  { name: "unreachable", code: "key_service_unavailable", says: /EHOSTUNREACH/, tries: 1, retryAfter: 5 },
] as const;

const unreadable = "the data cannot be read: not of this fleet and context, or changed";

describe.each(["GenerateDataKey", "Decrypt", "ReEncrypt"])("kms:%s", (operation) => {
  async function refusedBy(name: string): Promise<{ readonly error: AppError; readonly tries: number }> {
    const { double, keys, before } = bench();
    const { plaintext: _, ...old } = await before.generate("fleet-a", context);
    double.requests.length = 0;
    double.fault = (request) => (request.operation === operation ? name : undefined);
    const calls = {
      GenerateDataKey: () => keys.generate("fleet-a", context),
      Decrypt: () => keys.unwrap("fleet-a", old, context),
      ReEncrypt: () => keys.rewrap("fleet-a", old, context, context),
    };
    const error = await failure(calls[operation as keyof typeof calls]());
    return { error, tries: double.count(operation) };
  }

  it.each(refusals)("refused as $name is $code", async ({ name, code, says, tries, ...rest }) => {
    const { error, tries: tried } = await refusedBy(name);
    expect(error).toMatchObject({ code, retryAfter: "retryAfter" in rest ? rest.retryAfter : undefined });
    expect(error.message).toMatch(says);
    expect(error.message).toContain(`kms:${operation} on arn:aws:kms:`);
    expect(tried).toBeGreaterThanOrEqual(tries);
    for (const value of Object.values(context)) expect(error.message).not.toContain(value);
  });

  it.each(["InvalidCiphertextException", "IncorrectKeyException"])(
    "refused as %s says nothing but that the data is unreadable",
    async (name) => {
      const { error } = await refusedBy(name);
      expect(error).toMatchObject({ code: "data_unreadable", message: unreadable });
      expect(error).not.toHaveProperty("cause");
    },
  );
});

describe("a throttled KMS", () => {
  it("that answers the third attempt costs its caller nothing but time", async () => {
    const { double, keys } = bench();
    double.fault = ({ operation }) => (double.count(operation) < 3 ? "ThrottlingException" : undefined);
    const key = await keys.generate("fleet-a", context);
    expect(await keys.unwrap("fleet-a", key, context)).toEqual(key.plaintext);
  });

  it("that loses an answer gives another key, which opens", async () => {
    const { double, keys } = bench();
    double.fault = ({ operation }) => (double.count(operation) === 1 ? "answerLost" : undefined);
    const key = await keys.generate("fleet-a", context);
    expect(await keys.unwrap("fleet-a", key, context)).toEqual(key.plaintext);
  });
});

describe("a key that is disabled, or to be destroyed", () => {
  it.each(["Disabled", "PendingDeletion"])("%s: nothing opens until it is enabled again", async (state) => {
    const { key, keys } = bench();
    const made = await keys.generate("fleet-a", context);
    key.state = state;
    expect(await codeOf(keys.unwrap("fleet-a", made, context))).toBe("key_disabled");
    expect(await codeOf(keys.generate("fleet-a", context))).toBe("key_disabled");
    key.state = "Enabled";
    expect(await keys.unwrap("fleet-a", made, context)).toEqual(made.plaintext);
  });

  it("the former key alone: what it wrapped cannot be moved, and new keys are wrapped all the same", async () => {
    const { older, keys, before } = bench();
    const { plaintext: _, ...old } = await before.generate("fleet-a", context);
    older.state = "Disabled";
    const error = await failure(keys.rewrap("fleet-a", old, context, context));
    expect(error.code).toBe("key_disabled");
    expect(error.message).toContain(older.arn);
    const made = await keys.generate("fleet-a", context);
    expect(await keys.unwrap("fleet-a", made, context)).toEqual(made.plaintext);
  });
});

describe("a deletion", () => {
  it("takes all of the fleet's keys, at the time of the last of them, and none of another's", async () => {
    const { key, older, foreign, keys } = bench();
    older.state = "PendingDeletion";
    older.deletionAt = 4_000_000_000;
    expect(await keys.scheduleDeletion("fleet-a", 7)).toEqual({ deletionAt: 4_000_000_000_000 });
    expect([key.state, older.state, foreign.state]).toEqual([
      "PendingDeletion",
      "PendingDeletion",
      "Enabled",
    ]);
    expect(older.deletionAt).toBe(4_000_000_000);
  });

  it("of keys that are gone is over now", async () => {
    const { double, key, older, keys } = bench();
    double.keys.delete(key.arn);
    double.keys.delete(older.arn);
    expect(await keys.scheduleDeletion("fleet-a", 7)).toEqual({ deletionAt: now });
  });

  it("that KMS refuses for one key schedules the others, says so, and is finished by a repetition", async () => {
    const { double, key, older, keys } = bench();
    double.fault = ({ operation, body }) =>
      operation === "ScheduleKeyDeletion" && body["KeyId"] === key.arn ? "ThrottlingException" : undefined;
    expect(await codeOf(keys.scheduleDeletion("fleet-a", 7))).toBe("key_service_unavailable");
    expect([key.state, older.state]).toEqual(["Enabled", "PendingDeletion"]);
    double.fault = () => undefined;
    await keys.scheduleDeletion("fleet-a", 7);
    expect(key.state).toBe("PendingDeletion");
  });

  it("whose answer is lost is found done", async () => {
    const { double, key, older, keys } = bench();
    double.fault = ({ operation }) =>
      operation === "ScheduleKeyDeletion" && double.count(operation) % 2 === 1 ? "answerLost" : undefined;
    const { deletionAt } = await keys.scheduleDeletion("fleet-a", 7);
    const last = Math.max(key.deletionAt ?? 0, older.deletionAt ?? 0);
    expect(deletionAt).toBe(last * 1_000);
  });

  it("that the key's state forbids, for no deletion of its own, is told with the state", async () => {
    const { double, key, keys } = bench();
    double.fault = ({ operation }) =>
      operation === "ScheduleKeyDeletion" ? "KMSInvalidStateException" : undefined;
    key.state = "Unavailable";
    const error = await failure(keys.scheduleDeletion("fleet-a", 7));
    expect(error.code).toBe("key_service_unavailable");
    expect(error.message).toContain("unavailable, forbids it");
  });
});
