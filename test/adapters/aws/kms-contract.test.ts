/** The KeyService contract over KMS's requests: a double reads them, refuses what KMS refuses, and signs. */
import { kmsKeyService } from "../../../adapters/aws/kms-key-service.ts";
import { keyServiceContract } from "../../contracts/key-service.ts";
import { KmsDouble } from "./kms-double.ts";

const double = new KmsDouble();

keyServiceContract(
  "KMS, its double",
  async () => {
    const client = double.client();
    return {
      keys: kmsKeyService({ aliasPrefix: "fleetkey/test", client, mayCreate: true }),
      close: async () => client.destroy(),
    };
  },
  // KMS signs with Ed25519 what it takes whole, and nothing else: see kms-messages.test.ts.
  { signs: (algorithm, octets) => algorithm !== "Ed25519" || (octets > 0 && octets <= 4_096) },
);
