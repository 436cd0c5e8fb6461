/** The MessageCipher contract over the AWS Encryption SDK: fleet keys in memory, in a local key store, as in KMS. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encryptionSdkCipher } from "../../../adapters/encryption/encryption-sdk-cipher.ts";
import { kmsFleetKeyrings } from "../../../adapters/encryption/kms-fleet-keyring.ts";
import { rawFleetKeyrings } from "../../../adapters/encryption/raw-fleet-keyring.ts";
import { softwareWrappingKeys } from "../../../adapters/local/software-wrapping-keys.ts";
import { messageCipherContract } from "../../contracts/message-cipher.ts";
import { rawFleetKeys } from "./raw-fleet-keys.ts";
import { wrappingKeysDouble } from "./wrapping-keys-double.ts";

const fleets = { fleet: "street-lights", otherFleet: "meters" } as const;

messageCipherContract("AWS Encryption SDK, raw AES keys", async () => ({
  cipher: encryptionSdkCipher({ fleetKeyring: rawFleetKeys(Object.values(fleets)).keyrings }),
  ...fleets,
}));

messageCipherContract("AWS Encryption SDK, keys of a local key store", async () => {
  const root = mkdtempSync(join(tmpdir(), "fleetkey-cipher-"));
  const keys = await softwareWrappingKeys({
    directory: join(root, "keys"),
    masterKey: { keyFile: join(root, "master.key") },
    clock: { now: () => Date.now() },
  });
  return {
    cipher: encryptionSdkCipher({
      fleetKeyring: rawFleetKeyrings((fleet, keyId) => keys.openGeneration(fleet, keyId)),
    }),
    ...fleets,
    close: async () => rmSync(root, { recursive: true }),
  };
});

messageCipherContract("AWS Encryption SDK, keys of KMS", async () => ({
  cipher: encryptionSdkCipher({
    fleetKeyring: kmsFleetKeyrings(wrappingKeysDouble(Object.values(fleets))),
  }),
  ...fleets,
}));
