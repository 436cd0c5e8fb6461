/**
 * Wrapping keys on independent emulators of KMS, and their requests against AWS's own model of the API. What an emulator
 * lacks or does otherwise is asserted, so that the day it is mended this file says so.
 */
import { randomUUID } from "node:crypto";
import {
  CancelKeyDeletionCommand,
  CreateKeyCommand,
  DecryptCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  KMSClient,
} from "@aws-sdk/client-kms";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientConfiguration } from "../../adapters/aws/client-configuration.ts";
import { kmsWrappingKeys } from "../../adapters/aws/kms-wrapping-keys.ts";
import { failure } from "../adapters/aws/kms-bench.ts";
import { KmsDouble } from "../adapters/aws/kms-double.ts";
import { type WrappingKeysContractOptions, wrappingKeysContract } from "../contracts/wrapping-keys.ts";
import { seededRandom } from "../formats/seeded-random.ts";
import { modelComplaints } from "../support/aws-model.ts";
import { type Emulator, emulatorClient, startMinistack, startMoto } from "../support/emulators.ts";
import { codeOf } from "../support/errors.ts";
import { faultyRequests } from "./support/faulty-requests.ts";
import { impatientRetries } from "./support/impatient-retries.ts";

const context = { fleet: "fleet-a", purpose: "observations", subject: "subject-1" };

const clientOf = ({ url }: Emulator): KMSClient =>
  new KMSClient({ ...clientConfiguration(), ...emulatorClient, endpoint: url });

/** moto takes these by a key's id alone: `kms-custody.judge.ts` asserts it. */
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

async function newKey(client: KMSClient): Promise<string> {
  const { KeyMetadata: made } = await client.send(new CreateKeyCommand({ KeyUsage: "ENCRYPT_DECRYPT" }));
  if (made?.Arn === undefined) throw new Error("the emulator made no key");
  return made.Arn;
}

interface Kind {
  readonly name: string;
  readonly start: () => Promise<Emulator>;
  readonly connect: (emulator: Emulator) => KMSClient;
  readonly options: WrappingKeysContractOptions;
}

const moto: Kind = {
  name: "moto",
  start: () => startMoto(),
  connect: motoClient,
  // 36 octets: the key's id.
  options: { refusesDisabled: false, namingOctets: 36, comparesKeys: false, partsContexts: false },
};
const ministack: Kind = {
  name: "ministack",
  start: () => startMinistack(),
  connect: clientOf,
  options: { authenticates: false, comparesKeys: false, rewraps: false },
};

for (const { name, start, connect, options } of [moto, ministack]) {
  wrappingKeysContract(
    `KMS, ${name}`,
    async () => {
      const emulator = await start();
      const client = connect(emulator);
      const made: string[] = [];
      for (let at = 0; at < 5; at += 1) made.push(await newKey(client));
      const [mine = "", next = "", other = "", ...doomed] = made;
      return {
        keys: kmsWrappingKeys({ keys: { mine: [mine], other: [other], doomed }, client }),
        fleets: { mine: "mine", other: "other", doomed: "doomed" },
        unknownFleets: ["", "missing", "constructor"],
        rotated: async () =>
          kmsWrappingKeys({ keys: { mine: [next, mine], other: [other], doomed }, client }),
        close: async () => {
          client.destroy();
          await emulator.close();
        },
      };
    },
    options,
  );
}

function running({ start, connect }: Kind): () => KMSClient {
  let emulator: Emulator | undefined;
  let client: KMSClient | undefined;
  beforeAll(async () => {
    emulator = await start();
    client = connect(emulator);
  });
  afterAll(async () => {
    client?.destroy();
    await emulator?.close();
  });
  return () => {
    if (client === undefined) throw new Error("the emulator runs only while its tests do");
    return client;
  };
}

