/**
 * Room: adapters/aws. The answer of GetPublicKey, believed only when it is a signing key of the very row.
 */
import { createPublicKey } from "node:crypto";
import type { GetPublicKeyCommandOutput } from "@aws-sdk/client-kms";
import { AppError } from "../../../core/errors.ts";
import {
  type AuthorityAlgorithm,
  type AuthorityAlgorithmId,
  authorityAlgorithms,
} from "../../../core/formats/algorithms.ts";
import type { KeyDescription } from "../../../core/ports.ts";
import { keyName, parseKeyId } from "./key-name.ts";
import { type KmsKeyRow, kmsKeyRows } from "./key-rows.ts";

/**
 * The key of `algorithm` that KMS described.
 * @throws AppError configuration_invalid for a key of another spec or usage; key_service_unavailable for an
 * answer that contradicts itself.
 */
export function keyDescription(
  algorithm: AuthorityAlgorithmId,
  answer: GetPublicKeyCommandOutput,
): KeyDescription {
  const row: KmsKeyRow = kmsKeyRows[algorithm];
  const { KeyId: arn = "", KeySpec: spec, KeyUsage: usage, PublicKey: publicKey } = answer;
  if (spec !== row.keySpec || usage !== "SIGN_VERIFY") {
    throw new AppError(
      "configuration_invalid",
      `KMS key ${arn} is ${spec} for ${usage}, not ${row.keySpec} for SIGN_VERIFY, which ${algorithm} needs; ` +
        "choose another alias, or make the key anew",
    );
  }
  const authority: AuthorityAlgorithm = authorityAlgorithms[algorithm];
  if (publicKey === undefined || !isOfRow(authority, publicKey)) {
    throw new AppError(
      "key_service_unavailable",
      `KMS gave no ${algorithm} public key for ${arn}, whose spec says so; look at the endpoint that answers`,
      { retryAfter: 60 },
    );
  }
  const { keyId } = parseKeyId(keyName(algorithm, arn).keyId);
  return Object.freeze({ keyId, algorithm, publicKey });
}

/** DER throughout, the row's AlgorithmIdentifier, and for RSA its modulus length and exponent. */
function isOfRow({ key, modulusBits }: AuthorityAlgorithm, spki: Uint8Array): boolean {
  try {
    const parsed = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    const { modulusLength, publicExponent } = parsed.asymmetricKeyDetails ?? {};
    return (
      parsed.asymmetricKeyType === key.keyType &&
      parsed.export({ format: "der", type: "spki" }).equals(spki) &&
      key.spkiIdentifier.equals(algorithmIdentifierOf(spki, key.spkiIdentifier.length)) &&
      modulusLength === modulusBits &&
      (modulusBits === undefined || publicExponent === 65_537n)
    );
  } catch {
    return false;
  }
}

/** What follows the SPKI's outer header: X.690 §8.1.3.5 puts the count of further length octets in the second one. */
function algorithmIdentifierOf(spki: Uint8Array, octets: number): Uint8Array {
  const length = spki[1] ?? 0;
  const header = length < 0x80 ? 2 : 2 + (length & 0x7f);
  return spki.subarray(header, header + octets);
}
