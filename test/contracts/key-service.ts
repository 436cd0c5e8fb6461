/**
 * The contract of the KeyService port. Nothing here knows an adapter: run it over each.
 */
import { createPublicKey, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AuthorityAlgorithm,
  type AuthorityAlgorithmId,
  authorityAlgorithms,
} from "../../core/formats/algorithms.ts";
import type { KeyDescription, KeyService } from "../../core/ports.ts";
import { opensslKnows } from "../support/openssl.ts";
import { allAlgorithms } from "./key-algorithms.ts";
import { nodeVerifies, opensslSpki, opensslVerifies } from "./signature-judges.ts";

export interface KeyServiceUnderTest {
  readonly keys: KeyService;
  readonly close: () => Promise<void>;
}

export interface KeyServiceContractOptions {
  /** @default every row; an emulator may lack some, which its test names. */
  readonly algorithms?: readonly AuthorityAlgorithmId[];
  /** Whether a key of `algorithm` signs messages of this length. @default every length; a test names the others. */
  readonly signs?: (algorithm: AuthorityAlgorithmId, octets: number) => boolean;
}

// 4,096 octets is where a remote service stops taking the message whole.
const allMessages = [0, 1, 4_096, 4_097, 102_400].map((octets) => ({ octets, message: randomBytes(octets) }));
type Messages = typeof allMessages;

type KeysOf = () => KeyService;

function freshAlias(): string {
  return `contract/${randomUUID()}`;
}

export function keyServiceContract(
  name: string,
  make: () => Promise<KeyServiceUnderTest>,
  options: KeyServiceContractOptions = {},
): void {
  const { algorithms = allAlgorithms, signs = () => true } = options;
  describe(`KeyService contract: ${name}`, () => {
    let underTest: KeyServiceUnderTest | undefined;
    beforeAll(async () => {
      underTest = await make();
    });
    afterAll(async () => {
      await underTest?.close();
    });
    const keys: KeysOf = () => {
      if (underTest === undefined) throw new Error("the key service is open only while its tests run");
      return underTest.keys;
    };
    describe.each(algorithms)("%s", (algorithm) => {
      const messages = allMessages.filter(({ octets }) => signs(algorithm, octets));
      signatureContract(keys, algorithm, messages);
    });
    creationContract(keys, algorithms);
    absenceContract(keys);
  });
}

function signatureContract(keys: KeysOf, algorithm: AuthorityAlgorithmId, messages: Messages): void {
  const row: AuthorityAlgorithm = authorityAlgorithms[algorithm];
  let key: KeyDescription | undefined;
  const description = (): KeyDescription => {
    if (key === undefined) throw new Error("the key is made before its tests run");
    return key;
  };
  beforeAll(async () => {
    key = await keys().createKey(freshAlias(), algorithm);
  });

  it("the public key is an SPKI of the row", () => {
    const spki = Buffer.from(description().publicKey);
    const parsed = createPublicKey({ key: spki, format: "der", type: "spki" });
    expect(description().algorithm).toBe(algorithm);
    expect(parsed.asymmetricKeyType).toBe(row.key.keyType);
    expect(parsed.asymmetricKeyDetails?.modulusLength).toBe(row.modulusBits);
    expect(spki.includes(row.key.spkiIdentifier)).toBe(true);
    if (parsed.asymmetricKeyType === "rsa") expect(parsed.asymmetricKeyDetails?.publicExponent).toBe(65_537n);
  });

  it.each(messages)(
    "a message of $octets octets: node:crypto verifies the signature",
    async ({ message }) => {
      const { keyId, publicKey } = description();
      const signature = await keys().sign(keyId, message);
      expect(nodeVerifies(publicKey, row.signature, message, signature)).toBe(true);
      const other = Buffer.concat([message, Buffer.from([0])]);
      expect(nodeVerifies(publicKey, row.signature, other, signature)).toBe(false);
    },
  );

  describe.skipIf(!opensslKnows(algorithm))("OpenSSL, where installed and new enough", () => {
    it("writes the same octets of the public key", async () => {
      const spki = Buffer.from(description().publicKey);
      expect((await opensslSpki(spki)).equals(spki)).toBe(true);
    });

    // pkeyutl 3.0 refuses an empty message file ("Could not allocate 0 bytes") for a scheme that hashes by itself.
    const readable = messages.filter(({ octets }) => octets > 0 || row.signature.digest !== null);
    it.each(readable)("verifies the signature of a message of $octets octets", async ({ message }) => {
      const { keyId, publicKey } = description();
      const signature = await keys().sign(keyId, message);
      expect(await opensslVerifies(publicKey, row.signature, message, signature)).toBe(true);
      const other = Buffer.concat([message, Buffer.from([0])]);
      expect(await opensslVerifies(publicKey, row.signature, other, signature)).toBe(false);
    });
  });

  it("50 signatures at once are each of their own message", async () => {
    const { keyId, publicKey } = description();
    const inputs = Array.from({ length: 50 }, (_, at) => Buffer.from(`message ${at}`));
    const signatures = await Promise.all(inputs.map((message) => keys().sign(keyId, message)));
    for (const [at, message] of inputs.entries()) {
      const signature = signatures[at] ?? new Uint8Array(0);
      expect(nodeVerifies(publicKey, row.signature, message, signature)).toBe(true);
    }
  });

  it("describeKey gives what createKey gave", async () => {
    const { keyId, publicKey } = await keys().describeKey(description().keyId);
    expect(keyId).toBe(description().keyId);
    expect(Buffer.from(publicKey).equals(Buffer.from(description().publicKey))).toBe(true);
  });
}

