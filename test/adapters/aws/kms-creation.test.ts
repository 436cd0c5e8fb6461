/** Keys under aliases: made only where that is allowed, once however many ask, and never lost. */
import { describe, expect, it } from "vitest";
import { kmsKeyService } from "../../../adapters/aws/kms-key-service.ts";
import type { KeyService } from "../../../core/ports.ts";
import { KmsDouble } from "./kms-double.ts";

const aliasPrefix = "fleetkey/test";

/** A process of its own: no memory shared with another. */
const service = (double: KmsDouble, mayCreate = true): KeyService =>
  kmsKeyService({ aliasPrefix, client: double.client(), mayCreate });

const operations = (double: KmsDouble): readonly string[] =>
  double.requests.map(({ operation }) => operation);

describe("createKey where it may not create", () => {
  it("finds the key that was deployed, in one call", async () => {
    const double = new KmsDouble();
    const deployed = double.addKey("ECC_NIST_P384", "alias/fleetkey/test/default-root-1");
    const key = await service(double, false).createKey("default-root-1", "P-384");
    expect(key.keyId).toBe(`P-384:${deployed.arn}`);
    expect(Buffer.from(key.publicKey).equals(deployed.publicKey)).toBe(true);
    expect(operations(double)).toEqual(["GetPublicKey"]);
  });

  it("a missing alias is configuration_invalid, and no key is made", async () => {
    const double = new KmsDouble();
    const keys = kmsKeyService({ aliasPrefix, client: double.client() });
    await expect(keys.createKey("default-root-1", "P-384")).rejects.toMatchObject({
      code: "configuration_invalid",
      message: expect.stringMatching(
        /^KMS alias alias\/fleetkey\/test\/default-root-1 does not exist.*deploy the fleet's keys first$/,
      ),
    });
    expect(operations(double)).toEqual(["GetPublicKey"]);
  });

  it.each([
    { spec: "ECC_NIST_P256", says: 'key "default-root-1" exists with algorithm P-256, not P-384' },
    { spec: "RSA_4096", says: 'key "default-root-1" exists with algorithm RSA-4096, not P-384' },
  ])("an alias of $spec is configuration_invalid for P-384", async ({ spec, says }) => {
    const double = new KmsDouble();
    double.addKey(spec, "alias/fleetkey/test/default-root-1");
    const attempt = service(double, false).createKey("default-root-1", "P-384");
    await expect(attempt).rejects.toMatchObject({
      code: "configuration_invalid",
      message: expect.stringContaining(says),
    });
  });

  it("an alias of a key that does not sign is configuration_invalid", async () => {
    const double = new KmsDouble();
    double.addKey("ECC_NIST_P384", "alias/fleetkey/test/default-root-1").usage = "KEY_AGREEMENT";
    const attempt = service(double, false).createKey("default-root-1", "P-384");
    await expect(attempt).rejects.toMatchObject({ code: "configuration_invalid" });
  });

  it("what createKey has described is not asked for again", async () => {
    const double = new KmsDouble();
    double.addKey("ECC_NIST_P384", "alias/fleetkey/test/default-root-1");
    const keys = service(double, false);
    const { keyId } = await keys.createKey("default-root-1", "P-384");
    await keys.describeKey(keyId);
    expect(double.count("GetPublicKey")).toBe(1);
  });
});

