/** Room: lambdas/distribution. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { distributionFunction } from "./handler.ts";

const { FLEETKEY_TABLE: table } = readEnvironment("FLEETKEY_TABLE");

export const handler = distributionFunction({ ...functionRuntime(), items: dynamoDbItemStore({ table }) });
