/**
 * Room: test/adapters/aws. Keys of the KMS double. They sign a message whole, by its digest or by its message
 * representative, as KMS does; node:crypto signs whole messages only, so the other two are done beside it.
 */
import {
  createECDH,
  generateKeyPairSync,
  type KeyObject,
  privateEncrypt,
  randomBytes,
  sign,
} from "node:crypto";
import { ml_dsa65, ml_dsa87 } from "@noble/post-quantum/ml-dsa.js";

/** Octets of the digest that each signing algorithm takes, and its name. */
export const digests: Readonly<Record<string, { readonly name: string; readonly octets: number }>> = {
  ECDSA_SHA_256: { name: "sha256", octets: 32 },
  ECDSA_SHA_384: { name: "sha384", octets: 48 },
  RSASSA_PKCS1_V1_5_SHA_256: { name: "sha256", octets: 32 },
  RSASSA_PKCS1_V1_5_SHA_512: { name: "sha512", octets: 64 },
};

// RFC 8017 §9.2 note 1: DigestInfo up to the digest.
const digestInfos: Readonly<Record<string, string>> = {
  sha256: "3031300d060960864801650304020105000420",
  sha512: "3051300d060960864801650304020305000440",
};

// FIPS 186-5: the order n of each curve (SP 800-186 §3.2.1).
const orders: Readonly<Record<string, bigint>> = {
  "P-256": 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  "P-384":
    0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
};

export interface DoubleKey {
  readonly publicKey: Buffer;
  readonly signRaw: (message: Buffer, algorithm: string) => Buffer;
  readonly signDigest?: (digest: Buffer, algorithm: string) => Buffer;
  readonly signRepresentative?: (mu: Buffer) => Buffer;
}

const spki = (key: KeyObject): Buffer => key.export({ format: "der", type: "spki" });
const number = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex")}`);

function ecKey(namedCurve: "P-256" | "P-384"): DoubleKey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve });
  return {
    publicKey: spki(publicKey),
    signRaw: (message, algorithm) => sign(digests[algorithm]?.name, message, privateKey),
    signDigest: (digest) => ecdsa(namedCurve, privateKey, digest),
  };
}

/** FIPS 186-5 §6.4.1. The digest is as long as n in every pair of curve and digest that we use. */
function ecdsa(namedCurve: "P-256" | "P-384", key: KeyObject, digest: Buffer): Buffer {
  const n = orders[namedCurve] ?? 1n;
  const d = number(Buffer.from(key.export({ format: "jwk" }).d ?? "", "base64url"));
  const ecdh = createECDH(namedCurve === "P-256" ? "prime256v1" : "secp384r1");
  const point = ecdh.generateKeys();
  const r = number(point.subarray(1, 1 + (point.length - 1) / 2)) % n;
  const s = (inverse(number(ecdh.getPrivateKey()), n) * (number(digest) + r * d)) % n;
  const integers = Buffer.concat([derInteger(r), derInteger(s)]);
  return Buffer.concat([Buffer.of(0x30, integers.length), integers]);
}

/** Fermat: n is prime. */
function inverse(value: bigint, n: bigint): bigint {
  let result = 1n;
  let base = value % n;
  for (let exponent = n - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % n;
    base = (base * base) % n;
  }
  return result;
}

function derInteger(value: bigint): Buffer {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  const content = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
  return Buffer.concat([Buffer.of(0x02, content.length), content]);
}

function rsaKey(modulusLength: number): DoubleKey {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength });
  return {
    publicKey: spki(publicKey),
    signRaw: (message, algorithm) => sign(digests[algorithm]?.name, message, privateKey),
    signDigest: (digest, algorithm) => {
      const info = Buffer.from(digestInfos[digests[algorithm]?.name ?? ""] ?? "", "hex");
      return privateEncrypt(privateKey, Buffer.concat([info, digest]));
    },
  };
}

function ed25519Key(): DoubleKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { publicKey: spki(publicKey), signRaw: (message) => sign(null, message, privateKey) };
}

const nobles = { "ml-dsa-65": ml_dsa65, "ml-dsa-87": ml_dsa87 } as const;

function mlDsaKey(id: "ml-dsa-65" | "ml-dsa-87"): DoubleKey {
  const { publicKey, privateKey } = id === "ml-dsa-65" ? generateKeyPairSync(id) : generateKeyPairSync(id);
  // RFC 9964 (AKP): `priv` is the seed.
  const seed: unknown = Object.entries(privateKey.export({ format: "jwk" })).find(
    ([name]) => name === "priv",
  )?.[1];
  const { secretKey } = nobles[id].keygen(Buffer.from(String(seed), "base64url"));
  return {
    publicKey: spki(publicKey),
    signRaw: (message) => sign(null, message, privateKey),
    signRepresentative: (mu) =>
      Buffer.from(
        nobles[id].internal.sign(mu, secretKey, { externalMu: true, extraEntropy: randomBytes(32) }),
      ),
  };
}

/** KMS's key specs, each with the signing algorithms that its keys take. */
export const doubleSpecs: Readonly<
  Record<string, { readonly algorithms: readonly string[]; readonly make: () => DoubleKey }>
> = {
  ECC_NIST_P256: { algorithms: ["ECDSA_SHA_256"], make: () => ecKey("P-256") },
  ECC_NIST_P384: { algorithms: ["ECDSA_SHA_384"], make: () => ecKey("P-384") },
  RSA_3072: {
    algorithms: ["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_512"],
    make: () => rsaKey(3072),
  },
  RSA_4096: {
    algorithms: ["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_512"],
    make: () => rsaKey(4096),
  },
  ECC_NIST_EDWARDS25519: { algorithms: ["ED25519_SHA_512"], make: ed25519Key },
  ML_DSA_65: { algorithms: ["ML_DSA_SHAKE_256"], make: () => mlDsaKey("ml-dsa-65") },
  ML_DSA_87: { algorithms: ["ML_DSA_SHAKE_256"], make: () => mlDsaKey("ml-dsa-87") },
};
