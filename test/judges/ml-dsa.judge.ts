/**
 * ML-DSA through KMS, judged by the OpenSSL of Python's cryptography package, which shares nothing with Node's or
 * with the double's: it computes µ for itself, verifies what the adapter returns over the whole message, and
 * signs by our µ what node:crypto then verifies whole.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { messageRepresentative } from "../../adapters/aws/kms/message-representative.ts";
import { kmsKeyService } from "../../adapters/aws/kms-key-service.ts";
import { type AuthorityAlgorithm, authorityAlgorithms } from "../../core/formats/algorithms.ts";
import { KmsDouble } from "../adapters/aws/kms-double.ts";
import { nodeVerifies } from "../contracts/signature-judges.ts";
import { python } from "../support/emulators.ts";

const script = `
import base64, json, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import mldsa

case = {name: base64.b64decode(value) for name, value in json.load(sys.stdin).items()}
key = serialization.load_der_public_key(case["spki"])
hasher = mldsa.MLDSAMuHasher(key)
hasher.update(case["message"])

def verifies(check, *what):
    try:
        check(*what)
        return True
    except InvalidSignature:
        return False

kind = mldsa.MLDSA65PrivateKey if isinstance(key, mldsa.MLDSA65PublicKey) else mldsa.MLDSA87PrivateKey
own = kind.from_seed_bytes(case["seed"])
json.dump({
    "mu": hasher.finalize().hex(),
    "wholeVerifies": verifies(key.verify, case["signature"], case["message"]),
    "otherVerifies": verifies(key.verify, case["signature"], case["message"] + b"0"),
    "muVerifies": verifies(key.verify_mu, case["signature"], case["mu"]),
    "ownKey": base64.b64encode(own.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).decode(),
    "ownSignature": base64.b64encode(own.sign_mu(case["ownMu"])).decode() if case["ownMu"] else "",
}, sys.stdout)
`;

interface Verdict {
  readonly mu: string;
  readonly wholeVerifies: boolean;
  readonly otherVerifies: boolean;
  readonly muVerifies: boolean;
  /** SPKI of the key of the seed, and its signature over `ownMu`, both base64. */
  readonly ownKey: string;
  readonly ownSignature: string;
}

function judge(fields: Readonly<Record<string, Uint8Array>>): Promise<Verdict> {
  const question = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, Buffer.from(value).toString("base64")]),
  );
  return new Promise((resolve, reject) => {
    const child = execFile(python, ["-c", script], { timeout: 60_000 }, (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout) as Verdict);
      else reject(error);
    });
    child.stdin?.end(JSON.stringify(question));
  });
}

const nothing = new Uint8Array(0);
const lengths = [0, 1, 4_096, 4_097, 100_000];
const cases = (["ML-DSA-65", "ML-DSA-87"] as const).flatMap((algorithm) =>
  lengths.map((length) => ({ algorithm, length })),
);

it.each(cases)(
  "$algorithm over $length octets: OpenSSL computes our µ and verifies",
  async ({ algorithm, length }) => {
    const { key, signature: row }: AuthorityAlgorithm = authorityAlgorithms[algorithm];
    const { publicKeyOctets = 0 } = key;
    const keys = kmsKeyService({
      aliasPrefix: "fleetkey/judge",
      client: new KmsDouble().client(),
      mayCreate: true,
    });
    const { keyId, publicKey: spki } = await keys.createKey("root", algorithm);
    const message = randomBytes(length);
    const raw = (whole: Uint8Array) => whole.subarray(whole.length - publicKeyOctets);
    const mu = messageRepresentative(raw(spki), message);
    const signature = await keys.sign(keyId, message);
    const seed = randomBytes(32);
    const fields = { spki, message, signature, mu, seed };
    const verdict = await judge({ ...fields, ownMu: nothing });
    expect(verdict).toMatchObject({
      mu: mu.toString("hex"),
      wholeVerifies: true,
      otherVerifies: false,
      muVerifies: true,
    });

    const own = Buffer.from(verdict.ownKey, "base64");
    const { ownSignature } = await judge({ ...fields, ownMu: messageRepresentative(raw(own), message) });
    expect(nodeVerifies(own, row, message, Buffer.from(ownSignature, "base64"))).toBe(true);
  },
);
