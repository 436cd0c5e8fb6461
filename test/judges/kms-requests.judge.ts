/**
 * Requests that no emulator understands yet (ML-DSA, message representatives), and all others that the adapter
 * makes, against AWS's own model of the KMS API.
 */
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { kmsKeyService } from "../../adapters/aws/kms-key-service.ts";
import type { AuthorityAlgorithmId } from "../../core/formats/algorithms.ts";
import { KmsDouble, type RecordedRequest } from "../adapters/aws/kms-double.ts";
import { allAlgorithms } from "../contracts/key-algorithms.ts";
import { type ModelledRequest, modelComplaints } from "../support/aws-model.ts";

/** Every operation, and every form of message, for a key of each row. */
async function requestsOf(algorithm: AuthorityAlgorithmId): Promise<readonly RecordedRequest[]> {
  const double = new KmsDouble();
  const options = { aliasPrefix: "fleetkey/judge", client: double.client(), grantTokens: ["token"] };
  const keys = kmsKeyService({ ...options, mayCreate: true });
  const rival = kmsKeyService({ ...options, mayCreate: true });
  const [{ keyId }] = await Promise.all([
    keys.createKey("fleet-root-1", algorithm),
    rival.createKey("fleet-root-1", algorithm),
  ]);
  const lengths = algorithm === "Ed25519" ? [1, 4_096] : [0, 1, 4_096, 4_097, 102_400];
  for (const length of lengths) await keys.sign(keyId, randomBytes(length));
  return double.requests;
}

const operations = ["CreateAlias", "CreateKey", "GetPublicKey", "ScheduleKeyDeletion", "Sign"];

describe("KMS's model", () => {
  const requests = new Map<AuthorityAlgorithmId, readonly RecordedRequest[]>();
  beforeAll(async () => {
    for (const algorithm of allAlgorithms) requests.set(algorithm, await requestsOf(algorithm));
  });

  it.each(allAlgorithms)("%s: every request that the adapter makes fits", async (algorithm) => {
    const made = requests.get(algorithm) ?? [];
    expect([...new Set(made.map(({ operation }) => operation))].sort()).toEqual(operations);
    const complaints = await modelComplaints("kms", made);
    expect(complaints).toEqual(made.map(() => []));
  });

  it.each(["ML-DSA-65", "ML-DSA-87"] as const)(
    "%s: a message is sent RAW, or as EXTERNAL_MU of 64 octets",
    (algorithm) => {
      const signs = (requests.get(algorithm) ?? []).filter(({ operation }) => operation === "Sign");
      const forms = signs.map(({ body }) => {
        const octets = Buffer.from(String(body["Message"]), "base64").length;
        return `${body["SigningAlgorithm"]} ${body["MessageType"]} ${octets}`;
      });
      const mu = "ML_DSA_SHAKE_256 EXTERNAL_MU 64";
      const raw = (octets: number) => `ML_DSA_SHAKE_256 RAW ${octets}`;
      expect(forms).toEqual([mu, raw(1), raw(4_096), mu, mu]);
    },
  );

  const fitting = {
    KeyId: "arn:aws:kms:eu-central-1:000000000000:key/1",
    SigningAlgorithm: "ML_DSA_SHAKE_256",
    MessageType: "EXTERNAL_MU",
    Message: Buffer.alloc(64).toString("base64"),
  };
  const spoiled: readonly (ModelledRequest & { readonly what: string; readonly says: RegExp })[] = [
    { what: "an operation that KMS lacks", operation: "SignAll", body: fitting, says: /no such operation/ },
    {
      what: "an enum value that KMS lacks",
      operation: "Sign",
      body: { ...fitting, MessageType: "MU" },
      says: /not in the enum/,
    },
    { what: "an empty message", operation: "Sign", body: { ...fitting, Message: "" }, says: /length 0/ },
    {
      what: "a message of 4,097 octets",
      operation: "Sign",
      body: { ...fitting, Message: Buffer.alloc(4_097).toString("base64") },
      says: /length 4097/,
    },
    {
      what: "a member that KMS lacks",
      operation: "Sign",
      body: { ...fitting, Mu: "" },
      says: /Unknown parameter/,
    },
    { what: "a missing member", operation: "Sign", body: { KeyId: fitting.KeyId }, says: /Missing required/ },
    {
      what: "an alias with a character that KMS refuses",
      operation: "CreateAlias",
      body: { AliasName: "alias/a b", TargetKeyId: fitting.KeyId },
      says: /does not match/,
    },
  ];
  it.each(spoiled)("it complains of $what", async ({ operation, body, says }) => {
    const [complaints] = await modelComplaints("kms", [{ operation, body }]);
    expect(complaints?.join("\n")).toMatch(says);
  });
});
