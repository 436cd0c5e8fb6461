/** Room: lambdas/revocation. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { lambdaTaskStarter } from "../../adapters/aws/lambda-task-starter.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { revocationFunction } from "./handler.ts";

const environment = readEnvironment(
  "FLEETKEY_TABLE",
  "FLEETKEY_PUBLICATION_FUNCTION",
  "FLEETKEY_MAINTENANCE_FUNCTION",
);

export const handler = revocationFunction({
  ...functionRuntime(),
  items: dynamoDbItemStore({ table: environment.FLEETKEY_TABLE }),
  tasks: lambdaTaskStarter({
    functions: {
      publish: environment.FLEETKEY_PUBLICATION_FUNCTION,
      maintain: environment.FLEETKEY_MAINTENANCE_FUNCTION,
    },
  }),
});
