/** Room: lambdas/rotation. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { lambdaTaskStarter } from "../../adapters/aws/lambda-task-starter.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { rotationFunction } from "./handler.ts";

const environment = readEnvironment(
  "FLEETKEY_TABLE",
  "FLEETKEY_ROLLOVER_FUNCTION",
  "FLEETKEY_CEREMONY_FUNCTION",
  "FLEETKEY_SERVERS_FUNCTION",
);

export const handler = rotationFunction({
  ...functionRuntime(),
  items: dynamoDbItemStore({ table: environment.FLEETKEY_TABLE }),
  tasks: lambdaTaskStarter({
    functions: {
      rotate: environment.FLEETKEY_ROLLOVER_FUNCTION,
      ceremony: environment.FLEETKEY_CEREMONY_FUNCTION,
      tendServers: environment.FLEETKEY_SERVERS_FUNCTION,
    },
  }),
});
