/** Room: lambdas/rollover. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { kmsKeyCustody } from "../../adapters/aws/kms-custody.ts";
import { kmsDataKeys } from "../../adapters/aws/kms-data-keys.ts";
import { lambdaTaskStarter } from "../../adapters/aws/lambda-task-starter.ts";
import { snsNotifier } from "../../adapters/aws/sns-notifier.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { parseDataKeys } from "./data-keys.ts";
import { rolloverFunction } from "./handler.ts";

const environment = readEnvironment(
  "FLEETKEY_TABLE",
  "FLEETKEY_CEREMONY_ROLE",
  "FLEETKEY_DATA_KEYS",
  "FLEETKEY_PUBLICATION_FUNCTION",
  "FLEETKEY_MAINTENANCE_FUNCTION",
  "FLEETKEY_CEREMONY_FUNCTION",
  "FLEETKEY_TOPIC_ARN",
);

export const handler = rolloverFunction({
  ...functionRuntime(),
  items: dynamoDbItemStore({ table: environment.FLEETKEY_TABLE }),
  custody: kmsKeyCustody({ grantee: environment.FLEETKEY_CEREMONY_ROLE }),
  dataKeys: kmsDataKeys({ keys: parseDataKeys(environment.FLEETKEY_DATA_KEYS) }),
  tasks: lambdaTaskStarter({
    functions: {
      publish: environment.FLEETKEY_PUBLICATION_FUNCTION,
      maintain: environment.FLEETKEY_MAINTENANCE_FUNCTION,
      ceremony: environment.FLEETKEY_CEREMONY_FUNCTION,
    },
  }),
  notifier: snsNotifier({ topicArn: environment.FLEETKEY_TOPIC_ARN }),
});
