/** In which form a message of each length goes to KMS, and how many calls a signature costs. */
import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { kmsKeyService } from "../../../adapters/aws/kms-key-service.ts";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../../core/formats/algorithms.ts";
import type { KeyService } from "../../../core/ports.ts";
import { nodeVerifies } from "../../contracts/signature-judges.ts";
import { KmsDouble } from "./kms-double.ts";
import type { KmsDoubleKey } from "./kms-double-custody.ts";

interface Bench {
  readonly double: KmsDouble;
  readonly keys: KeyService;
  readonly key: KmsDoubleKey;
  readonly keyId: string;
}

/** A key that an operator made; no createKey has warmed anything. */
function bench(algorithm: AuthorityAlgorithmId, spec: string, grantTokens?: readonly string[]): Bench {
  const double = new KmsDouble();
  const key = double.addKey(spec);
  const options = { aliasPrefix: "fleetkey/test", client: double.client() };
  const keys = kmsKeyService(grantTokens === undefined ? options : { ...options, grantTokens });
  return { double, keys, key, keyId: `${algorithm}:${key.arn}` };
}

const rows = [
  { algorithm: "P-256", spec: "ECC_NIST_P256", name: "ECDSA_SHA_256", long: "DIGEST", octets: 32 },
  { algorithm: "P-384", spec: "ECC_NIST_P384", name: "ECDSA_SHA_384", long: "DIGEST", octets: 48 },
  { algorithm: "RSA-3072", spec: "RSA_3072", name: "RSASSA_PKCS1_V1_5_SHA_256", long: "DIGEST", octets: 32 },
  { algorithm: "RSA-4096", spec: "RSA_4096", name: "RSASSA_PKCS1_V1_5_SHA_512", long: "DIGEST", octets: 64 },
  { algorithm: "ML-DSA-65", spec: "ML_DSA_65", name: "ML_DSA_SHAKE_256", long: "EXTERNAL_MU", octets: 64 },
  { algorithm: "ML-DSA-87", spec: "ML_DSA_87", name: "ML_DSA_SHAKE_256", long: "EXTERNAL_MU", octets: 64 },
] as const;

describe.each(rows)("KMS Sign: $algorithm", ({ algorithm, spec, name, long, octets }) => {
  it.each([1, 4_096])("a message of %i octets goes whole, in one Sign and no other call", async (length) => {
    const { double, keys, key, keyId } = bench(algorithm, spec);
    const message = randomBytes(length);
    const signature = await keys.sign(keyId, message);
    const body = {
      KeyId: key.arn,
      SigningAlgorithm: name,
      MessageType: "RAW",
      Message: message.toString("base64"),
    };
    expect(double.requests).toEqual([{ operation: "Sign", body }]);
    expect(nodeVerifies(key.publicKey, authorityAlgorithms[algorithm].signature, message, signature)).toBe(
      true,
    );
  });

  it.each([0, 4_097])(`a message of %i octets goes as ${long} of ${octets} octets`, async (length) => {
    const { double, keys, key, keyId } = bench(algorithm, spec);
    const message = randomBytes(length);
    const signature = await keys.sign(keyId, message);
    const sent = double.requests.at(-1)?.body;
    expect(sent).toMatchObject({ SigningAlgorithm: name, MessageType: long });
    expect(Buffer.from(String(sent?.["Message"]), "base64")).toHaveLength(octets);
    expect(double.count("Sign")).toBe(1);
    expect(nodeVerifies(key.publicKey, authorityAlgorithms[algorithm].signature, message, signature)).toBe(
      true,
    );
  });

  it(`100 signatures over ${long} cost 100 Sign and at most one GetPublicKey`, async () => {
    const { double, keys, keyId } = bench(algorithm, spec);
    const message = randomBytes(5_000);
    await Promise.all(Array.from({ length: 100 }, () => keys.sign(keyId, message)));
    expect(double.count("Sign")).toBe(100);
    expect(double.count("GetPublicKey")).toBe(long === "EXTERNAL_MU" ? 1 : 0);
    expect(double.requests).toHaveLength(long === "EXTERNAL_MU" ? 101 : 100);
  });
});

