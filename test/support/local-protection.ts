/** Room: test/support. What protects data at rest, on the local adapters: subject keys in memory, wrapping keys in a key store. */
import { encryptionSdkCipher } from "../../adapters/encryption/encryption-sdk-cipher.ts";
import { rawFleetKeyrings } from "../../adapters/encryption/raw-fleet-keyring.ts";
import {
  type SoftwareWrappingKeys,
  type SoftwareWrappingKeysOptions,
  softwareWrappingKeys,
} from "../../adapters/local/software-wrapping-keys.ts";
import { openSqliteItemStore } from "../../adapters/local/sqlite-item-store.ts";
import { systemDataKeyPairs } from "../../adapters/system/data-key-pair.ts";
import type { ProtectionApp } from "../../core/ports.ts";

export interface LocalProtection extends Pick<ProtectionApp, "subjectKeys" | "cipher" | "keyPairs"> {
  readonly wrappingKeys: SoftwareWrappingKeys;
  readonly keyRecoveryDays: number;
}

export interface OpenProtection {
  readonly ports: LocalProtection;
  close(): Promise<void>;
}

/** @param path Of the subject keys' store. @default in memory */
export async function openLocalProtection(
  keyStore: SoftwareWrappingKeysOptions,
  path = ":memory:",
): Promise<OpenProtection> {
  const wrappingKeys = await softwareWrappingKeys(keyStore);
  const subjectKeys = await openSqliteItemStore({ path });
  const fleetKeyring = rawFleetKeyrings((fleet, keyId) => wrappingKeys.openGeneration(fleet, keyId));
  return {
    ports: {
      wrappingKeys,
      subjectKeys,
      cipher: encryptionSdkCipher({ fleetKeyring }),
      keyPairs: systemDataKeyPairs,
      keyRecoveryDays: 0,
    },
    close: () => subjectKeys.close(),
  };
}
