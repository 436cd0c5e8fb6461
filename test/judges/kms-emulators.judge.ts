/**
 * The KeyService contract on independent emulators of KMS, with signatures judged by node:crypto and OpenSSL.
 * What an emulator lacks is asserted, so that the day it is mended this file says so.
 */
import { createHash, randomBytes } from "node:crypto";
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  GetPublicKeyCommand,
  type GetPublicKeyCommandOutput,
  type KeySpec,
  KMSClient,
  ScheduleKeyDeletionCommand,
  SignCommand,
} from "@aws-sdk/client-kms";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientConfiguration } from "../../adapters/aws/client-configuration.ts";
import { kmsKeyService } from "../../adapters/aws/kms-key-service.ts";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../core/formats/algorithms.ts";
import { keyServiceContract } from "../contracts/key-service.ts";
import { nodeVerifies } from "../contracts/signature-judges.ts";
import { type Emulator, emulatorClient, startMinistack, startMoto } from "../support/emulators.ts";

const withinRaw = (octets: number): boolean => octets > 0 && octets <= 4_096;

const clientOf = ({ url }: Emulator): KMSClient =>
  new KMSClient({ ...clientConfiguration(), ...emulatorClient, endpoint: url });

const motoArn = (id: string | undefined): string =>
  `arn:aws:kms:${emulatorClient.region}:123456789012:key/${id}`;

/** As `clientOf`, with the two fields that moto's GetPublicKey gives otherwise than KMS (asserted below). */
function motoClient(emulator: Emulator): KMSClient {
  const client = clientOf(emulator);
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const answer = await next(args);
        if (commandName !== "GetPublicKeyCommand") return answer;
        const output = answer.output as GetPublicKeyCommandOutput;
        const KeySpec = output.CustomerMasterKeySpec;
        return { ...answer, output: { ...output, KeyId: motoArn(output.KeyId), KeySpec } };
      },
    { step: "initialize", name: "motoPublicKey" },
  );
  return client;
}

function contract(
  name: string,
  start: () => Promise<Emulator>,
  connect: (emulator: Emulator) => KMSClient,
  algorithms: readonly AuthorityAlgorithmId[],
  signs: (algorithm: AuthorityAlgorithmId, octets: number) => boolean,
): void {
  const make = async () => {
    const emulator = await start();
    const client = connect(emulator);
    const close = async () => {
      client.destroy();
      await emulator.close();
    };
    return { keys: kmsKeyService({ aliasPrefix: "fleetkey/judge", client, mayCreate: true }), close };
  };
  keyServiceContract(name, make, { algorithms, signs });
}

contract("KMS, moto", startMoto, motoClient, ["P-256", "P-384", "RSA-3072", "RSA-4096"], (_, octets) =>
  withinRaw(octets),
);

contract(
  "KMS, ministack",
  startMinistack,
  clientOf,
  ["P-256", "P-384", "RSA-3072", "RSA-4096", "Ed25519"],
  (algorithm, octets) => algorithm !== "Ed25519" || withinRaw(octets),
);

interface Open {
  readonly emulator: Emulator;
  readonly client: KMSClient;
}

/** An emulator that runs while the tests of the calling block do. */
function running(start: () => Promise<Emulator>, connect: (emulator: Emulator) => KMSClient): () => Open {
  let open: Open | undefined;
  beforeAll(async () => {
    const emulator = await start();
    open = { emulator, client: connect(emulator) };
  });
  afterAll(async () => {
    open?.client.destroy();
    await open?.emulator.close();
  });
  return () => {
    if (open === undefined) throw new Error("the emulator runs only while its tests do");
    return open;
  };
}

const keysOf = ({ client }: Open) =>
  kmsKeyService({ aliasPrefix: "fleetkey/judge", client, mayCreate: true });

function commonBehaviour(open: () => Open): void {
  it("gap: a RAW message of more than 4,096 octets is taken", async () => {
    const { keyId } = await keysOf(open()).createKey("long", "P-256");
    const command = {
      KeyId: arnOf(keyId),
      Message: randomBytes(5_000),
      SigningAlgorithm: "ECDSA_SHA_256",
    } as const;
    expect((await open().client.send(new SignCommand(command))).Signature).toBeDefined();
  });

  it("a missing alias is configuration_invalid where nothing may be created", async () => {
    const keys = kmsKeyService({ aliasPrefix: "fleetkey/judge", client: open().client });
    await expect(keys.createKey("missing", "P-256")).rejects.toMatchObject({ code: "configuration_invalid" });
  });

  it("20 processes at once: one key has the alias", async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, () => keysOf(open()).createKey("raced", "P-256")),
    );
    expect(new Set(made.map(({ keyId }) => keyId)).size).toBe(1);
  });

  it("an unknown key is key_not_found", async () => {
    const { keyId } = await keysOf(open()).createKey("known", "P-256");
    const unknown = keyId.replace(/[0-9a-f]{12}$/, "000000000000");
    const keys = keysOf(open());
    await expect(keys.sign(unknown, randomBytes(1))).rejects.toMatchObject({ code: "key_not_found" });
    await expect(keys.describeKey(unknown)).rejects.toMatchObject({ code: "key_not_found" });
  });
}

const arnOf = (keyId: string): string => keyId.slice(keyId.indexOf(":") + 1);