describe("KMS Sign: Ed25519", () => {
  it.each([1, 4_096])("a message of %i octets goes whole", async (length) => {
    const { double, keys, key, keyId } = bench("Ed25519", "ECC_NIST_EDWARDS25519");
    const message = randomBytes(length);
    const signature = await keys.sign(keyId, message);
    expect(double.requests[0]?.body).toMatchObject({
      SigningAlgorithm: "ED25519_SHA_512",
      MessageType: "RAW",
    });
    expect(nodeVerifies(key.publicKey, authorityAlgorithms.Ed25519.signature, message, signature)).toBe(true);
  });

  it.each([0, 4_097, 102_400])(
    "a message of %i octets is refused with its limit and a remedy, without a call",
    async (length) => {
      const { double, keys, keyId } = bench("Ed25519", "ECC_NIST_EDWARDS25519");
      await expect(keys.sign(keyId, randomBytes(length))).rejects.toMatchObject({
        name: "AppError",
        code: "configuration_invalid",
        message: expect.stringMatching(
          new RegExp(`^message of ${length} octets .*limit 1 to 4096; use an authority of another`),
        ),
      });
      expect(double.requests).toEqual([]);
    },
  );
});

describe("calls that are not made", () => {
  it("describeKey asks once, however often and however many at a time", async () => {
    const { double, keys, keyId } = bench("P-256", "ECC_NIST_P256");
    await Promise.all(Array.from({ length: 20 }, () => keys.describeKey(keyId)));
    await keys.describeKey(keyId);
    expect(double.requests.map(({ operation }) => operation)).toEqual(["GetPublicKey"]);
  });

  it("a failed describeKey is not remembered", async () => {
    const { double, keys, keyId } = bench("P-256", "ECC_NIST_P256");
    double.fault = () => "DisabledException";
    await expect(keys.describeKey(keyId)).rejects.toMatchObject({ code: "key_service_unavailable" });
    double.fault = () => undefined;
    expect((await keys.describeKey(keyId)).keyId).toBe(keyId);
  });

  it("the oldest of 257 described keys is asked for again, the newest is not", async () => {
    const { double, keys, keyId } = bench("P-256", "ECC_NIST_P256");
    await keys.describeKey(keyId);
    const others = Array.from({ length: 256 }, () => `P-256:${double.addKey("ECC_NIST_P256").arn}`);
    for (const other of others) await keys.describeKey(other);
    await keys.describeKey(others.at(-1) ?? "");
    expect(double.count("GetPublicKey")).toBe(257);
    await keys.describeKey(keyId);
    expect(double.count("GetPublicKey")).toBe(258);
  });

  it.each([
    "",
    "missing",
    "P-256",
    "P-256:",
    "P-256:alias/fleetkey/test/a",
    "P-256:arn:aws:kms:eu-central-1:000000000000:alias/a",
    "P-256:arn:aws:iam::000000000000:role/a",
    "P-521:arn:aws:kms:eu-central-1:000000000000:key/a",
    "toString:arn:aws:kms:eu-central-1:000000000000:key/a",
    "P-256:arn:aws:kms:eu-central-1:000000000000:key/a\n",
    "P-256:arn:aws:kms:eu-central-1:000000000000:key/../a",
    `P-256:arn:aws:kms:eu-central-1:000000000000:key/${"x".repeat(5_000)}`,
  ])("the key id %j is key_not_found, without a call", async (keyId) => {
    const { double, keys } = bench("P-256", "ECC_NIST_P256");
    await expect(keys.sign(keyId, randomBytes(1))).rejects.toMatchObject({ code: "key_not_found" });
    await expect(keys.describeKey(keyId)).rejects.toMatchObject({ code: "key_not_found" });
    expect(double.requests).toEqual([]);
  });

  it.each(["arn:aws:kms:eu-central-1", "arn:aws-cn:kms:cn-north-1", "arn:aws-us-gov:kms:us-gov-west-1"])(
    "a key id of the partition in %s, a multi-Region key's too, is asked for",
    async (start) => {
      const { double, keys } = bench("P-256", "ECC_NIST_P256");
      const attempt = keys.describeKey(`P-256:${start}:000000000000:key/mrk-1234abcd`);
      await expect(attempt).rejects.toMatchObject({ code: "key_not_found" });
      expect(double.count("GetPublicKey")).toBe(1);
    },
  );

  it("grant tokens go with Sign and GetPublicKey", async () => {
    const { double, keys, keyId } = bench("ML-DSA-65", "ML_DSA_65", ["token"]);
    await keys.sign(keyId, randomBytes(5_000));
    expect(double.requests.map(({ body }) => body["GrantTokens"])).toEqual([["token"], ["token"]]);
  });

  it("a digest is of the message's octets, not of their base64", async () => {
    const { double, keys, keyId } = bench("P-256", "ECC_NIST_P256");
    const message = randomBytes(5_000);
    await keys.sign(keyId, message);
    const digest = createHash("sha256").update(message).digest("base64");
    expect(double.requests[0]?.body["Message"]).toBe(digest);
  });
});
