/**
 * Our messages judged by the AWS Encryption SDK for Python, in both directions: raw AES keys of subjects and of fleets,
 * and a key of KMS (moto), which others use without us.
 */
import { randomBytes } from "node:crypto";
import { CreateKeyCommand, InvalidCiphertextException, KMSClient } from "@aws-sdk/client-kms";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientConfiguration } from "../../adapters/aws/client-configuration.ts";
import { kmsWrappingKeys } from "../../adapters/aws/kms-wrapping-keys.ts";
import { encryptionSdkCipher } from "../../adapters/encryption/encryption-sdk-cipher.ts";
import { kmsFleetKeyrings } from "../../adapters/encryption/kms-fleet-keyring.ts";
import { rawFleetKeyrings } from "../../adapters/encryption/raw-fleet-keyring.ts";
import type { MessageCipher } from "../../core/ports.ts";
import { protectionStandard } from "../../core/standard/protection.ts";
import { messageCipherContract, openingOf } from "../contracts/message-cipher.ts";
import { type Emulator, emulatorClient, startMoto } from "../support/emulators.ts";
import { askPython, type PythonKeyring } from "./support/encryption-sdk.ts";

const fleet = "street-lights";
const otherFleet = "meters";

interface UnderMoto {
  readonly emulator: Emulator;
  readonly cipher: MessageCipher;
  readonly keys: Readonly<Record<string, readonly string[]>>;
  readonly close: () => Promise<void>;
}

/** moto answers AccessDeniedException where KMS calls a ciphertext invalid: `kms-wrapping-keys.judge.ts` asserts it. */
function motoClient({ url }: Emulator): KMSClient {
  const client = new KMSClient({ ...clientConfiguration(), ...emulatorClient, endpoint: url });
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        try {
          return await next(args);
        } catch (refusal) {
          const mended = commandName === "DecryptCommand" && refusal instanceof Error;
          if (!mended || refusal.name !== "AccessDeniedException") throw refusal;
          throw new InvalidCiphertextException({ message: refusal.message, $metadata: {} });
        }
      },
    { step: "initialize", name: "motoInvalidCiphertext" },
  );
  return client;
}

async function underMoto(): Promise<UnderMoto> {
  const emulator = await startMoto();
  const client = motoClient(emulator);
  const keys: Record<string, readonly string[]> = {};
  for (const name of [fleet, otherFleet])
    keys[name] = [(await client.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ""];
  const close = async () => {
    client.destroy();
    await emulator.close();
  };
  const cipher = encryptionSdkCipher({ fleetKeyring: kmsFleetKeyrings(kmsWrappingKeys({ client, keys })) });
  return { emulator, cipher, keys, close };
}

messageCipherContract(
  "AWS Encryption SDK, KMS by moto",
  async () => ({ ...(await underMoto()), fleet, otherFleet }),
  { everyBit: false },
);

const context = {
  fleet,
  purpose: "observations",
  subject: "s-1",
  record: "7f:2e",
  "b-member": "x.y_z",
  aa: "1",
};
const { frameBytes } = protectionStandard.message;
const lengths = [0, 1, 77, frameBytes, frameBytes + 1, 2 * frameBytes + 5];
const suites = [
  "AES_256_GCM_HKDF_SHA512_COMMIT_KEY",
  "AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384",
] as const;

type Wrapping = Parameters<MessageCipher["encrypt"]>[0];

/** Both directions under one key. */
function judged(open: () => { cipher: MessageCipher; wrapping: Wrapping; keyring: PythonKeyring }): void {
  it("the SDK for Python reads what we write, in the one suite, with exactly its context", async () => {
    const { cipher, wrapping, keyring } = open();
    const plaintexts = lengths.map((length) => randomBytes(length));
    const messages = await Promise.all(
      plaintexts.map((plaintext) => cipher.encrypt(wrapping, plaintext, context)),
    );
    const answers = await askPython(
      keyring,
      messages.map((message) => ({ message, context })),
    );
    expect(answers.map(({ failure }) => failure)).toEqual(lengths.map(() => undefined));
    for (const [index, answer] of answers.entries()) {
      expect(answer.plaintext?.equals(plaintexts[index]!)).toBe(true);
      expect(answer).toMatchObject({ context, suite: suites[0] });
    }
  });

  it.each(suites)("we read what the SDK for Python writes (%s)", async (suite) => {
    const { cipher, wrapping, keyring } = open();
    const plaintexts = lengths.map((length) => randomBytes(length));
    const tasks = plaintexts.map((plaintext) => ({ plaintext, context, suite, frameLength: 65_536 }));
    const answers = await askPython(keyring, tasks);
    expect(answers.map(({ failure }) => failure)).toEqual(lengths.map(() => undefined));
    for (const [index, { message }] of answers.entries()) {
      expect(cipher.headerOf(message!).context).toEqual(context);
      expect((await cipher.decrypt(wrapping, message!, context)).equals(plaintexts[index]!)).toBe(true);
      const other = { ...context, subject: "s-2" };
      expect(await openingOf(cipher.decrypt(wrapping, message!, other))).toBe("unreadable");
    }
  });

  it("the SDK for Python refuses another context, a changed octet and a cut", async () => {
    const { cipher, wrapping, keyring } = open();
    const message = await cipher.encrypt(wrapping, Buffer.from("secret"), context);
    const changed = Buffer.from(message);
    changed[message.length - 20]! ^= 1;
    const answers = await askPython(keyring, [
      { message, context: { ...context, subject: "s-2" } },
      { message: changed, context },
      { message: message.subarray(0, -1), context },
      { message, context },
    ]);
    expect(answers.map(({ failure }) => failure !== undefined)).toEqual([true, true, true, false]);
  });
}

describe("a subject's key", () => {
  const wrapping = { kind: "subject", keyName: `subject-key:${fleet}:s-1:1`, key: randomBytes(32) } as const;
  const keyring = { namespace: "fleetkey", name: wrapping.keyName, key: wrapping.key };
  const cipher = encryptionSdkCipher({ fleetKeyring: () => Promise.reject(new Error("not asked")) });
  judged(() => ({ cipher, wrapping, keyring }));

  it("with the key and its name alone, another SDK reads: the name stands in the message", async () => {
    const message = await cipher.encrypt(wrapping, Buffer.from("secret"), context);
    const [wrong, right] = [
      await askPython({ ...keyring, name: `${wrapping.keyName}1` }, [{ message, context }]),
      await askPython(keyring, [{ message, context }]),
    ];
    expect(wrong[0]?.failure).toBeDefined();
    expect(right[0]?.plaintext?.toString()).toBe("secret");
  });
});

describe("a fleet's key in a local keystore", () => {
  const keyId = `local:${fleet}-protection:3`;
  const key = randomBytes(32);
  const cipher = encryptionSdkCipher({
    fleetKeyring: rawFleetKeyrings(async () => ({ keyId, key: Buffer.from(key) })),
  });
  judged(() => ({
    cipher,
    wrapping: { kind: "fleet", fleet },
    keyring: { namespace: "fleetkey", name: keyId, key },
  }));
});

describe("a fleet's key in KMS (moto)", () => {
  let opened: UnderMoto | undefined;
  beforeAll(async () => {
    opened = await underMoto();
  });
  afterAll(async () => {
    await opened?.close();
  });
  judged(() => {
    if (opened === undefined) throw new Error("moto runs only while its tests do");
    const { cipher, keys, emulator } = opened;
    const keyring = { kmsKeyId: keys[fleet]?.[0] ?? "", url: emulator.url, region: emulatorClient.region };
    return { cipher, wrapping: { kind: "fleet", fleet }, keyring };
  });
});
