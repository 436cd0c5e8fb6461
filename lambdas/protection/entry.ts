/** Room: lambdas/protection. The function on AWS, the only one that loads the AWS Encryption SDK. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { kmsWrappingKeys } from "../../adapters/aws/kms-wrapping-keys.ts";
import { lambdaTaskStarter } from "../../adapters/aws/lambda-task-starter.ts";
import { snsNotifier } from "../../adapters/aws/sns-notifier.ts";
import { encryptionSdk } from "../../adapters/encryption/encryption-sdk.ts";
import { encryptionSdkCipher } from "../../adapters/encryption/encryption-sdk-cipher.ts";
import { kmsFleetKeyrings } from "../../adapters/encryption/kms-fleet-keyring.ts";
import { systemDataKeyPairs } from "../../adapters/system/data-key-pair.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { protectionFunction } from "./handler.ts";
import { wrappingKeyArns } from "./wrapping-key-arns.ts";

const environment = readEnvironment(
  "FLEETKEY_TABLE",
  "FLEETKEY_SUBJECT_KEYS_TABLE",
  "FLEETKEY_WRAPPING_KEYS",
  "FLEETKEY_TOPIC_ARN",
  "FLEETKEY_SAFEKEEPING_FUNCTION",
);

// Lambda's initialisation ends with this module, and has more of a processor than a first request.
await encryptionSdk();

const wrappingKeys = kmsWrappingKeys({ keys: wrappingKeyArns(environment.FLEETKEY_WRAPPING_KEYS) });

export const handler = protectionFunction({
  ...functionRuntime(),
  items: dynamoDbItemStore({ table: environment.FLEETKEY_TABLE }),
  subjectKeys: dynamoDbItemStore({ table: environment.FLEETKEY_SUBJECT_KEYS_TABLE }),
  wrappingKeys,
  keyPairs: systemDataKeyPairs,
  cipher: encryptionSdkCipher({ fleetKeyring: kmsFleetKeyrings(wrappingKeys) }),
  tasks: lambdaTaskStarter({ functions: { safekeep: environment.FLEETKEY_SAFEKEEPING_FUNCTION } }),
  notifier: snsNotifier({ topicArn: environment.FLEETKEY_TOPIC_ARN }),
});
