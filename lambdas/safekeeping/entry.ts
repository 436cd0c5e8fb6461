/** Room: lambdas/safekeeping. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { kmsWrappingKeys } from "../../adapters/aws/kms-wrapping-keys.ts";
import { snsNotifier } from "../../adapters/aws/sns-notifier.ts";
import { readEnvironment } from "../environment.ts";
import { wrappingKeyArns } from "../protection/wrapping-key-arns.ts";
import { functionRuntime } from "../runtime.ts";
import { safekeepingFunction } from "./handler.ts";

const environment = readEnvironment(
  "FLEETKEY_TABLE",
  "FLEETKEY_SUBJECT_KEYS_TABLE",
  "FLEETKEY_WRAPPING_KEYS",
  "FLEETKEY_KEY_RECOVERY_DAYS",
  "FLEETKEY_TOPIC_ARN",
);

export const handler = safekeepingFunction({
  ...functionRuntime(),
  items: dynamoDbItemStore({ table: environment.FLEETKEY_TABLE }),
  subjectKeys: dynamoDbItemStore({ table: environment.FLEETKEY_SUBJECT_KEYS_TABLE }),
  wrappingKeys: kmsWrappingKeys({ keys: wrappingKeyArns(environment.FLEETKEY_WRAPPING_KEYS) }),
  keyRecoveryDays: Number(environment.FLEETKEY_KEY_RECOVERY_DAYS),
  notifier: snsNotifier({ topicArn: environment.FLEETKEY_TOPIC_ARN }),
});
