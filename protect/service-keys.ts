/** Room: protect. Data keys from the service: it wraps and opens them, and never sees what they encrypt. */
import {
  EncryptedDataKey,
  KeyringNode,
  KeyringTraceFlag,
  type NodeDecryptionMaterial,
  type NodeEncryptionMaterial,
} from "@aws-crypto/client-node";
import { AppError } from "../core/errors.ts";
import { isSameContext } from "../core/policy/encryption-context.ts";
import type { EncryptionContext } from "../core/protection-values.ts";
import type { ProtectorKeys } from "./protector.ts";
import { type ServiceOptions, type ServiceRequests, serviceRequests } from "./service-requests.ts";

export type ServiceKeysOptions = ServiceOptions & { readonly fleet: string };

type Json = Readonly<Record<string, unknown>>;

const dataKeyOctets = 32;
const wrappingFlags =
  KeyringTraceFlag.WRAPPING_KEY_GENERATED_DATA_KEY |
  KeyringTraceFlag.WRAPPING_KEY_ENCRYPTED_DATA_KEY |
  KeyringTraceFlag.WRAPPING_KEY_SIGNED_ENC_CTX;
const openingFlags =
  KeyringTraceFlag.WRAPPING_KEY_DECRYPTED_DATA_KEY | KeyringTraceFlag.WRAPPING_KEY_VERIFIED_ENC_CTX;

function malformed(): AppError {
  return new AppError("key_service_unavailable", "the service answered something else than a data key");
}

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null;

function octets(value: unknown): Buffer {
  if (typeof value !== "string") throw malformed();
  return Buffer.from(value, "base64");
}

function wrappedKey(value: unknown): EncryptedDataKey {
  if (!isJson(value) || typeof value["providerId"] !== "string") throw malformed();
  const rawInfo = octets(value["providerInfo"]);
  return new EncryptedDataKey({
    providerId: value["providerId"],
    // The SDK has it as text and as octets; a raw keyring's octets are no text.
    providerInfo: rawInfo.toString(),
    rawInfo,
    encryptedDataKey: octets(value["encryptedDataKey"]),
  });
}

/** The SDK keeps copies and overwrites them; the two here are overwritten. The text of the answer cannot be. */
function setKey(
  material: NodeEncryptionMaterial | NodeDecryptionMaterial,
  answer: Json,
  trace: { readonly keyNamespace: string; readonly keyName: string; readonly flags: number },
): void {
  const decoded = octets(answer["plaintext"]);
  // Of its own memory, which the SDK insists on.
  const key = Uint8Array.from(decoded);
  decoded.fill(0);
  try {
    if (key.byteLength !== dataKeyOctets) throw malformed();
    material.setUnencryptedDataKey(key, trace);
  } finally {
    key.fill(0);
  }
}

class ServiceKeyring extends KeyringNode {
  readonly #path: string;
  readonly #service: ServiceRequests;

  constructor(fleet: string, service: ServiceRequests) {
    super();
    this.#path = `/fleets/${encodeURIComponent(fleet)}/data-keys`;
    this.#service = service;
  }

  async _onEncrypt(material: NodeEncryptionMaterial): Promise<NodeEncryptionMaterial> {
    const context = material.encryptionContext;
    const answer = await this.#service.post(this.#path, { context, plaintext: true });
    const named = answer["context"];
    if (!isJson(named) || !isSameContext(named as EncryptionContext, context)) throw malformed();
    const key = wrappedKey(answer["wrapped"]);
    const trace = { keyNamespace: "fleetkey", keyName: key.providerInfo, flags: wrappingFlags };
    setKey(material, answer, trace);
    return material.addEncryptedDataKey(
      key,
      wrappingFlags & ~KeyringTraceFlag.WRAPPING_KEY_GENERATED_DATA_KEY,
    );
  }

  async _onDecrypt(
    material: NodeDecryptionMaterial,
    dataKeys: EncryptedDataKey[],
  ): Promise<NodeDecryptionMaterial> {
    const [dataKey] = dataKeys;
    if (dataKey === undefined) return material;
    const { providerId, providerInfo, rawInfo, encryptedDataKey } = dataKey;
    const wrapped = {
      providerId,
      providerInfo: Buffer.from(rawInfo ?? Buffer.from(providerInfo)).toString("base64"),
      encryptedDataKey: Buffer.from(encryptedDataKey).toString("base64"),
    };
    const answer = await this.#service.post(`${this.#path}/unwrap`, {
      context: material.encryptionContext,
      wrapped,
    });
    setKey(material, answer, { keyNamespace: "fleetkey", keyName: providerInfo, flags: openingFlags });
    return material;
  }
}

/**
 * Data keys of the service's API, for every purpose that the caller may use. Answers that are worth it are asked for
 * four times, after what Retry-After says, or 0.1 s and more.
 * @throws AppError configuration_invalid: the URL is not HTTPS.
 */
export function serviceKeys({ fleet, ...options }: ServiceKeysOptions): ProtectorKeys {
  const service = serviceRequests(options as ServiceOptions);
  return { fleet, keyring: new ServiceKeyring(fleet, service), close: () => service.close() };
}
