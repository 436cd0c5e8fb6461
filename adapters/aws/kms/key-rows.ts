/**
 * Room: adapters/aws. What KMS calls each row of the authority algorithms, and in which form it takes a message
 * that it does not take whole. Source: AWS KMS API reference, CreateKey and Sign.
 */
import type { KeySpec, SigningAlgorithmSpec } from "@aws-sdk/client-kms";
import type { AuthorityAlgorithmId } from "../../../core/formats/algorithms.ts";

/** Sign takes a RAW message of 1 to 4,096 octets. */
export const rawOctets = 4_096;

export interface KmsKeyRow {
  readonly keySpec: KeySpec;
  readonly signingAlgorithm: SigningAlgorithmSpec;
  /**
   * For a message that is empty or longer than `rawOctets`. DIGEST: the row's own digest of it. EXTERNAL_MU: its
   * message representative (FIPS 204). None: KMS cannot sign it with such a key.
   */
  readonly otherForm: "DIGEST" | "EXTERNAL_MU" | "none";
}

const row = (
  keySpec: KeySpec,
  signingAlgorithm: SigningAlgorithmSpec,
  otherForm: KmsKeyRow["otherForm"],
): KmsKeyRow => ({ keySpec, signingAlgorithm, otherForm });

export const kmsKeyRows = {
  "P-256": row("ECC_NIST_P256", "ECDSA_SHA_256", "DIGEST"),
  "P-384": row("ECC_NIST_P384", "ECDSA_SHA_384", "DIGEST"),
  "RSA-3072": row("RSA_3072", "RSASSA_PKCS1_V1_5_SHA_256", "DIGEST"),
  "RSA-4096": row("RSA_4096", "RSASSA_PKCS1_V1_5_SHA_512", "DIGEST"),
  // RFC 8032 §5.1.6 hashes the message twice, so no digest can stand for it; Ed25519ph is another algorithm, for
  // which RFC 8410 has no identifier.
  Ed25519: row("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", "none"),
  "ML-DSA-65": row("ML_DSA_65", "ML_DSA_SHAKE_256", "EXTERNAL_MU"),
  "ML-DSA-87": row("ML_DSA_87", "ML_DSA_SHAKE_256", "EXTERNAL_MU"),
} as const satisfies Record<AuthorityAlgorithmId, KmsKeyRow>;
