/** Messages that the AWS Encryption SDK makes when others use it: which are read, and which are not. */
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type EncryptionSdk, encryptionSdk } from "../../../adapters/encryption/encryption-sdk.ts";
import { encryptionSdkCipher } from "../../../adapters/encryption/encryption-sdk-cipher.ts";
import { rawKeyring } from "../../../adapters/encryption/raw-fleet-keyring.ts";
import { protectionStandard } from "../../../core/standard/protection.ts";
import { openingOf } from "../../contracts/message-cipher.ts";
import { rawFleetKeys } from "./raw-fleet-keys.ts";

const context = { fleet: "meters", purpose: "readings", subject: "s-1" };
const wrapping = { kind: "subject", keyName: "subject-key:meters:s-1:1", key: randomBytes(32) } as const;
const cipher = encryptionSdkCipher({ fleetKeyring: rawFleetKeys(["meters"]).keyrings });

type Suite = keyof EncryptionSdk["AlgorithmSuiteIdentifier"];

async function made(suite: Suite, options: { frameLength?: number; octets?: number; others?: number } = {}) {
  const { frameLength = 4_096, octets = 10, others = 0 } = options;
  const sdk = await encryptionSdk();
  const { encrypt } = sdk.buildClient(sdk.CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT);
  const committed = sdk.buildClient(sdk.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
  const generator = rawKeyring(sdk, wrapping.keyName, wrapping.key);
  const children = Array.from({ length: others }, (_, index) =>
    rawKeyring(sdk, `subject-key:meters:s-2:${index}`, randomBytes(32)),
  );
  const keyring = new sdk.MultiKeyringNode({ generator, children });
  const client = suite.includes("COMMIT_KEY") ? committed.encrypt : encrypt;
  const suiteId = sdk.AlgorithmSuiteIdentifier[suite];
  const { result } = await client(keyring, Buffer.alloc(octets, "x"), {
    suiteId,
    frameLength,
    encryptionContext: context,
  });
  return result;
}

const signed = "ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384";
const unsigned = "ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY";

describe("messages of other clients", () => {
  it("a signed one (0x0578) is read, and its context is the caller's", async () => {
    const message = await made(signed);
    expect(message.subarray(0, 3).toString("hex")).toBe("020578");
    expect(cipher.headerOf(message).context).toEqual(context);
    expect((await cipher.decrypt(wrapping, message, context)).toString()).toBe("xxxxxxxxxx");
  });

  it("a signed one whose signature is another's, cut or lengthened is unreadable", async () => {
    const message = await made(signed);
    const other = await made(signed);
    const signature = cutOf(message);
    for (const changed of [
      Buffer.concat([message.subarray(0, signature), other.subarray(cutOf(other))]),
      message.subarray(0, signature),
      Buffer.concat([message, Buffer.alloc(1)]),
    ])
      expect(await openingOf(cipher.decrypt(wrapping, changed, context))).toBe("unreadable");
  });

  it.each([1, 3, 10, 11])("frames of %d octets are read", async (frameLength) => {
    const message = await made(unsigned, { frameLength });
    expect((await cipher.decrypt(wrapping, message, context)).toString()).toBe("xxxxxxxxxx");
  });

  it("frames without number are not opened one by one: what four million octets make of them takes seconds", async () => {
    const { frames } = protectionStandard.message;
    const messages = [
      await made(unsigned, { frameLength: 1, octets: frames - 1 }),
      await made(unsigned, { frameLength: 1, octets: frames + 1 }),
    ] as const;
    expect(await cipher.decrypt(wrapping, messages[0], context)).toHaveLength(frames - 1);
    expect(await openingOf(cipher.decrypt(wrapping, messages[1], context))).toBe("unreadable");
  });

  it("frames in another order, left out or repeated make it unreadable", async () => {
    const message = await made(unsigned, { frameLength: 2 });
    const frame = 4 + 12 + 2 + 16;
    // The last frame tells its length; before it stand four of the same size.
    const first = message.length - (frame + 8) - 4 * frame;
    const parts = [0, 1, 2, 3].map((n) => message.subarray(first + n * frame, first + (n + 1) * frame));
    const [head, tail] = [message.subarray(0, first), message.subarray(first + 4 * frame)];
    const orders = [[0, 2, 1, 3], [0, 1, 2], [1, 2, 3], [0, 1, 1, 2, 3], [0, 1, 2, 3, 3], []];
    for (const order of orders) {
      const changed = Buffer.concat([head, ...order.map((n) => parts[n]!), tail]);
      expect(await openingOf(cipher.decrypt(wrapping, changed, context)), String(order)).toBe("unreadable");
    }
    expect((await cipher.decrypt(wrapping, message, context)).toString()).toBe("xxxxxxxxxx");
  });

  it("one that another key opens too is unreadable: it would survive the destruction of the subject's key", async () => {
    const message = await made(unsigned, { others: 1 });
    expect(await openingOf(cipher.decrypt(wrapping, message, context))).toBe("unreadable");
    expect(await openingOf(Promise.resolve().then(() => cipher.headerOf(message)))).toBe("unreadable");
  });

  it.each([
    "ALG_AES256_GCM_IV12_TAG16",
    "ALG_AES256_GCM_IV12_TAG16_HKDF_SHA256",
    "ALG_AES256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384",
  ] as const)("one without key commitment (%s) is unreadable", async (suite) => {
    const message = await made(suite);
    expect(message[0]).toBe(1);
    expect(await openingOf(cipher.decrypt(wrapping, message, context))).toBe("unreadable");
  });
});

/** Where the signature of a signed message begins: its length, in two octets, is what is left after them. */
function cutOf(message: Buffer): number {
  for (let at = message.length - 2 - 110; at < message.length - 2; at += 1)
    if (message.readUInt16BE(at) === message.length - at - 2) return at;
  throw new Error("no signature");
}
