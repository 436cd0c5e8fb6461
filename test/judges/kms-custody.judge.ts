/**
 * Custody of keys on independent emulators of KMS, and its requests against AWS's own model of the API. What an
 * emulator lacks or does otherwise is asserted, so that the day it is mended this file says so.
 */
import { randomBytes, randomUUID } from "node:crypto";
import {
  CancelKeyDeletionCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  KMSClient,
  ListGrantsCommand,
  ListKeyRotationsCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
} from "@aws-sdk/client-kms";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientConfiguration } from "../../adapters/aws/client-configuration.ts";
import { kmsKeyCustody } from "../../adapters/aws/kms-custody.ts";
import { kmsDataKeys } from "../../adapters/aws/kms-data-keys.ts";
import { kmsKeyService } from "../../adapters/aws/kms-key-service.ts";
import { failure } from "../adapters/aws/kms-bench.ts";
import { KmsDouble } from "../adapters/aws/kms-double.ts";
import { type DataKeysContractOptions, dataKeysContract } from "../contracts/data-keys.ts";
import { type KeyCustodyContractOptions, keyCustodyContract } from "../contracts/key-custody.ts";
import { modelComplaints } from "../support/aws-model.ts";
import { type Emulator, emulatorClient, startMinistack, startMoto } from "../support/emulators.ts";
import { codeOf } from "../support/errors.ts";

const grantee = "arn:aws:iam::123456789012:role/ceremony";

const clientOf = ({ url }: Emulator): KMSClient =>
  new KMSClient({ ...clientConfiguration(), ...emulatorClient, endpoint: url });

/** Where moto takes a key's id alone (asserted below). */
const byIdAlone = new Set([
  "CancelKeyDeletionCommand",
  "DisableKeyCommand",
  "EnableKeyCommand",
  "ScheduleKeyDeletionCommand",
]);

function motoClient(emulator: Emulator): KMSClient {
  const client = clientOf(emulator);
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      (args) => {
        if (!byIdAlone.has(commandName)) return next(args);
        const { KeyId, ...input } = args.input as { readonly KeyId: string };
        return next({ ...args, input: { ...input, KeyId: KeyId.split("/")[1] ?? KeyId } });
      },
    { step: "initialize", name: "motoKeyId" },
  );
  return client;
}

async function newKey(client: KMSClient, spec: "ECC_NIST_P256" | "SYMMETRIC_DEFAULT"): Promise<string> {
  const KeyUsage = spec === "ECC_NIST_P256" ? "SIGN_VERIFY" : "ENCRYPT_DECRYPT";
  const { KeyMetadata: made } = await client.send(new CreateKeyCommand({ KeySpec: spec, KeyUsage }));
  if (made?.Arn === undefined) throw new Error("the emulator made no key");
  return made.Arn;
}

interface Open {
  readonly client: KMSClient;
  readonly plain: KMSClient;
  readonly close: () => Promise<void>;
}

async function start(
  make: () => Promise<Emulator>,
  connect: (emulator: Emulator) => KMSClient,
): Promise<Open> {
  const emulator = await make();
  const client = connect(emulator);
  const plain = clientOf(emulator);
  const close = async () => {
    client.destroy();
    plain.destroy();
    await emulator.close();
  };
  return { client, plain, close };
}

function contracts(
  name: string,
  open: () => Promise<Open>,
  custodyOptions: KeyCustodyContractOptions,
  dataKeysOptions: DataKeysContractOptions,
): void {
  keyCustodyContract(
    name,
    async () => {
      const { client, close } = await open();
      const keys = kmsKeyService({ aliasPrefix: "fleetkey/judge", client });
      return {
        custody: kmsKeyCustody({ grantee, client }),
        makeKey: async () => `P-256:${await newKey(client, "ECC_NIST_P256")}`,
        unknownKey: async () =>
          `P-256:${(await newKey(client, "ECC_NIST_P256")).replace(/\/.*$/, `/${randomUUID()}`)}`,
        sign: (keyId) => keys.sign(keyId, randomBytes(100)),
        close,
      };
    },
    custodyOptions,
  );
  dataKeysContract(
    name,
    async () => {
      const { client, close } = await open();
      const keys = {
        "fleet-a-protection": await newKey(client, "SYMMETRIC_DEFAULT"),
        data: await newKey(client, "SYMMETRIC_DEFAULT"),
      };
      return { dataKeys: kmsDataKeys({ keys, client }), names: ["data", "fleet-a-protection"], close };
    },
    dataKeysOptions,
  );
}

const moto = () => start(startMoto, motoClient);
const ministack = () => start(startMinistack, clientOf);

contracts("KMS, moto", moto, { refusesDisabled: false, oneLoanAName: false, missesKeys: false }, {});
contracts("KMS, ministack", ministack, {}, { rotates: false });

function running(make: () => Promise<Open>): () => Open {
  let open: Open | undefined;
  beforeAll(async () => {
    open = await make();
  });
  afterAll(async () => {
    await open?.close();
  });
  return () => {
    if (open === undefined) throw new Error("the emulator runs only while its tests do");
    return open;
  };
}

const grantsOf = async ({ client }: Open, KeyId: string) =>
  (await client.send(new ListGrantsCommand({ KeyId }))).Grants ?? [];

