/** What each refusal of KMS means to a caller, and how often it is tried again. */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { kmsKeyService } from "../../../adapters/aws/kms-key-service.ts";
import type { ErrorCode } from "../../../core/errors.ts";
import { bench, failure, message } from "./kms-bench.ts";
import { KmsDouble } from "./kms-double.ts";

interface Case {
  readonly name: string;
  readonly code: ErrorCode;
  /** Sign requests of one call. */
  readonly tries: number;
  readonly says: RegExp;
  readonly retryAfter?: number;
}

const cases: readonly Case[] = [
  {
    name: "NotFoundException",
    code: "key_not_found",
    tries: 1,
    says: /no such key in this account and region/,
  },
  { name: "InvalidArnException", code: "key_not_found", tries: 1, says: /not the ARN of a key/ },
  {
    name: "DisabledException",
    code: "key_service_unavailable",
    tries: 1,
    says: /is disabled; enable it/,
    retryAfter: 300,
  },
  {
    name: "KMSInvalidStateException",
    code: "key_service_unavailable",
    tries: 1,
    says: /deletion is scheduled; cancel/,
    retryAfter: 300,
  },
  {
    name: "AccessDeniedException",
    code: "key_service_unavailable",
    tries: 4,
    says: /^kms:Sign on arn:aws:kms:\S+: permission is missing/,
    retryAfter: 60,
  },
  {
    name: "InvalidKeyUsageException",
    code: "configuration_invalid",
    tries: 1,
    says: /another spec or usage/,
  },
  { name: "InvalidGrantTokenException", code: "configuration_invalid", tries: 1, says: /grant token/ },
  {
    name: "UnsupportedOperationException",
    code: "configuration_invalid",
    tries: 1,
    says: /choose another algorithm/,
  },
  { name: "ValidationException", code: "configuration_invalid", tries: 1, says: /does not take the request/ },
  {
    name: "ThrottlingException",
    code: "key_service_unavailable",
    tries: 3,
    says: /throttled by KMS/,
    retryAfter: 2,
  },
  {
    name: "LimitExceededException",
    code: "key_service_unavailable",
    tries: 3,
    says: /quota/,
    retryAfter: 300,
  },
  {
    name: "KMSInternalException",
    code: "key_service_unavailable",
    tries: 3,
    says: /failed inside/,
    retryAfter: 2,
  },
  {
    name: "KeyUnavailableException",
    code: "key_service_unavailable",
    tries: 3,
    says: /failed inside/,
    retryAfter: 2,
  },
  {
    name: "DependencyTimeoutException",
    code: "key_service_unavailable",
    tries: 3,
    says: /failed inside/,
    retryAfter: 2,
  },
  {
    name: "ExpiredTokenException",
    code: "key_service_unavailable",
    tries: 1,
    says: /ExpiredTokenException; look at/,
    retryAfter: 5,
  },
];

