/** The MessageCipher contract over the AWS Encryption SDK, with fleet keys at hand and with fleet keys as in KMS. */
import { encryptionSdkCipher } from "../../../adapters/encryption/encryption-sdk-cipher.ts";
import { kmsFleetKeyrings } from "../../../adapters/encryption/kms-fleet-keyring.ts";
import { messageCipherContract } from "../../contracts/message-cipher.ts";
import { rawFleetKeys } from "./raw-fleet-keys.ts";
import { wrappingKeysDouble } from "./wrapping-keys-double.ts";

const fleets = { fleet: "street-lights", otherFleet: "meters" } as const;

messageCipherContract("AWS Encryption SDK, raw AES keys", async () => ({
  cipher: encryptionSdkCipher({ fleetKeyring: rawFleetKeys(Object.values(fleets)).keyrings }),
  ...fleets,
}));

messageCipherContract("AWS Encryption SDK, keys of KMS", async () => ({
  cipher: encryptionSdkCipher({
    fleetKeyring: kmsFleetKeyrings(wrappingKeysDouble(Object.values(fleets))),
  }),
  ...fleets,
}));