/** A key of the emulator, and what it has wrapped. */
async function wrapped(client: KMSClient) {
  const KeyId = await newKey(client);
  const keys = kmsWrappingKeys({ keys: { mine: [KeyId] }, client });
  return { KeyId, keys, made: await keys.generate("mine", context) };
}

function commonBehaviour(open: () => KMSClient): void {
  it("a key that is not there is key_not_found", async () => {
    const KeyId = (await newKey(open())).replace(/\/.*$/, `/${randomUUID()}`);
    const keys = kmsWrappingKeys({ keys: { mine: [KeyId] }, client: open() });
    expect(await codeOf(keys.generate("mine", context))).toBe("key_not_found");
  });

  it("whoever has rights of their own at KMS opens a wrapped key without us", async () => {
    const { KeyId, made } = await wrapped(open());
    const command = new DecryptCommand({
      KeyId,
      CiphertextBlob: made.wrapped,
      EncryptionContext: context,
    });
    const { Plaintext: plaintext } = await open().send(command);
    expect(Buffer.from(plaintext ?? [])).toEqual(made.plaintext);
  });
}

describe("KMS, ministack: a key's states, and gaps", () => {
  const open = running(ministack);
  commonBehaviour(open);

  it("disabled: key_disabled with its remedy, and readable again once the key is enabled", async () => {
    const { KeyId, keys, made } = await wrapped(open());
    await open().send(new DisableKeyCommand({ KeyId }));
    for (const call of [keys.unwrap("mine", made, context), keys.generate("mine", context)])
      expect(await failure(call)).toMatchObject({
        code: "key_disabled",
        message: expect.stringMatching(/the key is disabled; enable it in KMS/),
      });
    await open().send(new EnableKeyCommand({ KeyId }));
    expect(await keys.unwrap("mine", made, context)).toEqual(made.plaintext);
  });

  it("to be destroyed: key_disabled with its remedy, and readable again once that is cancelled", async () => {
    const { KeyId, keys, made } = await wrapped(open());
    await keys.scheduleDeletion("mine", 7);
    expect(await failure(keys.unwrap("mine", made, context))).toMatchObject({
      code: "key_disabled",
      message: expect.stringMatching(/cancel the deletion within its waiting time/),
    });
    await open().send(new CancelKeyDeletionCommand({ KeyId }));
    await open().send(new EnableKeyCommand({ KeyId }));
    expect(await keys.unwrap("mine", made, context)).toEqual(made.plaintext);
  });

  it("gap: ReEncrypt is not known", async () => {
    const { keys, made } = await wrapped(open());
    const error = await failure(keys.rewrap("mine", made, context, context));
    expect(error.cause).toMatchObject({ message: "Unknown action: ReEncrypt" });
  });

  it("gap: a changed octet gives another plaintext, and another key opens what it never wrapped", async () => {
    const { keys, made } = await wrapped(open());
    const octets = Buffer.from(made.wrapped);
    octets.writeUInt8(octets.readUInt8(octets.length - 1) ^ 1, octets.length - 1);
    const changed = await keys.unwrap("mine", { ...made, wrapped: octets }, context);
    expect(changed.equals(made.plaintext)).toBe(false);
    const other = await wrapped(open());
    const renamed = { keyId: other.KeyId, wrapped: made.wrapped };
    expect((await other.keys.unwrap("mine", renamed, context)).equals(made.plaintext)).toBe(false);
  });
});

