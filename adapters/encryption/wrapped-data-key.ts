/** Room: adapters/encryption. Who wrapped a data key, as the key says, and the same key as the SDK has it. */
import type { EncryptedDataKey as SdkDataKey } from "@aws-crypto/client-node";
import type { EncryptedDataKey, NamedWrapping } from "../../core/ports.ts";
import type { EncryptionSdk } from "./encryption-sdk.ts";

/** Key namespace of our raw AES keyrings. */
export const rawProvider = "fleetkey";
/** Provider of every KMS keyring of the SDK. */
export const kmsProvider = "aws-kms";

const subjectPrefix = "subject-key:";
// Raw AES keyring: after the key's name the bits of the tag, the octets of the IV, and the IV.
const rawSuffix = Buffer.from("000000800000000c", "hex");
const ivOctets = 12;
const foreign: NamedWrapping = { kind: "foreign" };

export function wrappingOf({ providerId, providerInfo }: EncryptedDataKey): NamedWrapping {
  const info = Buffer.from(providerInfo.buffer, providerInfo.byteOffset, providerInfo.byteLength);
  if (providerId === kmsProvider) return named(info, (keyId) => ({ kind: "fleet", keyId }));
  if (providerId !== rawProvider) return foreign;
  const nameOctets = info.length - rawSuffix.length - ivOctets;
  if (nameOctets < 1 || !info.subarray(nameOctets, -ivOctets).equals(rawSuffix)) return foreign;
  return named(info.subarray(0, nameOctets), (name) =>
    name.startsWith(subjectPrefix) ? { kind: "subject", keyName: name } : { kind: "fleet", keyId: name },
  );
}

/** Names are printable ASCII; whatever is not never was a name of ours or an ARN. */
function named(octets: Buffer, make: (name: string) => NamedWrapping): NamedWrapping {
  const name = octets.toString("latin1");
  return /^[!-~]+$/.test(name) ? make(name) : foreign;
}

/** The SDK has what a provider says as text, and the very octets beside it where they are no text. */
export function toSdk(sdk: EncryptionSdk, wrapped: EncryptedDataKey): SdkDataKey {
  const rawInfo = Uint8Array.from(wrapped.providerInfo);
  return new sdk.EncryptedDataKey({
    providerId: wrapped.providerId,
    providerInfo: Buffer.from(rawInfo).toString("utf8"),
    encryptedDataKey: Uint8Array.from(wrapped.encryptedDataKey),
    rawInfo,
  });
}

export function fromSdk({
  providerId,
  providerInfo,
  encryptedDataKey,
  rawInfo,
}: SdkDataKey): EncryptedDataKey {
  return { providerId, providerInfo: rawInfo ?? Buffer.from(providerInfo, "utf8"), encryptedDataKey };
}