describe("createKey where it may create", () => {
  it("makes a key for signing whose description and tags name the alias alone", async () => {
    const double = new KmsDouble();
    await service(double).createKey("default-root-1", "ML-DSA-87");
    const alias = "alias/fleetkey/test/default-root-1";
    expect(double.requests[1]).toEqual({
      operation: "CreateKey",
      body: {
        KeySpec: "ML_DSA_87",
        KeyUsage: "SIGN_VERIFY",
        Description: `Fleetkey signing key ${alias}`,
        Tags: [{ TagKey: "fleetkey:alias", TagValue: alias }],
      },
    });
    expect(operations(double)).toEqual(["GetPublicKey", "CreateKey", "CreateAlias", "GetPublicKey"]);
  });

  it("20 processes at once: one key, and every other key made is scheduled for deletion", async () => {
    const double = new KmsDouble();
    const made = await Promise.all(
      Array.from({ length: 20 }, () => service(double).createKey("default-root-1", "P-256")),
    );
    expect(new Set(made.map(({ keyId }) => keyId)).size).toBe(1);
    const winner = double.aliases.get("alias/fleetkey/test/default-root-1");
    expect(made[0]?.keyId).toBe(`P-256:${winner}`);
    expect(double.keys.size).toBe(20);
    for (const key of double.keys.values()) {
      expect(key.state).toBe(key.arn === winner ? "Enabled" : "PendingDeletion");
    }
  });

  it("20 calls of one process: one CreateKey", async () => {
    const double = new KmsDouble();
    const keys = service(double);
    await Promise.all(Array.from({ length: 20 }, () => keys.createKey("default-root-1", "P-256")));
    expect(double.count("CreateKey")).toBe(1);
  });

  it("CreateAlias carried out without an answer: the key that the retry finds is its own, and stays", async () => {
    const double = new KmsDouble();
    double.fault = ({ operation }) =>
      operation === "CreateAlias" && double.count(operation) === 1 ? "answerLost" : undefined;
    const { keyId } = await service(double).createKey("default-root-1", "P-256");
    expect(keyId).toBe(`P-256:${double.aliases.get("alias/fleetkey/test/default-root-1")}`);
    expect(double.count("CreateAlias")).toBe(2);
    expect(double.count("ScheduleKeyDeletion")).toBe(0);
  });

  it("a key that KMS does not show at once is waited for", async () => {
    const double = new KmsDouble();
    double.fault = ({ operation }) =>
      operation === "GetPublicKey" && double.count(operation) <= 3 ? "NotFoundException" : undefined;
    const { keyId } = await service(double).createKey("default-root-1", "P-256");
    expect(double.keys.size).toBe(1);
    expect(keyId).toContain("P-256:arn:");
  });

  it("a loser whose deletion fails still answers with the winner's key", async () => {
    const double = new KmsDouble();
    double.fault = ({ operation }) =>
      operation === "ScheduleKeyDeletion" ? "AccessDeniedException" : undefined;
    const [left, right] = await Promise.all([
      service(double).createKey("default-root-1", "P-256"),
      service(double).createKey("default-root-1", "P-256"),
    ]);
    expect(left.keyId).toBe(right.keyId);
    expect(double.count("ScheduleKeyDeletion")).toBe(1);
  });

  it("CreateAlias refused: the key stays, and the message names both", async () => {
    const double = new KmsDouble();
    double.fault = ({ operation }) => (operation === "CreateAlias" ? "AccessDeniedException" : undefined);
    await expect(service(double).createKey("default-root-1", "P-256")).rejects.toMatchObject({
      code: "key_service_unavailable",
      message: expect.stringMatching(
        /^kms:CreateAlias on alias\/fleetkey\/test\/default-root-1 for arn:aws:kms:/,
      ),
    });
    expect(double.count("ScheduleKeyDeletion")).toBe(0);
  });

  it("kms:CreateKey refused for want of permission says so", async () => {
    const double = new KmsDouble();
    double.fault = ({ operation }) => (operation === "CreateKey" ? "AccessDeniedException" : undefined);
    await expect(service(double).createKey("default-root-1", "P-256")).rejects.toMatchObject({
      message: expect.stringMatching(
        /^kms:CreateKey on alias\/fleetkey\/test\/default-root-1: permission is missing/,
      ),
    });
  });

  it("two algorithms at once under one alias: one is made, the other refused", async () => {
    const double = new KmsDouble();
    const keys = service(double);
    const results = await Promise.allSettled([
      keys.createKey("default-root-1", "P-256"),
      keys.createKey("default-root-1", "P-384"),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(double.count("CreateKey")).toBe(1);
  });

  it.each(["", "a..b", "/x", "x/", "a b", "aws:x"])(
    "the prefix %j is refused, without a call",
    async (prefix) => {
      const double = new KmsDouble();
      const keys = kmsKeyService({ aliasPrefix: prefix, client: double.client(), mayCreate: true });
      await expect(keys.createKey("a", "P-256")).rejects.toMatchObject({ code: "configuration_invalid" });
      expect(double.requests).toEqual([]);
    },
  );

  it("KMS takes 256 characters of an alias: prefix and alias together are held to it", async () => {
    const double = new KmsDouble();
    const prefix = "p".repeat(100);
    const keys = kmsKeyService({ aliasPrefix: prefix, client: double.client(), mayCreate: true });
    await expect(keys.createKey("a".repeat(150), "P-256")).rejects.toMatchObject({
      code: "configuration_invalid",
    });
    await keys.createKey("a".repeat(149), "P-256");
    expect([...double.aliases.keys()].map((alias) => alias.length)).toEqual([256]);
  });
});
