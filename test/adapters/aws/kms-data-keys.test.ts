/** Data keys in KMS over the double: the contract, what is counted, and what each refusal of a rotation means. */
import { describe, expect, it } from "vitest";
import { kmsDataKeys } from "../../../adapters/aws/kms-data-keys.ts";
import { dataKeysContract } from "../../contracts/data-keys.ts";
import { codeOf } from "../../support/errors.ts";
import { failure } from "./kms-bench.ts";
import { KmsDouble } from "./kms-double.ts";

function bench() {
  const double = new KmsDouble();
  const key = double.addKey("ECC_NIST_P256");
  const other = double.addKey("ECC_NIST_P256");
  const dataKeys = kmsDataKeys({
    keys: { "fleet-a-protection": key.arn, data: other.arn },
    client: double.client(),
  });
  return { double, key, other, dataKeys };
}

const rotation = (RotationType: string, RotationDate: number) => ({ RotationType, RotationDate });

dataKeysContract("KMS, double", async () => ({
  dataKeys: bench().dataKeys,
  names: ["data", "fleet-a-protection"],
  close: async () => undefined,
}));

describe("what is told of a key", () => {
  it("rotations on demand are counted, and over all pages, the last of any kind is the last", async () => {
    const { key, dataKeys } = bench();
    key.rotationDays = 90;
    key.rotations = [
      rotation("AUTOMATIC", 1_700_000_100),
      rotation("ON_DEMAND", 1_700_000_200),
      rotation("ON_DEMAND", 1_700_000_300),
      rotation("AUTOMATIC", 1_700_000_900),
      rotation("ON_DEMAND", 1_700_000_500),
    ];
    const [, state] = await dataKeys.list();
    expect(state).toEqual({
      keyId: key.arn,
      name: "fleet-a-protection",
      condition: "enabled",
      createdAt: 1_700_000_000_000,
      rotationDays: 90,
      nextRotationAt: 1_800_000_000_000,
      lastRotationAt: 1_700_000_900_000,
      onDemandRotations: 3,
      onDemandLimit: 25,
    });
  });

  it("a key that KMS does not have is unavailable, and the others are still told of", async () => {
    const { double, key, other, dataKeys } = bench();
    double.keys.delete(key.arn);
    const [data, gone] = await dataKeys.list();
    expect(data).toMatchObject({ keyId: other.arn, condition: "enabled" });
    expect(gone).toMatchObject({ keyId: key.arn, condition: "unavailable", createdAt: 0 });
    expect(await codeOf(dataKeys.rotateNow("fleet-a-protection"))).toBe("key_not_found");
  });

  it("a list that never ends is not read for ever", async () => {
    const { key, dataKeys } = bench();
    key.rotations = Array.from({ length: 150 }, (_, at) => rotation("ON_DEMAND", 1_700_000_000 + at));
    expect(await codeOf(dataKeys.list())).toBe("key_service_unavailable");
  });
});

describe("a rotation", () => {
  it("that runs is the one asked for again: ten at once ask KMS for one", async () => {
    const { key, dataKeys } = bench();
    const asked = await Promise.all(
      Array.from({ length: 10 }, () => dataKeys.rotateNow("fleet-a-protection")),
    );
    for (const { onDemandRotations } of asked) expect(onDemandRotations).toBe(1);
    expect(key.rotating).toBeDefined();
    expect((await dataKeys.rotateNow("fleet-a-protection")).onDemandRotations).toBe(1);
  });

  it("whose answer is lost is not asked for twice", async () => {
    const { double, dataKeys } = bench();
    double.fault = ({ operation }) =>
      operation === "RotateKeyOnDemand" && double.count(operation) === 1 ? "answerLost" : undefined;
    expect((await dataKeys.rotateNow("data")).onDemandRotations).toBe(1);
  });

  it.each([
    { name: "LimitExceededException", code: "key_rotation_exhausted" },
    { name: "DisabledException", code: "key_disabled" },
    { name: "KMSInvalidStateException", code: "key_disabled" },
    { name: "ConflictException", code: "key_service_unavailable", retryAfter: 1_200 },
    { name: "ThrottlingException", code: "key_service_unavailable", retryAfter: 2 },
    { name: "AccessDeniedException", code: "key_service_unavailable", retryAfter: 60 },
    { name: "UnsupportedOperationException", code: "configuration_invalid" },
  ])("refused as $name is $code", async ({ name, code, retryAfter }) => {
    const { double, key, dataKeys } = bench();
    double.fault = ({ operation }) => (operation === "RotateKeyOnDemand" ? name : undefined);
    const error = await failure(dataKeys.rotateNow("fleet-a-protection"));
    expect(error).toMatchObject({ code, retryAfter });
    expect(error.message).toContain(`kms:RotateKeyOnDemand on ${key.arn}: `);
  });

  it("AWS KMS API reference, RotateKeyOnDemand: a key has 25, the next is key_rotation_exhausted", async () => {
    const { key, dataKeys } = bench();
    const spent = (count: number) => Array.from({ length: count }, (_, at) => rotation("ON_DEMAND", 1 + at));
    key.rotations = spent(9);
    expect((await dataKeys.rotateNow("fleet-a-protection")).onDemandRotations).toBe(10);
    delete key.rotating;
    key.rotations = spent(25);
    expect((await dataKeys.list())[1]?.onDemandRotations).toBe(25);
    expect(await codeOf(dataKeys.rotateNow("fleet-a-protection"))).toBe("key_rotation_exhausted");
  });
});