describe("refusals of kms:Sign", () => {
  it.concurrent.each(cases)(
    "$name: $code after $tries tries",
    async ({ name, code, tries, says, retryAfter }) => {
      const { double, keys, key, keyId } = bench();
      double.fault = () => name;
      const error = await failure(keys.sign(keyId, message));
      expect(error).toMatchObject({ name: "AppError", code, retryAfter });
      expect(error.message).toContain(`kms:Sign on ${key.arn}: `);
      expect(error.message).toMatch(says);
      expect(double.count("Sign")).toBe(tries);
      expect(double.requests).toHaveLength(tries);
    },
  );

  it.concurrent.each(["ThrottlingException", "AccessDeniedException", "KMSInternalException", "answerLost"])(
    "%s twice, then an answer: the caller sees the signature alone",
    async (fault) => {
      const { double, keys, keyId } = bench();
      double.fault = () => (double.requests.length <= 2 ? fault : undefined);
      expect((await keys.sign(keyId, message)).length).toBeGreaterThan(0);
      expect(double.count("Sign")).toBe(3);
    },
  );

  it.each([
    { state: "Disabled", says: /enable it, or rotate/ },
    { state: "PendingDeletion", says: /cancel the deletion/ },
  ] as const)(
    "a key that is $state signs nothing, and its public key stays known",
    async ({ state, says }) => {
      const { keys, key, keyId } = bench();
      await keys.describeKey(keyId);
      key.state = state;
      const error = await failure(keys.sign(keyId, message));
      expect(error).toMatchObject({ code: "key_service_unavailable", retryAfter: 300 });
      expect(error.message).toMatch(says);
      expect((await keys.describeKey(keyId)).keyId).toBe(keyId);
    },
  );

  it("GetPublicKey refused for want of permission says which permission on which key", async () => {
    const { double, keys, key, keyId } = bench();
    double.fault = () => "AccessDeniedException";
    const error = await failure(keys.describeKey(keyId));
    expect(error.message).toMatch(new RegExp(`^kms:GetPublicKey on ${key.arn}: permission is missing`));
  });

  it("what KMS says of the caller stays in the cause", async () => {
    const { double, keys, keyId } = bench();
    double.fault = () => "DisabledException";
    const error = await failure(keys.sign(keyId, message));
    expect(error.message).not.toContain("refused: DisabledException");
    expect(error.cause).toMatchObject({ name: "DisabledException" });
  });
});

describe("answers that contradict the question", () => {
  const other = "arn:aws:kms:eu-central-1:000000000000:key/other";

  it.each(["sign", "describeKey"] as const)("%s: another key has answered", async (method) => {
    const { double, keys, key, keyId } = bench();
    double.keys.set(key.arn, { ...key, arn: other });
    const calls: Record<typeof method, () => Promise<unknown>> = {
      sign: () => keys.sign(keyId, message),
      describeKey: () => keys.describeKey(keyId),
    };
    const error = await failure(calls[method]());
    expect(error).toMatchObject({ code: "key_service_unavailable" });
    expect(error.message).toContain(`${other} has answered`);
  });

  it.each([
    { what: "another spec", change: { spec: "ECC_NIST_P384" }, code: "configuration_invalid" },
    { what: "another usage", change: { usage: "KEY_AGREEMENT" }, code: "configuration_invalid" },
    {
      what: "DER with an octet after its end",
      change: { publicKey: Buffer.concat([new KmsDouble().addKey("ECC_NIST_P256").publicKey, Buffer.of(0)]) },
      code: "key_service_unavailable",
    },
    { what: "no DER", change: { publicKey: Buffer.from("key") }, code: "key_service_unavailable" },
    {
      what: "a public key of another curve under the right spec",
      change: { publicKey: new KmsDouble().addKey("ECC_NIST_P384").publicKey },
      code: "key_service_unavailable",
    },
    {
      what: "an RSA key under the right spec",
      change: { publicKey: new KmsDouble().addKey("RSA_3072").publicKey },
      code: "key_service_unavailable",
    },
  ])("describeKey: $what is $code", async ({ change, code }) => {
    const { double, keys, key, keyId } = bench();
    double.keys.set(key.arn, { ...key, ...change });
    expect(await failure(keys.describeKey(keyId))).toMatchObject({ name: "AppError", code });
  });

  it.each([
    { what: "another length", modulusLength: 3_072, publicExponent: 65_537 },
    { what: "another exponent than 65,537", modulusLength: 4_096, publicExponent: 3 },
  ])("describeKey: an RSA-4096 key of $what is refused", async ({ modulusLength, publicExponent }) => {
    const double = new KmsDouble();
    const key = double.addKey("RSA_4096");
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength, publicExponent });
    double.keys.set(key.arn, { ...key, publicKey: publicKey.export({ format: "der", type: "spki" }) });
    const keys = kmsKeyService({ aliasPrefix: "fleetkey/test", client: double.client() });
    const error = await failure(keys.describeKey(`RSA-4096:${key.arn}`));
    expect(error).toMatchObject({ code: "key_service_unavailable" });
  });
});
