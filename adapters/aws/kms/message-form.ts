/**
 * Room: adapters/aws. In which form a message goes to KMS: whole while KMS takes it whole, so that KMS does the
 * hashing and needs no public key of us; otherwise in the row's other form.
 */
import { createHash } from "node:crypto";
import { AppError } from "../../../core/errors.ts";
import { type AuthorityAlgorithm, authorityAlgorithms } from "../../../core/formats/algorithms.ts";
import type { KeyDescription } from "../../../core/ports.ts";
import type { KeyName } from "./key-name.ts";
import { type KmsKeyRow, kmsKeyRows, rawOctets } from "./key-rows.ts";
import { messageRepresentative } from "./message-representative.ts";

/** Fields of a Sign request. */
export interface MessageForm {
  readonly Message: Uint8Array;
  readonly MessageType: "RAW" | "DIGEST" | "EXTERNAL_MU";
}

/**
 * @param describe Gives the public key; asked only where the form needs it.
 * @throws AppError configuration_invalid for a message that no key of this algorithm signs in KMS.
 */
export async function messageForm(
  key: KeyName,
  message: Uint8Array,
  describe: () => Promise<KeyDescription>,
): Promise<MessageForm> {
  if (message.length > 0 && message.length <= rawOctets) return { Message: message, MessageType: "RAW" };
  const row: KmsKeyRow = kmsKeyRows[key.algorithm];
  const { digest }: AuthorityAlgorithm["signature"] = authorityAlgorithms[key.algorithm].signature;
  if (row.otherForm === "DIGEST" && digest !== null) {
    return { Message: createHash(digest).update(message).digest(), MessageType: "DIGEST" };
  }
  if (row.otherForm === "EXTERNAL_MU") {
    const { publicKey } = await describe();
    return {
      Message: messageRepresentative(rawPublicKey(key, publicKey), message),
      MessageType: "EXTERNAL_MU",
    };
  }
  throw new AppError(
    "configuration_invalid",
    `message of ${message.length} octets cannot be signed by an ${key.algorithm} key in KMS; limit 1 to ${rawOctets}; ` +
      "use an authority of another algorithm for what is longer, such as revocation lists",
  );
}

/** The content of the SPKI's bit string, which ends the SPKI and has one length in each row of ML-DSA. */
function rawPublicKey({ algorithm }: KeyName, spki: Uint8Array): Uint8Array {
  const { publicKeyOctets = spki.length }: AuthorityAlgorithm["key"] = authorityAlgorithms[algorithm].key;
  return spki.subarray(spki.length - publicKeyOctets);
}
