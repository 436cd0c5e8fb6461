/**
 * Room: adapters/local. New key pairs for each row of the authority algorithms, made off the event loop.
 */
import { generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import {
  type AuthorityAlgorithm,
  type AuthorityAlgorithmId,
  authorityAlgorithms,
} from "../../../core/formats/algorithms.ts";

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const generate = promisify(generateKeyPair);

// FIPS 186-5 §5.4: e = 65537.
const publicExponent = 65_537;

export function generateAuthorityKey(algorithm: AuthorityAlgorithmId): Promise<KeyPair> {
  const row: AuthorityAlgorithm = authorityAlgorithms[algorithm];
  switch (row.key.keyType) {
    case "ec":
      return generate("ec", { namedCurve: row.key.namedCurve ?? row.id });
    case "rsa":
      return generate("rsa", { modulusLength: row.modulusBits ?? 3072, publicExponent });
    case "ed25519":
      return generate("ed25519");
    case "ml-dsa-44":
      return generate("ml-dsa-44");
    case "ml-dsa-65":
      return generate("ml-dsa-65");
    case "ml-dsa-87":
      return generate("ml-dsa-87");
  }
}
