/** Room: lambdas/provisioning. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { provisioningFunction } from "./handler.ts";

const { FLEETKEY_TABLE: table } = readEnvironment("FLEETKEY_TABLE");

export const handler = provisioningFunction({ ...functionRuntime(), items: dynamoDbItemStore({ table }) });