function newKey({ client }: Open, spec: KeySpec) {
  return client.send(new CreateKeyCommand({ KeySpec: spec, KeyUsage: "SIGN_VERIFY" }));
}

describe("KMS, moto: behaviour and gaps", () => {
  const open = running(startMoto, motoClient);
  commonBehaviour(open);

  it("gap: a DIGEST is hashed once more, so its signature verifies over the digest, not over the message", async () => {
    const keys = keysOf(open());
    const { keyId, publicKey } = await keys.createKey("digest", "P-256");
    const message = randomBytes(5_000);
    const signature = await keys.sign(keyId, message);
    const { signature: row } = authorityAlgorithms["P-256"];
    const digest = createHash("sha256").update(message).digest();
    expect(nodeVerifies(publicKey, row, message, signature)).toBe(false);
    expect(nodeVerifies(publicKey, row, digest, signature)).toBe(true);
  });

  it.each(["Ed25519", "ML-DSA-65", "ML-DSA-87"] as const)(
    "gap: no key of %s can be made",
    async (algorithm) => {
      const attempt = keysOf(open()).createKey("lacking", algorithm);
      await expect(attempt).rejects.toMatchObject({
        code: "configuration_invalid",
        message: expect.stringMatching(/^kms:CreateKey on alias.*choose another/),
      });
    },
  );

  it("gap: GetPublicKey answers with the key's id where KMS gives its ARN, and without its KeySpec", async () => {
    const { KeyMetadata: made } = await newKey(open(), "ECC_NIST_P256");
    const plain = clientOf(open().emulator);
    const { KeyId, KeySpec, CustomerMasterKeySpec } = await plain.send(
      new GetPublicKeyCommand({ KeyId: made?.Arn ?? "" }),
    );
    plain.destroy();
    expect(KeyId).toBe(made?.KeyId);
    expect(made?.Arn).toBe(motoArn(KeyId));
    expect({ KeySpec, CustomerMasterKeySpec }).toEqual({ CustomerMasterKeySpec: "ECC_NIST_P256" });
  });

  it("gap: keys are disabled, and their deletion scheduled, by id alone: an ARN breaks moto", async () => {
    const { KeyMetadata: made } = await newKey(open(), "ECC_NIST_P256");
    const KeyId = made?.Arn ?? "";
    const client = open().client;
    const broken = { $metadata: { httpStatusCode: 500 } };
    await expect(client.send(new DisableKeyCommand({ KeyId }))).rejects.toMatchObject(broken);
    await expect(client.send(new ScheduleKeyDeletionCommand({ KeyId }))).rejects.toMatchObject(broken);
  });

  it("gap: a disabled key still signs", async () => {
    const keys = keysOf(open());
    const { keyId } = await keys.createKey("disabled", "P-256");
    await open().client.send(new DisableKeyCommand({ KeyId: arnOf(keyId).split("/")[1] }));
    expect((await keys.sign(keyId, randomBytes(1))).length).toBeGreaterThan(0);
  });
});

describe("KMS, ministack: behaviour and gaps", () => {
  const open = running(startMinistack, clientOf);
  commonBehaviour(open);

  it.each(["ML_DSA_65", "ML_DSA_87"] as const)("gap: keys of spec %s cannot be made", async (spec) => {
    await expect(newKey(open(), spec)).rejects.toMatchObject({ name: "UnsupportedOperationException" });
    const algorithm = spec === "ML_DSA_65" ? "ML-DSA-65" : "ML-DSA-87";
    await expect(keysOf(open()).createKey("ml-dsa", algorithm)).rejects.toMatchObject({
      code: "configuration_invalid",
      message: expect.stringContaining("choose another algorithm"),
    });
  });

  it("a disabled key, and one whose deletion is scheduled, are not worth an immediate retry", async () => {
    const keys = keysOf(open());
    const { keyId: disabled } = await keys.createKey("disabled", "P-256");
    await open().client.send(new DisableKeyCommand({ KeyId: arnOf(disabled) }));
    const { keyId: leaving } = await keys.createKey("leaving", "P-256");
    await open().client.send(
      new ScheduleKeyDeletionCommand({ KeyId: arnOf(leaving), PendingWindowInDays: 7 }),
    );
    const expected = { code: "key_service_unavailable", retryAfter: 300 };
    await expect(keys.sign(disabled, randomBytes(1))).rejects.toMatchObject(expected);
    await expect(keys.sign(leaving, randomBytes(1))).rejects.toMatchObject(expected);
  });

  it("of two processes that race for an alias, the loser's key is scheduled for deletion", async () => {
    const made: string[] = [];
    const { client } = open();
    client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        if ("KeyMetadata" in answer.output) made.push(String(answer.output.KeyMetadata?.Arn));
        return answer;
      },
      { step: "initialize", name: "keysMade" },
    );
    const [left, right] = await Promise.all([
      keysOf(open()).createKey("twice", "P-256"),
      keysOf(open()).createKey("twice", "P-256"),
    ]);
    client.middlewareStack.remove("keysMade");
    expect(right.keyId).toBe(left.keyId);
    expect(made).toHaveLength(2);
    const states = await Promise.all(
      made.map(async (arn) => (await client.send(new DescribeKeyCommand({ KeyId: arn }))).KeyMetadata),
    );
    for (const state of states) {
      expect(state?.KeyState).toBe(state?.Arn === arnOf(left.keyId) ? "Enabled" : "PendingDeletion");
    }
  });
});
