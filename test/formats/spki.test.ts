import { generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError, isAppError } from "../../core/errors.ts";
import { type KeyAlgorithmId, keyAlgorithms } from "../../core/formats/algorithms.ts";
import {
  encodeBitString,
  encodeElement,
  encodeNull,
  encodeOidElement,
  encodeSequence,
  encodeUnsignedInteger,
} from "../../core/formats/der/writer.ts";
import { decodeSubjectPublicKey } from "../../core/formats/spki.ts";

const exportSpki = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" });

const subjects: Readonly<Record<KeyAlgorithmId, () => KeyObject>> = {
  "P-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey,
  "P-384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey,
  Ed25519: () => generateKeyPairSync("ed25519").publicKey,
  RSA: () => generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey,
  "ML-DSA-44": () => generateKeyPairSync("ml-dsa-44").publicKey,
  "ML-DSA-65": () => generateKeyPairSync("ml-dsa-65").publicKey,
  "ML-DSA-87": () => generateKeyPairSync("ml-dsa-87").publicKey,
};

const algorithmIds = Object.keys(keyAlgorithms).filter((id): id is KeyAlgorithmId => id in subjects);
const keys = new Map(algorithmIds.map((id) => [id, exportSpki(subjects[id]())]));
const keyOf = (id: KeyAlgorithmId): Buffer => Buffer.from(keys.get(id) ?? []);

