/** Room: lambdas/maintenance. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { lambdaTaskStarter } from "../../adapters/aws/lambda-task-starter.ts";
import { snsNotifier } from "../../adapters/aws/sns-notifier.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { maintenanceFunction } from "./handler.ts";

const environment = readEnvironment("FLEETKEY_TABLE", "FLEETKEY_PUBLICATION_FUNCTION", "FLEETKEY_TOPIC_ARN");

export const handler = maintenanceFunction({
  ...functionRuntime(),
  items: dynamoDbItemStore({ table: environment.FLEETKEY_TABLE }),
  tasks: lambdaTaskStarter({ functions: { publish: environment.FLEETKEY_PUBLICATION_FUNCTION } }),
  notifier: snsNotifier({ topicArn: environment.FLEETKEY_TOPIC_ARN }),
});
