import { describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import {
  type KeyAlgorithm,
  keyAlgorithms,
  type SignatureAlgorithm,
  signatureAlgorithms,
} from "../../core/formats/algorithms.ts";
import { encodeBitString, encodeSequence } from "../../core/formats/der/writer.ts";
import { verifySignature } from "../../core/formats/signature.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey } from "../../core/formats/spki.ts";
import { checkKeyStrength } from "../../core/formats/weak-keys.ts";
import { corpus, readCase } from "./corpora.ts";

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly msg: string;
  readonly sig: string;
  readonly ctx?: string;
  readonly result: "valid" | "invalid" | "acceptable";
}
interface Group {
  readonly publicKey: unknown;
  readonly publicKeyDer?: string;
  readonly tests: readonly Vector[];
}
interface VectorFile {
  readonly numberOfTests: number;
  readonly testGroups: readonly Group[];
}

interface Expected {
  readonly file: string;
  readonly key: KeyAlgorithm;
  readonly row: SignatureAlgorithm;
  readonly counts: Counts;
}
interface Counts {
  readonly accepted: number;
  readonly refused: number;
  /** Vectors of groups whose key `decodeSubjectPublicKey` refuses; all are marked invalid. */
  readonly keyRefused: number;
  /** Groups whose key decodes and `checkKeyStrength` refuses: e = 3, t1 = 0. */
  readonly weakKeys: number;
  /** Valid under a context string. RFC 9881 §3: the context is empty in X.509, so we refuse these. */
  readonly context: number;
  /** "acceptable": RFC 8017 §8.2.2 lets a verifier take a DigestInfo without NULL; OpenSSL does not. */
  readonly acceptableRefused: number;
}

const keyDer = (algorithm: KeyAlgorithm, group: Group): Buffer =>
  typeof group.publicKey === "string"
    ? encodeSequence(algorithm.spkiIdentifier, encodeBitString(Buffer.from(group.publicKey, "hex")))
    : Buffer.from(group.publicKeyDer ?? "", "hex");

function decoded(der: Buffer): SubjectPublicKey | undefined {
  try {
    return decodeSubjectPublicKey(der);
  } catch (error) {
    if (error instanceof AppError && error.code === "key_malformed") return undefined;
    throw error;
  }
}

function isWeak(key: SubjectPublicKey): boolean {
  try {
    checkKeyStrength(key);
    return false;
  } catch (error) {
    if (error instanceof AppError && error.code === "key_weak") return true;
    throw error;
  }
}

type Outcome = Exclude<keyof Counts, "weakKeys"> | "disagreement";

function outcomeOf(vector: Vector, keyAccepted: boolean, verified: boolean): Outcome {
  if (!keyAccepted) return vector.result === "invalid" ? "keyRefused" : "disagreement";
  if (vector.result === "acceptable") return verified ? "disagreement" : "acceptableRefused";
  if (vector.result === "valid" && (vector.ctx ?? "") !== "") return verified ? "disagreement" : "context";
  if (verified !== (vector.result === "valid")) return "disagreement";
  return verified ? "accepted" : "refused";
}

async function judge({ key: algorithm, row }: Expected, groups: readonly Group[]) {
  const counts = { accepted: 0, refused: 0, keyRefused: 0, weakKeys: 0, context: 0, acceptableRefused: 0 };
  const disagreements: string[] = [];
  for (const group of groups) {
    const key = decoded(keyDer(algorithm, group));
    if (key !== undefined) expect(key.algorithm).toBe(algorithm);
    if (key !== undefined && isWeak(key)) counts.weakKeys += 1;
    for (const vector of group.tests) {
      const message = Buffer.from(vector.msg, "hex");
      const signature = Buffer.from(vector.sig, "hex");
      const verified = key !== undefined && (await verifySignature(row, message, key.keyObject, signature));
      const outcome = outcomeOf(vector, key !== undefined, verified);
      if (outcome === "disagreement")
        disagreements.push(`${vector.tcId} ${vector.result}: ${vector.comment}`);
      else counts[outcome] += 1;
    }
  }
  return { counts, disagreements };
}

const counts = (partial: Partial<Counts>): Counts => ({
  accepted: 0,
  refused: 0,
  keyRefused: 0,
  weakKeys: 0,
  context: 0,
  acceptableRefused: 0,
  ...partial,
});
const { RSA } = keyAlgorithms;
const pkcs1 = signatureAlgorithms.sha256WithRSAEncryption;

const files: readonly Expected[] = [
  {
    file: "ecdsa_secp256r1_sha256_test.json",
    key: keyAlgorithms["P-256"],
    row: signatureAlgorithms["ecdsa-with-SHA256"],
    counts: counts({ accepted: 174, refused: 310 }),
  },
  {
    file: "ecdsa_secp384r1_sha384_test.json",
    key: keyAlgorithms["P-384"],
    row: signatureAlgorithms["ecdsa-with-SHA384"],
    counts: counts({ accepted: 194, refused: 310 }),
  },
  {
    file: "ed25519_test.json",
    key: keyAlgorithms.Ed25519,
    row: signatureAlgorithms.Ed25519,
    counts: counts({ accepted: 88, refused: 63 }),
  },
  {
    file: "rsa_signature_2048_sha256_test.json",
    key: RSA,
    row: pkcs1,
    counts: counts({ accepted: 9, refused: 249, weakKeys: 2, acceptableRefused: 1 }),
  },
  {
    file: "rsa_signature_3072_sha256_test.json",
    key: RSA,
    row: pkcs1,
    counts: counts({ accepted: 8, refused: 250, weakKeys: 1, acceptableRefused: 1 }),
  },
  {
    file: "rsa_signature_4096_sha256_test.json",
    key: RSA,
    row: pkcs1,
    counts: counts({ accepted: 7, refused: 250, acceptableRefused: 1 }),
  },
  {
    file: "mldsa_44_verify_test.json",
    key: keyAlgorithms["ML-DSA-44"],
    row: signatureAlgorithms["ML-DSA-44"],
    counts: counts({ accepted: 75, refused: 99, keyRefused: 4, weakKeys: 2, context: 2 }),
  },
  {
    file: "mldsa_65_verify_test.json",
    key: keyAlgorithms["ML-DSA-65"],
    row: signatureAlgorithms["ML-DSA-65"],
    counts: counts({ accepted: 77, refused: 127, keyRefused: 4, weakKeys: 2, context: 2 }),
  },
];

const folder = corpus("wycheproof");

describe.skipIf(folder === undefined)(
  "Wycheproof (corpora, where present): every vector through our verify path",
  () => {
    it.each(files)("$file", async (expected) => {
      const text = readCase(folder ?? "", expected.file).toString("utf8");
      const { testGroups, numberOfTests }: VectorFile = JSON.parse(text);
      const found = await judge(expected, testGroups);
      expect(found.disagreements).toEqual([]);
      expect(found.counts).toEqual(expected.counts);
      const { weakKeys, ...vectors } = found.counts;
      expect(Object.values(vectors).reduce((sum, count) => sum + count, 0)).toBe(numberOfTests);
    });
  },
);
