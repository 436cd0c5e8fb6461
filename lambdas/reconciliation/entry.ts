/** Room: lambdas/reconciliation. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { kmsKeyService } from "../../adapters/aws/kms-key-service.ts";
import { snsNotifier } from "../../adapters/aws/sns-notifier.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { reconciliationFunction } from "./handler.ts";

const environment = readEnvironment("FLEETKEY_TABLE", "FLEETKEY_KEY_ALIAS_PREFIX", "FLEETKEY_TOPIC_ARN");

export const handler = reconciliationFunction({
  ...functionRuntime(),
  items: dynamoDbItemStore({ table: environment.FLEETKEY_TABLE }),
  keys: kmsKeyService({ aliasPrefix: environment.FLEETKEY_KEY_ALIAS_PREFIX }),
  notifier: snsNotifier({ topicArn: environment.FLEETKEY_TOPIC_ARN }),
});
