/** Room: lambdas/access. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { accessFunction } from "./handler.ts";

const { FLEETKEY_TABLE: table } = readEnvironment("FLEETKEY_TABLE");

export const handler = accessFunction({ ...functionRuntime(), items: dynamoDbItemStore({ table }) });