describe("KMS, moto: gaps", () => {
  const open = running(moto);
  commonBehaviour(open);

  it("gap: a key that is disabled, or to be destroyed, goes on", async () => {
    const { KeyId, keys, made } = await wrapped(open());
    await open().send(new DisableKeyCommand({ KeyId }));
    expect(await keys.unwrap("mine", made, context)).toEqual(made.plaintext);
    await keys.scheduleDeletion("mine", 7);
    expect(await keys.unwrap("mine", made, context)).toEqual(made.plaintext);
  });

  it("gap: what another key has wrapped, or none, is AccessDeniedException", async () => {
    const { keys, KeyId, made } = await wrapped(open());
    const other = await wrapped(open());
    const renamed = { keyId: other.KeyId, wrapped: made.wrapped };
    const refused = { code: "key_service_unavailable", cause: { name: "AccessDeniedException" } };
    expect(await failure(other.keys.unwrap("mine", renamed, context))).toMatchObject(refused);
    const octets = Buffer.from(made.wrapped);
    octets.write(randomUUID());
    const unknown = keys.unwrap("mine", { keyId: KeyId, wrapped: octets }, context);
    expect(await failure(unknown)).toMatchObject(refused);
  });

  it("gap: a context is the same wherever a name ends and its value begins", async () => {
    const { keys, made } = await wrapped(open());
    const { subject, ...others } = context;
    const shifted = { ...others, subjects: subject.slice(1) };
    expect(await keys.unwrap("mine", made, shifted)).toEqual(made.plaintext);
  });
});

describe("KMS, moto, of whose answers half are ThrottlingException and one in ten is lost", () => {
  let emulator: Emulator;
  beforeAll(async () => {
    emulator = await startMoto();
  });
  afterAll(async () => {
    await emulator.close();
  });

  it("200 keys are wrapped, moved to another key and opened: each is told to ask again, or is right", async () => {
    const clean = clientOf(emulator);
    const [from, to] = [await newKey(clean), await newKey(clean)];
    const random = seededRandom(20_261_125);
    const requests = faultyRequests(
      () => (random.chance(0.5) ? "throttled" : random.chance(0.2) ? "answerLost" : "none"),
      () => undefined,
    );
    const client = new KMSClient({
      ...clientConfiguration({ requestHandler: requests.handler }),
      ...emulatorClient,
      endpoint: emulator.url,
      retryStrategy: impatientRetries(3),
    });
    const before = kmsWrappingKeys({ keys: { mine: [from] }, client });
    const keys = kmsWrappingKeys({ keys: { mine: [to, from] }, client });
    let refused = 0;
    const untilAnswered = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
      for (;;) {
        try {
          return await call();
        } catch (error) {
          expect(error).toMatchObject({ code: "key_service_unavailable", retryAfter: 2 });
          refused += 1;
        }
      }
    };
    const move = async () => {
      const { plaintext, ...old } = await untilAnswered(() => before.generate("mine", context));
      const moved = await untilAnswered(() => keys.rewrap("mine", old, context, context));
      expect(moved.keyId).toBe(to);
      expect(await untilAnswered(() => keys.unwrap("mine", moved, context))).toEqual(plaintext);
    };
    for (let at = 0; at < 20; at += 1) await Promise.all(Array.from({ length: 10 }, move));
    expect(refused).toBeGreaterThan(20);
    expect(requests.counts.throttled).toBeGreaterThan(300);
    expect(requests.counts.answerLost).toBeGreaterThan(30);
    client.destroy();
    clean.destroy();
  });
});

describe("KMS's model", () => {
  it("every request of wrapping keys fits", async () => {
    const double = new KmsDouble();
    const [mine, older] = [double.addKey("ECC_NIST_P256"), double.addKey("ECC_NIST_P256")];
    const client = double.client();
    const before = kmsWrappingKeys({ keys: { mine: [older.arn] }, client });
    const keys = kmsWrappingKeys({ keys: { mine: [mine.arn, older.arn] }, client });
    const old = await before.generate("mine", context);
    await keys.unwrap("mine", old, context);
    await keys.rewrap("mine", old, context, context);
    await keys.scheduleDeletion("mine", 30);
    expect([...new Set(double.requests.map(({ operation }) => operation))].sort()).toEqual([
      "Decrypt",
      "DescribeKey",
      "GenerateDataKey",
      "ReEncrypt",
      "ScheduleKeyDeletion",
    ]);
    const complaints = await modelComplaints("kms", double.requests);
    expect(complaints).toEqual(double.requests.map(() => []));
  });
});