const codeOf = (der: Uint8Array): string => {
  try {
    return `accepted as ${decodeSubjectPublicKey(der).algorithm.id}`;
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
};

const spki = (identifier: Uint8Array, key: Uint8Array): Buffer =>
  encodeSequence(identifier, encodeBitString(key));
const rsaSpki = (...fields: readonly Uint8Array[]): Buffer =>
  spki(keyAlgorithms.RSA.spkiIdentifier, encodeSequence(...fields));
const integer = (hex: string): Buffer => encodeElement(0x02, Buffer.from(hex, "hex"));
const modulus = encodeUnsignedInteger(Buffer.alloc(256, 0xff));
const exponent = integer("010001");

const hex = (value: bigint, octets: number): string => value.toString(16).padStart(octets * 2, "0");
const point = (id: "P-256" | "P-384", x: bigint, y: bigint): Buffer => {
  const octets = keyAlgorithms[id].coordinateOctets ?? 0;
  return spki(keyAlgorithms[id].spkiIdentifier, Buffer.from(`04${hex(x, octets)}${hex(y, octets)}`, "hex"));
};
const p256 = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const p384 = 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n;
// SP 800-186 §3.2.1.3: the generator of P-256; and a point of P-256 with x = 5.
const g256 = {
  x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
};
const b256 = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const power = (base: bigint, exponentOf: bigint, modulusOf: bigint): bigint => {
  let result = 1n;
  for (let b = base % modulusOf, e = exponentOf; e > 0n; e >>= 1n, b = (b * b) % modulusOf) {
    if ((e & 1n) === 1n) result = (result * b) % modulusOf;
  }
  return result;
};
const y256 = (x: bigint): bigint =>
  power((((x ** 3n - 3n * x + b256) % p256) + p256) % p256, (p256 + 1n) / 4n, p256);

describe("decodeSubjectPublicKey accepts", () => {
  it.each(algorithmIds)("%s: the key re-exports as the octets received", (id) => {
    const der = keyOf(id);
    const key = decodeSubjectPublicKey(der);
    expect(key.algorithm).toBe(keyAlgorithms[id]);
    expect(exportSpki(key.keyObject).equals(der)).toBe(true);
    expect(key.modulusBits).toBe(id === "RSA" ? 2048 : undefined);
  });

  it("RFC 7093 §2 (1): keyIdentifier is 160 bits of SHA-256 of the BIT STRING's content", () => {
    const der = Buffer.from(
      "3059301306072a8648ce3d020106082a8648ce3d03010703420004" +
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" +
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
      "hex",
    );
    const key = decodeSubjectPublicKey(der);
    // Both from `openssl dgst -sha256`.
    expect(key.keyIdentifier.toString("hex")).toBe("698bea63dc44a344663ff1429aea10842df27b6b");
    expect(key.fingerprint).toBe("5cd252fb0ce8932436faf8ccd1040981b89ee4ad6b9fe9e2a2b7e71aacb27cd3");
  });

  it.each([
    { name: "the generator of P-256", input: point("P-256", g256.x, g256.y) },
    { name: "a point of P-256 with a small x", input: point("P-256", 5n, y256(5n)) },
  ])("$name", ({ input }) => {
    expect(codeOf(input)).toBe("accepted as P-256");
    expect(exportSpki(decodeSubjectPublicKey(input).keyObject).equals(input)).toBe(true);
  });

  it("an RSA modulus of 16,384 bits, for strength to judge", () => {
    const input = rsaSpki(encodeUnsignedInteger(Buffer.alloc(2048, 0xff)), exponent);
    expect(decodeSubjectPublicKey(input).modulusBits).toBe(16_384);
  });
});

const ec = "1.2.840.10045.2.1";
const ecIdentifier = (curve: string): Buffer => encodeSequence(encodeOidElement(ec), encodeOidElement(curve));
const p256Key = keyOf("P-256").subarray(-65);

describe("decodeSubjectPublicKey refuses as key_unsupported", () => {
  it.each([
    { name: "secp256k1", input: spki(ecIdentifier("1.3.132.0.10"), p256Key) },
    { name: "P-521", input: spki(ecIdentifier("1.3.132.0.35"), Buffer.alloc(133, 4)) },
    { name: "P-224", input: spki(ecIdentifier("1.3.132.0.33"), Buffer.alloc(57, 4)) },
    { name: "brainpoolP256r1", input: spki(ecIdentifier("1.3.36.3.3.2.8.1.1.7"), p256Key) },
    { name: "Ed448", input: exportSpki(generateKeyPairSync("ed448").publicKey) },
    { name: "X25519", input: exportSpki(generateKeyPairSync("x25519").publicKey) },
    {
      name: "RSASSA-PSS",
      input: exportSpki(generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey),
    },
    { name: "DSA", input: spki(encodeSequence(encodeOidElement("1.2.840.10040.4.1")), modulus) },
    {
      name: "RFC 5480 §2.1.1: specifiedCurve parameters",
      input: exportSpki(
        generateKeyPairSync("ec", { namedCurve: "P-256", paramEncoding: "explicit" }).publicKey,
      ),
    },
    {
      name: "RFC 5480 §2.1.1: implicitCurve",
      input: spki(encodeSequence(encodeOidElement(ec), encodeNull()), p256Key),
    },
    { name: "EC without parameters", input: spki(encodeSequence(encodeOidElement(ec)), p256Key) },
    {
      name: "RFC 3279 §2.3.1: rsaEncryption without NULL",
      input: spki(
        encodeSequence(encodeOidElement("1.2.840.113549.1.1.1")),
        encodeSequence(modulus, exponent),
      ),
    },
    {
      name: "RFC 8410 §3: Ed25519 with NULL parameters",
      input: spki(encodeSequence(encodeOidElement("1.3.101.112"), encodeNull()), Buffer.alloc(32, 9)),
    },
    {
      name: "RFC 9881 §2: ML-DSA-44 with NULL parameters",
      input: spki(
        encodeSequence(encodeOidElement("2.16.840.1.101.3.4.3.17"), encodeNull()),
        Buffer.alloc(1312, 1),
      ),
    },
    {
      name: "HashML-DSA-44",
      input: spki(encodeSequence(encodeOidElement("2.16.840.1.101.3.4.3.32")), Buffer.alloc(1312, 1)),
    },
    {
      name: "parameters after the right ones",
      input: spki(
        encodeSequence(encodeOidElement(ec), encodeOidElement("1.2.840.10045.3.1.7"), encodeNull()),
        p256Key,
      ),
    },
  ])("$name", ({ input }) => {
    expect(codeOf(input)).toBe("key_unsupported");
  });

  it("the message names the algorithm found and the ones to use", () => {
    expect(() => decodeSubjectPublicKey(spki(ecIdentifier("1.3.132.0.10"), p256Key))).toThrow(
      "key algorithm 1.2.840.10045.2.1 with parameters 1.3.132.0.10 is not supported; use one of P-256, P-384, " +
        "Ed25519, RSA, ML-DSA-44, ML-DSA-65, ML-DSA-87",
    );
  });
});

const p256Identifier = keyAlgorithms["P-256"].spkiIdentifier;
const withFirstOctet = (octet: number): Buffer =>
  spki(p256Identifier, Buffer.concat([Buffer.of(octet), p256Key.subarray(1)]));
const edwards = (y: bigint, sign = 0): Buffer => {
  const octets = Buffer.from(hex(y, 32), "hex").reverse();
  octets[31] = (octets[31] ?? 0) | (sign << 7);
  return spki(keyAlgorithms.Ed25519.spkiIdentifier, octets);
};

describe("decodeSubjectPublicKey refuses as key_malformed", () => {
  it.each([
    {
      name: "RFC 5480 §2.2: a compressed point, even y",
      input: spki(p256Identifier, Buffer.concat([Buffer.of(2), p256Key.subarray(1, 33)])),
    },
    {
      name: "RFC 5480 §2.2: a compressed point, odd y",
      input: spki(p256Identifier, Buffer.concat([Buffer.of(3), p256Key.subarray(1, 33)])),
    },
    { name: "a hybrid point, even y", input: withFirstOctet(6) },
    { name: "a hybrid point, odd y", input: withFirstOctet(7) },
    { name: "a first octet that means nothing", input: withFirstOctet(5) },
    { name: "the point at infinity", input: spki(p256Identifier, Buffer.of(0)) },
    { name: "the point at infinity, padded", input: spki(p256Identifier, Buffer.alloc(65)) },
    { name: "X = Y = 0", input: point("P-256", 0n, 0n) },
    { name: "a point next to P-256", input: point("P-256", g256.x, g256.y + 1n) },
    { name: "a point next to P-384", input: point("P-384", 5n, 5n) },
    { name: "a point of P-256 under P-384's name", input: point("P-384", g256.x, g256.y) },
    { name: "x ≥ p, congruent to a point of P-256", input: point("P-256", 5n + p256, y256(5n)) },
    { name: "y = p", input: point("P-256", g256.x, p256) },
    { name: "x = p", input: point("P-256", p256, g256.y) },
    { name: "all ones", input: point("P-256", 2n ** 256n - 1n, 2n ** 256n - 1n) },
    { name: "P-384: x = p", input: point("P-384", p384, 1n) },
    { name: "a P-256 point one octet short", input: spki(p256Identifier, p256Key.subarray(0, 64)) },
    {
      name: "a P-256 point one octet long",
      input: spki(p256Identifier, Buffer.concat([p256Key, Buffer.of(0)])),
    },
    { name: "an empty EC key", input: spki(p256Identifier, Buffer.alloc(0)) },
    {
      name: "an Ed25519 key of 31 octets",
      input: spki(keyAlgorithms.Ed25519.spkiIdentifier, Buffer.alloc(31, 9)),
    },
    {
      name: "an Ed25519 key of 33 octets",
      input: spki(keyAlgorithms.Ed25519.spkiIdentifier, Buffer.alloc(33, 9)),
    },
    { name: "RFC 8032 §5.1.3: Ed25519 y = p", input: edwards(2n ** 255n - 19n) },
    { name: "RFC 8032 §5.1.3: Ed25519 y = p + 1 with sign", input: edwards(2n ** 255n - 18n, 1) },
    { name: "RFC 8032 §5.1.3: Ed25519 y = 2^255 − 1", input: edwards(2n ** 255n - 1n, 1) },
    {
      name: "an ML-DSA-44 key one octet short",
      input: spki(keyAlgorithms["ML-DSA-44"].spkiIdentifier, Buffer.alloc(1311, 1)),
    },
    {
      name: "an ML-DSA-44 key under ML-DSA-65's name",
      input: spki(keyAlgorithms["ML-DSA-65"].spkiIdentifier, Buffer.alloc(1312, 1)),
    },
    {
      name: "a negative RSA modulus",
      input: rsaSpki(encodeElement(0x02, Buffer.alloc(256, 0xfe)), exponent),
    },
    { name: "a negative RSA exponent", input: rsaSpki(modulus, integer("ff")) },
    { name: "RSA modulus 0", input: rsaSpki(integer("00"), exponent) },
    { name: "RSA exponent 0", input: rsaSpki(modulus, integer("00")) },
    { name: "a padded RSA modulus", input: rsaSpki(integer(`0000${"ff".repeat(256)}`), exponent) },
    { name: "a padded RSA exponent", input: rsaSpki(modulus, integer("00010001")) },
    { name: "an RSA key without exponent", input: rsaSpki(modulus) },
    { name: "an RSA key with a third number", input: rsaSpki(modulus, exponent, integer("01")) },
    {
      name: "octets after the RSA key",
      input: spki(
        keyAlgorithms.RSA.spkiIdentifier,
        Buffer.concat([encodeSequence(modulus, exponent), Buffer.of(0)]),
      ),
    },
    {
      name: "an RSA modulus of 16,392 bits",
      input: rsaSpki(encodeUnsignedInteger(Buffer.alloc(2049, 0xff)), exponent),
    },
    { name: "an empty input", input: Buffer.alloc(0) },
    { name: "an empty SEQUENCE", input: encodeSequence() },
    { name: "an identifier alone", input: encodeSequence(p256Identifier) },
    {
      name: "an OID where the identifier stands",
      input: encodeSequence(encodeOidElement(ec), encodeBitString(p256Key)),
    },
    { name: "an empty identifier", input: spki(encodeSequence(), p256Key) },
    {
      name: "unused bits in the BIT STRING",
      input: encodeSequence(p256Identifier, encodeElement(0x03, Buffer.of(1), p256Key)),
    },
    {
      name: "an OCTET STRING for the BIT STRING",
      input: encodeSequence(p256Identifier, encodeElement(0x04, Buffer.of(0), p256Key)),
    },
    {
      name: "a field after the key",
      input: encodeSequence(p256Identifier, encodeBitString(p256Key), encodeNull()),
    },
    { name: "an octet after the whole", input: Buffer.concat([keyOf("P-256"), Buffer.of(0)]) },
    { name: "a truncated whole", input: keyOf("P-256").subarray(0, -1) },
    {
      name: "a length that is not minimal",
      input: Buffer.concat([Buffer.from("308159", "hex"), keyOf("P-256").subarray(2)]),
    },
  ])("$name", ({ input }) => {
    expect(codeOf(input)).toBe("key_malformed");
  });
});

describe("decodeSubjectPublicKey and mutated keys", () => {
  const mutant = fc
    .record({
      id: fc.constantFrom<KeyAlgorithmId>("P-256", "P-384", "Ed25519", "RSA", "ML-DSA-44"),
      edits: fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 3 }),
      cut: fc.nat(3),
    })
    .map(({ id, edits, cut }) => {
      const der = keyOf(id);
      for (const [offset, octet] of edits) der[offset % der.length] = octet;
      return der.subarray(0, der.length - (cut === 3 ? 1 : 0));
    });

  it("what is accepted re-exports as received; all else is an AppError about the key", () => {
    let accepted = 0;
    fc.assert(
      fc.property(mutant, (der) => {
        try {
          const key = decodeSubjectPublicKey(der);
          accepted += 1;
          return exportSpki(key.keyObject).equals(der);
        } catch (error) {
          return isAppError(error, "key_malformed") || isAppError(error, "key_unsupported");
        }
      }),
      { numRuns: 5_000, seed: 2986 },
    );
    expect(accepted).toBeGreaterThan(500);
  });
});
