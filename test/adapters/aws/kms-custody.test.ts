/** Custody in KMS over the double: the contract, each refusal, crashes between two requests, lost answers. */
import { describe, expect, it } from "vitest";
import { kmsKeyCustody } from "../../../adapters/aws/kms-custody.ts";
import { kmsKeyService } from "../../../adapters/aws/kms-key-service.ts";
import { keyCustodyContract } from "../../contracts/key-custody.ts";
import { codeOf } from "../../support/errors.ts";
import { failure, message } from "./kms-bench.ts";
import { KmsDouble } from "./kms-double.ts";

const grantee = "arn:aws:iam::000000000000:role/ceremony";

function bench() {
  const double = new KmsDouble();
  const key = double.addKey("ECC_NIST_P256");
  const custody = kmsKeyCustody({ grantee, client: double.client() });
  return { double, key, keyId: `P-256:${key.arn}`, custody };
}

keyCustodyContract("KMS, double", async () => {
  const { double, custody } = bench();
  const keys = kmsKeyService({ aliasPrefix: "fleetkey/test", client: double.client() });
  return {
    custody,
    makeKey: async () => `P-256:${double.addKey("ECC_NIST_P256").arn}`,
    unknownKey: async () => "P-256:arn:aws:kms:eu-central-1:000000000000:key/none",
    sign: (keyId) => keys.sign(keyId, message),
    close: async () => undefined,
  };
});

const calls = {
  stateOf: ({ custody, keyId }) => custody.stateOf(keyId),
  scheduleDeletion: ({ custody, keyId }) => custody.scheduleDeletion(keyId, 7),
  cancelDeletion: ({ custody, keyId }) => custody.cancelDeletion(keyId),
  lend: ({ custody, keyId }) => custody.lend(keyId, "ceremony-1"),
  endLoan: ({ custody, keyId }) => custody.endLoan(keyId, "a".repeat(64)),
} satisfies Readonly<Record<string, (open: ReturnType<typeof bench>) => Promise<unknown>>>;
const names = ["stateOf", "scheduleDeletion", "cancelDeletion", "lend", "endLoan"] as const;

describe("refusals", () => {
  it.concurrent.each(names)(
    "%s: throttled for good is key_service_unavailable, worth a retry",
    async (name) => {
      const open = bench();
      open.double.fault = () => "ThrottlingException";
      expect(await failure(calls[name](open))).toMatchObject({
        code: "key_service_unavailable",
        retryAfter: 2,
      });
      expect(open.key).toMatchObject({ state: "Enabled" });
      expect(open.key.grants.size).toBe(0);
    },
  );

  it.concurrent.each(names)("%s: throttled twice is not noticed", async (name) => {
    const open = bench();
    open.double.fault = () => (open.double.requests.length <= 2 ? "ThrottlingException" : undefined);
    await calls[name](open);
  });

  it.concurrent.each(names)("%s: without permission it says which, on which key", async (name) => {
    const open = bench();
    open.double.fault = () => "AccessDeniedException";
    const error = await failure(calls[name](open));
    expect(error).toMatchObject({ code: "key_service_unavailable", retryAfter: 60 });
    expect(error.message).toContain(` on ${open.key.arn}: permission is missing`);
  });

  it("the answer about another key is not believed", async () => {
    const { double, key, keyId, custody } = bench();
    double.keys.set(key.arn, { ...key, arn: double.addKey("ECC_NIST_P256").arn });
    expect((await failure(custody.stateOf(keyId))).message).toContain("has answered");
  });

  it.each([
    ["Creating", "unavailable"],
    ["PendingImport", "unavailable"],
    ["Unavailable", "unavailable"],
    ["Updating", "unavailable"],
    ["PendingReplicaDeletion", "pendingDeletion"],
    ["Disabled", "disabled"],
    ["SomethingNew", "unavailable"],
  ])("the state %s is %s", async (state, condition) => {
    const { key, keyId, custody } = bench();
    key.state = state;
    expect(await custody.stateOf(keyId)).toEqual({ keyId, condition, createdAt: 1_700_000_000_000 });
  });

  it("a disabled key is not lent: key_disabled", async () => {
    const { key, keyId, custody } = bench();
    key.state = "Disabled";
    expect(await codeOf(custody.lend(keyId, "ceremony-1"))).toBe("key_disabled");
  });
});

describe("crashes, lost answers and answers that are late", () => {
  it("a crash between the end of a deletion and EnableKey: the next call enables the key", async () => {
    const { double, key, keyId, custody } = bench();
    await custody.scheduleDeletion(keyId, 7);
    double.fault = ({ operation }) => (operation === "EnableKey" ? "KMSInternalException" : undefined);
    expect(await codeOf(custody.cancelDeletion(keyId))).toBe("key_service_unavailable");
    expect(key.state).toBe("Disabled");
    double.fault = () => undefined;
    expect((await custody.cancelDeletion(keyId)).condition).toBe("enabled");
    expect(key.state).toBe("Enabled");
  });

  it("EnableKey that does not know of the cancellation yet is waited for", async () => {
    const { double, keyId, custody } = bench();
    await custody.scheduleDeletion(keyId, 7);
    double.fault = ({ operation }) =>
      operation === "EnableKey" && double.count("EnableKey") <= 2 ? "KMSInvalidStateException" : undefined;
    expect((await custody.cancelDeletion(keyId)).condition).toBe("enabled");
  });

  it.each(["ScheduleKeyDeletion", "CreateGrant", "RevokeGrant", "CancelKeyDeletion"])(
    "the first answer of %s is lost: one deletion, one loan, all as asked for",
    async (operation) => {
      const { double, key, keyId, custody } = bench();
      double.fault = (request) =>
        request.operation === operation && double.count(operation) === 1 ? "answerLost" : undefined;
      const { loanId } = await custody.lend(keyId, "ceremony-1");
      expect([...key.grants.keys()]).toEqual([loanId]);
      await custody.endLoan(keyId, loanId);
      expect(key.grants.size).toBe(0);
      expect((await custody.scheduleDeletion(keyId, 7)).condition).toBe("pendingDeletion");
      expect((await custody.cancelDeletion(keyId)).condition).toBe("enabled");
      expect(double.count(operation)).toBeGreaterThanOrEqual(2);
    },
  );

  it("a grant that KMS does not know of yet is revoked all the same, not taken for one that is back", async () => {
    const { double, key, keyId, custody } = bench();
    const { loanId } = await custody.lend(keyId, "ceremony-1");
    double.fault = () => (double.count("RevokeGrant") <= 2 ? "NotFoundException" : undefined);
    await custody.endLoan(keyId, loanId);
    expect(key.grants.size).toBe(0);
  });
});

describe("a loan", () => {
  it("is a grant of Sign alone, to the ceremony's role alone, and gives its token", async () => {
    const { double, key, keyId, custody } = bench();
    expect((await custody.lend(keyId, "ceremony-1")).token).toMatch(/.+/);
    expect(double.requests).toEqual([
      {
        operation: "CreateGrant",
        body: { KeyId: key.arn, Name: "ceremony-1", GranteePrincipal: grantee, Operations: ["Sign"] },
      },
    ]);
  });
});
