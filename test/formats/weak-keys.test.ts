import { checkPrimeSync, generateKeyPairSync, generatePrime, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { keyAlgorithms } from "../../core/formats/algorithms.ts";
import { encodeBitString, encodeSequence, encodeUnsignedInteger } from "../../core/formats/der/writer.ts";
import { rocaPrimes } from "../../core/formats/roca.ts";
import { integerSquareRoot } from "../../core/formats/rsa-strength.ts";
import { decodeSubjectPublicKey } from "../../core/formats/spki.ts";
import { checkKeyStrength } from "../../core/formats/weak-keys.ts";

const octets = (value: bigint): Buffer => {
  const digits = value.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
};
const rsa = (modulus: bigint, exponent = 65_537n): Buffer =>
  encodeSequence(
    keyAlgorithms.RSA.spkiIdentifier,
    encodeBitString(
      encodeSequence(encodeUnsignedInteger(octets(modulus)), encodeUnsignedInteger(octets(exponent))),
    ),
  );

/** The message that refuses the key, or undefined. */
function verdict(der: Uint8Array): string | undefined {
  const key = decodeSubjectPublicKey(der);
  try {
    checkKeyStrength(key);
    return undefined;
  } catch (error) {
    if (error instanceof AppError && error.code === "key_weak") return error.message;
    throw error;
  }
}

const isPrime = (candidate: bigint): boolean => checkPrimeSync(candidate);
function nextPrime(from: bigint): bigint {
  let candidate = from | 1n;
  while (!isPrime(candidate)) candidate += 2n;
  return candidate;
}
const randomPrime = (bits: number): Promise<bigint> => promisify(generatePrimeBigInt)(bits);
function generatePrimeBigInt(bits: number, done: (error: Error | null, prime: bigint) => void): void {
  generatePrime(bits, { bigint: true }, (error, prime) => done(error, prime));
}
const power = (base: bigint, exponent: bigint, modulus: bigint): bigint => {
  let result = 1n;
  for (let b = base % modulus, e = exponent; e > 0n; e >>= 1n, b = (b * b) % modulus) {
    if ((e & 1n) === 1n) result = (result * b) % modulus;
  }
  return result;
};
const randomInteger = (bits: number): bigint => BigInt(`0x${randomBytes(bits / 8).toString("hex")}`);

// Nemec et al. 2017, table 1: for keys of 1984 to 3936 bits M is the product of the first 126 primes.
const rocaM = (() => {
  const primes: number[] = [];
  for (let n = 2; primes.length < 126; n += 1) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes.reduce((product, prime) => product * BigInt(prime), 1n);
})();

/** A prime as the library made it: k·M + (65537^a mod M), 1024 bits with the top two set. */
function rocaPrime(): bigint {
  const smallest = (3n << 1022n) / rocaM + 1n;
  const span = (1n << 1024n) / rocaM - smallest;
  for (;;) {
    const k = smallest + (randomInteger(128) % span);
    const candidate = k * rocaM + power(65_537n, randomInteger(64), rocaM);
    if (isPrime(candidate)) return candidate;
  }
}

let primes: readonly bigint[] = [];
beforeAll(async () => {
  primes = await Promise.all(Array.from({ length: 22 }, () => randomPrime(1024)));
}, 120_000);
const p = (): bigint => primes[0] ?? 0n;
const q = (): bigint => primes[1] ?? 0n;

describe("checkKeyStrength accepts", () => {
  it.each([2048, 3072, 4096])(
    "an OpenSSL RSA key of %i bits",
    (modulusLength) => {
      const { publicKey } = generateKeyPairSync("rsa", { modulusLength });
      expect(verdict(publicKey.export({ type: "spki", format: "der" }))).toBeUndefined();
    },
    60_000,
  );

  it("200 random moduli of 2048 bits: no false alarm", () => {
    const moduli = primes.flatMap((a, i) => primes.slice(i + 1).map((b) => a * b)).slice(0, 200);
    expect(moduli).toHaveLength(200);
    expect(moduli.map((modulus) => verdict(rsa(modulus))).filter((found) => found !== undefined)).toEqual([]);
  });

  it.each([
    { name: "P-256", key: () => generateKeyPairSync("ec", { namedCurve: "P-256" }) },
    { name: "P-384", key: () => generateKeyPairSync("ec", { namedCurve: "P-384" }) },
    { name: "Ed25519", key: () => generateKeyPairSync("ed25519") },
    { name: "ML-DSA-44", key: () => generateKeyPairSync("ml-dsa-44") },
    { name: "ML-DSA-65", key: () => generateKeyPairSync("ml-dsa-65") },
    { name: "ML-DSA-87", key: () => generateKeyPairSync("ml-dsa-87") },
  ])("$name", ({ key }) => {
    expect(verdict(key().publicKey.export({ type: "spki", format: "der" }))).toBeUndefined();
  });
});

describe("checkKeyStrength refuses RSA", () => {
  const size = /is outside 2048 to 4096 bits in steps of 8; make a key of 2048, 3072 or 4096 bits$/;
  const remedy = "make a new key with a sound generator";
  const ones = (bits: number): bigint => (1n << BigInt(bits)) - 1n;
  it.each([
    { name: "SP 800-131A: 1024 bits", input: () => rsa(ones(1024)), expected: size },
    { name: "SP 800-131A: 512 bits", input: () => rsa(ones(512)), expected: size },
    { name: "2047 bits", input: () => rsa(ones(2047)), expected: size },
    { name: "2049 bits, not a multiple of 8", input: () => rsa(ones(2049)), expected: size },
    { name: "2052 bits, not a multiple of 8", input: () => rsa(ones(2052)), expected: size },
    { name: "4104 bits", input: () => rsa(ones(4104)), expected: size },
    { name: "16,384 bits, at once", input: () => rsa(ones(16_384)), expected: size },
    { name: "exponent 1", input: () => rsa(p() * q(), 1n), expected: /exponent 1 is not 65537/ },
    { name: "exponent 3", input: () => rsa(p() * q(), 3n), expected: /exponent 3 is not 65537/ },
    { name: "exponent 65536", input: () => rsa(p() * q(), 65_536n), expected: /exponent 65536 is not 65537/ },
    { name: "exponent 65539", input: () => rsa(p() * q(), 65_539n), expected: /exponent 65539 is not 65537/ },
    {
      name: "an exponent of 257 bits",
      input: () => rsa(p() * q(), (1n << 256n) + 1n),
      expected: /exponent of 257 bits is not 65537/,
    },
    { name: "an even modulus", input: () => rsa(p() * q() + 1n), expected: `RSA modulus is even; ${remedy}` },
    {
      name: "factor 3",
      input: () => rsa(3n * nextPrime(ones(2046))),
      expected: /factor below the limit of 65536/,
    },
    {
      name: "factor 65521, the largest prime below the limit",
      input: () => rsa(65_521n * nextPrime(ones(2032) - (1n << 2018n))),
      expected: /factor below the limit of 65536/,
    },
    {
      name: "two small factors at once",
      input: () => rsa(251n * 257n * nextPrime(ones(2032) - (1n << 2018n))),
      expected: /factor below the limit of 65536/,
    },
    {
      name: "CVE-2022-26320: the next prime after p",
      input: () => rsa(p() * nextPrime(p() + 2n)),
      expected: /100 rounds of Fermat's method/,
    },
    { name: "the square of a prime", input: () => rsa(p() * p()), expected: /100 rounds of Fermat's method/ },
    {
      // Rounds needed: (p − q)² / 8√n, here between 2 and 8; at 2^517 they would be more than 100.
      name: "primes 2^514 apart",
      input: () => rsa(p() * nextPrime(p() + (1n << 514n))),
      expected: /100 rounds of Fermat's method/,
    },
    {
      name: "CVE-2017-15361: a modulus of the ROCA structure",
      input: () => rsa(rocaPrime() * rocaPrime()),
      expected: /ROCA fingerprint \(CVE-2017-15361\)/,
    },
  ])("$name", ({ input, expected }) => {
    const found = verdict(input());
    expect(found).toMatch(expected);
  });

  it("primes 2^520 apart take thousands of rounds and pass", () => {
    expect(verdict(rsa(p() * nextPrime(p() + (1n << 520n))))).toBeUndefined();
  });

  it("one prime of the ROCA structure and one sound prime pass: the product hides it", () => {
    expect(verdict(rsa(rocaPrime() * p()))).toBeUndefined();
  });

  it("a message never contains a factor", () => {
    expect(verdict(rsa(65_521n * nextPrime((1n << 2032n) - (1n << 2018n))))).not.toContain("65521");
  });
});

describe("ROCA fingerprint", () => {
  it("the primes that tell are the 17 of the published detector", () => {
    expect(rocaPrimes()).toEqual([11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157]);
  });
});

describe("integerSquareRoot", () => {
  const root = (1n << 1024n) - 12_345n;
  it.each([
    { name: "0", input: 0n, expected: 0n },
    { name: "1", input: 1n, expected: 1n },
    { name: "3", input: 3n, expected: 1n },
    { name: "4", input: 4n, expected: 2n },
    { name: "a square of 2048 bits", input: root * root, expected: root },
    { name: "one below it", input: root * root - 1n, expected: root - 1n },
    { name: "one below the next square", input: (root + 1n) * (root + 1n) - 1n, expected: root },
  ])("$name", ({ input, expected }) => {
    expect(integerSquareRoot(input)).toBe(expected);
  });
});

const p25519 = 2n ** 255n - 19n;
const d25519 = (((-121_665n * power(121_666n, p25519 - 2n, p25519)) % p25519) + p25519) % p25519;
const ed25519 = (y: bigint, sign: number): Buffer => {
  const key = Buffer.from(y.toString(16).padStart(64, "0"), "hex").reverse();
  key[31] = (key[31] ?? 0) | (sign << 7);
  return encodeSequence(keyAlgorithms.Ed25519.spkiIdentifier, encodeBitString(key));
};
/** y of the points of order 8: doubling gives y = 0, where d·y⁴ + 2·y² − 1 = 0 (x² = −y² on the curve). */
function orderEight(): readonly bigint[] {
  const squareRoot = (value: bigint): bigint | undefined => {
    const unit = power(2n, (p25519 - 1n) / 4n, p25519);
    const candidate = power(value, (p25519 + 3n) / 8n, p25519);
    return [candidate, (candidate * unit) % p25519].find((root) => (root * root) % p25519 === value % p25519);
  };
  const discriminant = squareRoot((1n + d25519) % p25519) ?? 0n;
  return [discriminant, p25519 - discriminant].flatMap((root) => {
    const ySquared = ((p25519 - 1n + root) * power(d25519, p25519 - 2n, p25519)) % p25519;
    const y = squareRoot(ySquared);
    return y === undefined ? [] : [y, p25519 - y];
  });
}

describe("checkKeyStrength refuses keys that need no secret", () => {
  const eight = orderEight();
  it("there are two y of order 8", () => expect(eight).toHaveLength(2));
  it.each(
    [0, 1].flatMap((sign) => [
      { name: `Ed25519 order 1, sign ${sign}`, input: ed25519(1n, sign) },
      { name: `Ed25519 order 2, sign ${sign}`, input: ed25519(p25519 - 1n, sign) },
      { name: `Ed25519 order 4, sign ${sign}`, input: ed25519(0n, sign) },
      ...eight.map((y, i) => ({ name: `Ed25519 order 8 (${i}), sign ${sign}`, input: ed25519(y, sign) })),
    ]),
  )("$name", ({ input }) => {
    expect(verdict(input)).toBe("Ed25519 key is a point of small order; make a new key");
  });

  it.each(["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"] as const)("%s with t1 = 0", (id) => {
    const { spkiIdentifier, publicKeyOctets } = keyAlgorithms[id];
    const key = Buffer.concat([randomBytes(32), Buffer.alloc((publicKeyOctets ?? 0) - 32)]);
    expect(verdict(encodeSequence(spkiIdentifier, encodeBitString(key)))).toBe(
      `${id} key has t1 = 0; make a new key`,
    );
  });
});
