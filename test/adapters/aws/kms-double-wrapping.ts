/**
 * Room: test/adapters/aws. The KMS double's operations on symmetric keys: every key of the double has one beside its
 * pair. A ciphertext names its key, as KMS's does, and is bound to its encryption context.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { DoubleRefusal, type KmsDoubleKey, refuseUnlessEnabled } from "./kms-double-custody.ts";

type Body = Readonly<Record<string, unknown>>;
type Find = (keyId: unknown) => KmsDoubleKey;

const secrets = new WeakMap<KmsDoubleKey, Buffer>();
const idOctets = 36;
const nonceOctets = 12;
const tagOctets = 16;

function secretOf(key: KmsDoubleKey): Buffer {
  const secret = secrets.get(key) ?? randomBytes(32);
  secrets.set(key, secret);
  return secret;
}

const idOf = ({ arn }: KmsDoubleKey): Buffer => Buffer.from(arn.split("/")[1] ?? "", "latin1");

function associatedData(key: KmsDoubleKey, context: unknown): Buffer {
  const members = Object.entries((context ?? {}) as Record<string, string>);
  return Buffer.concat([idOf(key), Buffer.from(JSON.stringify(members.sort()), "utf8")]);
}

function encrypt(key: KmsDoubleKey, plaintext: Buffer, context: unknown): Buffer {
  const nonce = randomBytes(nonceOctets);
  const cipher = createCipheriv("aes-256-gcm", secretOf(key), nonce).setAAD(associatedData(key, context));
  return Buffer.concat([idOf(key), nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: KmsDoubleKey, wrapped: Buffer, context: unknown): Buffer {
  if (wrapped.length < 1 || wrapped.length > 6_144)
    throw new DoubleRefusal("ValidationException", "Member must have length between 1 and 6144");
  const id = wrapped.subarray(0, idOctets);
  const invalid = new DoubleRefusal("InvalidCiphertextException", "");
  if (wrapped.length < idOctets + nonceOctets + tagOctets) throw invalid;
  if (!id.equals(idOf(key))) {
    const isKey = /^[0-9a-f-]{36}$/.test(id.toString("latin1"));
    throw isKey ? new DoubleRefusal("IncorrectKeyException", "of another key") : invalid;
  }
  const [nonce, body] = [wrapped.subarray(idOctets, idOctets + nonceOctets), wrapped.subarray(idOctets + 12)];
  const decipher = createDecipheriv("aes-256-gcm", secretOf(key), nonce, { authTagLength: tagOctets });
  decipher.setAAD(associatedData(key, context)).setAuthTag(body.subarray(-tagOctets));
  try {
    return Buffer.concat([decipher.update(body.subarray(0, -tagOctets)), decipher.final()]);
  } catch {
    throw invalid;
  }
}

const octets = (value: unknown): Buffer => Buffer.from(typeof value === "string" ? value : "", "base64");

/** @param find The key that a request names; refuses one that is not there. */
export const wrappingOperations: Readonly<Record<string, (find: Find, body: Body) => Body>> = {
  GenerateDataKey(find, body) {
    const key = find(body["KeyId"]);
    refuseUnlessEnabled(key);
    if (body["KeySpec"] !== "AES_256") throw new DoubleRefusal("ValidationException", "KeySpec");
    const plaintext = randomBytes(32);
    return {
      KeyId: key.arn,
      CiphertextBlob: encrypt(key, plaintext, body["EncryptionContext"]).toString("base64"),
      Plaintext: plaintext.toString("base64"),
    };
  },
  Decrypt(find, body) {
    const key = find(body["KeyId"]);
    refuseUnlessEnabled(key);
    const plaintext = decrypt(key, octets(body["CiphertextBlob"]), body["EncryptionContext"]);
    return { KeyId: key.arn, Plaintext: plaintext.toString("base64") };
  },
  ReEncrypt(find, body) {
    const [from, to] = [find(body["SourceKeyId"]), find(body["DestinationKeyId"])];
    refuseUnlessEnabled(from);
    refuseUnlessEnabled(to);
    const plaintext = decrypt(from, octets(body["CiphertextBlob"]), body["SourceEncryptionContext"]);
    const wrapped = encrypt(to, plaintext, body["DestinationEncryptionContext"]);
    return { SourceKeyId: from.arn, KeyId: to.arn, CiphertextBlob: wrapped.toString("base64") };
  },
};