describe("KMS, moto: gaps", () => {
  const open = running(moto);

  it("gap: a deletion is scheduled and cancelled by id alone: an ARN breaks moto", async () => {
    const KeyId = await newKey(open().client, "ECC_NIST_P256");
    const broken = { $metadata: { httpStatusCode: 500 } };
    const { plain } = open();
    await expect(plain.send(new ScheduleKeyDeletionCommand({ KeyId }))).rejects.toMatchObject(broken);
    await expect(plain.send(new CancelKeyDeletionCommand({ KeyId }))).rejects.toMatchObject(broken);
  });

  it("gap: the same grant under the same name is made twice", async () => {
    const arn = await newKey(open().client, "ECC_NIST_P256");
    const custody = kmsKeyCustody({ grantee, client: open().client });
    const first = await custody.lend(`P-256:${arn}`, "ceremony-1");
    expect((await custody.lend(`P-256:${arn}`, "ceremony-1")).loanId).not.toBe(first.loanId);
    expect(await grantsOf(open(), arn)).toHaveLength(2);
  });

  it("gap: a disabled key, and one to be destroyed, is lent", async () => {
    const arn = await newKey(open().client, "ECC_NIST_P256");
    const custody = kmsKeyCustody({ grantee, client: open().client });
    await open().client.send(new DisableKeyCommand({ KeyId: arn }));
    expect((await custody.stateOf(`P-256:${arn}`)).condition).toBe("disabled");
    await custody.lend(`P-256:${arn}`, "ceremony-1");
    await custody.scheduleDeletion(`P-256:${arn}`, 7);
    await custody.lend(`P-256:${arn}`, "ceremony-2");
  });

  it("gap: a grant on a key that is not there breaks moto", async () => {
    const arn = (await newKey(open().client, "ECC_NIST_P256")).replace(/\/.*$/, `/${randomUUID()}`);
    const custody = kmsKeyCustody({ grantee, client: open().client });
    const error = await failure(custody.lend(`P-256:${arn}`, "ceremony-1"));
    expect(error.cause).toMatchObject({ $metadata: { httpStatusCode: 500 } });
  });

  it("gap: a 26th rotation on demand is made", async () => {
    const arn = await newKey(open().client, "SYMMETRIC_DEFAULT");
    const dataKeys = kmsDataKeys({ keys: { data: arn }, client: open().client });
    for (let at = 1; at <= 26; at += 1) expect((await dataKeys.rotateNow("data")).onDemandRotations).toBe(at);
  });
});

describe("KMS, ministack: grants, and gaps", () => {
  const open = running(ministack);

  it("a loan is a grant of Sign alone to the grantee alone, and is gone when it is taken back", async () => {
    const arn = await newKey(open().client, "ECC_NIST_P256");
    const custody = kmsKeyCustody({ grantee, client: open().client });
    const { loanId } = await custody.lend(`P-256:${arn}`, "ceremony-1");
    await custody.lend(`P-256:${arn}`, "ceremony-1");
    const grants = await grantsOf(open(), arn);
    expect(grants).toHaveLength(1);
    expect(grants[0]).toMatchObject({
      GrantId: loanId,
      Name: "ceremony-1",
      GranteePrincipal: grantee,
      Operations: ["Sign"],
    });
    await custody.endLoan(`P-256:${arn}`, loanId);
    expect(await grantsOf(open(), arn)).toEqual([]);
  });

  it("a disabled key is not lent", async () => {
    const arn = await newKey(open().client, "ECC_NIST_P256");
    await open().client.send(new DisableKeyCommand({ KeyId: arn }));
    const custody = kmsKeyCustody({ grantee, client: open().client });
    expect(await codeOf(custody.lend(`P-256:${arn}`, "ceremony-1"))).toBe("key_disabled");
  });

  it("gap: ListKeyRotations and RotateKeyOnDemand are not known", async () => {
    const KeyId = await newKey(open().client, "SYMMETRIC_DEFAULT");
    const { client } = open();
    await expect(client.send(new ListKeyRotationsCommand({ KeyId }))).rejects.toThrow(/Unknown|not/i);
    await expect(client.send(new RotateKeyOnDemandCommand({ KeyId }))).rejects.toThrow(/Unknown|not/i);
  });
});

describe("KMS's model", () => {
  it("every request of custody and of data keys fits", async () => {
    const double = new KmsDouble();
    const client = double.client();
    const { arn } = double.addKey("ECC_NIST_P256");
    const custody = kmsKeyCustody({ grantee, client });
    const { loanId } = await custody.lend(`P-256:${arn}`, "c".repeat(128));
    await custody.endLoan(`P-256:${arn}`, loanId);
    for (const days of [7, 30]) {
      await custody.scheduleDeletion(`P-256:${arn}`, days);
      await custody.cancelDeletion(`P-256:${arn}`);
    }
    const wrapping = double.addKey("ECC_NIST_P256");
    wrapping.rotations = Array.from({ length: 7 }, (_, at) => ({
      RotationType: "ON_DEMAND",
      RotationDate: at,
    }));
    await kmsDataKeys({ keys: { data: wrapping.arn }, client }).rotateNow("data");
    expect([...new Set(double.requests.map(({ operation }) => operation))].sort()).toEqual([
      "CancelKeyDeletion",
      "CreateGrant",
      "DescribeKey",
      "EnableKey",
      "GetKeyRotationStatus",
      "ListKeyRotations",
      "RevokeGrant",
      "RotateKeyOnDemand",
      "ScheduleKeyDeletion",
    ]);
    const complaints = await modelComplaints("kms", double.requests);
    expect(complaints).toEqual(double.requests.map(() => []));
  });
});