function creationContract(keys: KeysOf, algorithms: readonly AuthorityAlgorithmId[]): void {
  const [first = "P-256", second = "P-384"] = algorithms;

  it("createKey again gives the same key", async () => {
    const alias = freshAlias();
    const created = await keys().createKey(alias, first);
    const again = await keys().createKey(alias, first);
    expect(again.keyId).toBe(created.keyId);
    expect(Buffer.from(again.publicKey).equals(Buffer.from(created.publicKey))).toBe(true);
  });

  it("20 calls of createKey at once give one key", async () => {
    const alias = freshAlias();
    const created = await Promise.all(Array.from({ length: 20 }, () => keys().createKey(alias, first)));
    expect(new Set(created.map((key) => key.keyId)).size).toBe(1);
    expect(new Set(created.map((key) => Buffer.from(key.publicKey).toString("hex"))).size).toBe(1);
  });

  it("two aliases are two keys", async () => {
    const [left, right] = await Promise.all([
      keys().createKey(freshAlias(), first),
      keys().createKey(freshAlias(), first),
    ]);
    expect(left.keyId).not.toBe(right.keyId);
    expect(Buffer.from(left.publicKey).equals(Buffer.from(right.publicKey))).toBe(false);
  });

  it("createKey with another algorithm is refused, and the key stays", async () => {
    const alias = freshAlias();
    const created = await keys().createKey(alias, first);
    const attempt = keys().createKey(alias, second);
    await expect(attempt).rejects.toMatchObject({ name: "AppError", code: "configuration_invalid" });
    expect((await keys().describeKey(created.keyId)).algorithm).toBe(first);
  });

  it.each([
    "",
    "/",
    "a//b",
    "/a",
    "a/",
    "..",
    "../a",
    "a/../b",
    "a b",
    "a\0",
    "a\n",
    "é",
    "a.b",
    "x".repeat(300),
  ])("the alias %j is refused", async (alias) => {
    await expect(keys().createKey(alias, first)).rejects.toMatchObject({ code: "configuration_invalid" });
  });
}

function absenceContract(keys: KeysOf): void {
  it.each(["", "missing", "..", "../../etc/passwd", "a:0123456789abcdef", "\0", "x".repeat(5_000)])(
    "the unknown key id %j is key_not_found for sign and describeKey",
    async (keyId) => {
      const expected = { name: "AppError", code: "key_not_found" };
      await expect(keys().sign(keyId, Buffer.from("message"))).rejects.toMatchObject(expected);
      await expect(keys().describeKey(keyId)).rejects.toMatchObject(expected);
    },
  );
}
