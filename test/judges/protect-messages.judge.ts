/**
 * `fleetkey/protect` judged by the AWS Encryption SDK for Python, as docs/data-protection.md says: it reads fields with a
 * key of KMS (moto) and none of our code, and writes one that the helper reads.
 */
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { afterAll, beforeAll, expect, it } from "vitest";
import { clientConfiguration } from "../../adapters/aws/client-configuration.ts";
import { AppError, fleetkeyProtector, kmsKeys, type Protector } from "../../protect/index.ts";
import { type Emulator, emulatorClient, startMoto } from "../support/emulators.ts";
import { askPython, type PythonKeyring } from "./support/encryption-sdk.ts";

const context = { purpose: "observations", subject: "s-7f3a91", record: "r-1" };
const whole = { fleet: "default", purpose: "observations", subject: "s-7f3a91", form: "fields-1" };
let emulator: Emulator;
let protector: Protector;
let keyring: PythonKeyring;

beforeAll(async () => {
  emulator = await startMoto();
  const { url } = emulator;
  const client = { ...clientConfiguration(), ...emulatorClient, endpoint: url };
  const kms = new KMSClient(client);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  kms.destroy();
  const arn = KeyMetadata?.Arn ?? "";
  protector = fleetkeyProtector({ keys: kmsKeys({ fleet: "default", keyArns: [arn], client }) });
  keyring = { kmsKeyId: arn, url, region: arn.split(":")[3] ?? "" };
});
afterAll(async () => {
  protector.close();
  await emulator.close();
});

it("Python reads a field with the key of KMS, and finds field and record in it", async () => {
  const { note } = await protector.protect({ note: "bolus" }, ["note"], context, { encoding: "binary" });
  const [answer] = await askPython(keyring, [{ context: whole, message: Buffer.from(note) }]);
  expect(answer?.plaintext?.toString()).toBe('{"field":"note","record":"r-1","value":"bolus"}');
  expect(answer?.context).toEqual(whole);
});

it("the helper reads what Python wrote, signed or not, and in its own place only", async () => {
  const plaintext = Buffer.from('{"field":"note","record":"r-1","value":["bolus",4.2]}');
  const suites = [
    "AES_256_GCM_HKDF_SHA512_COMMIT_KEY",
    "AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384",
  ] as const;
  const tasks = suites.map((suite) => ({ context: whole, plaintext, suite, frameLength: 4096 }));
  for (const { message: note } of await askPython(keyring, tasks)) {
    for (let count = 0; count < 2; count += 1)
      expect(await protector.unprotect({ note }, ["note"], context)).toEqual({ note: ["bolus", 4.2] });
    const elsewhere = protector.unprotect({ other: note }, ["other"], context);
    await expect(elsewhere).rejects.toThrow(AppError);
  }
});
