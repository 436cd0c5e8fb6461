/** Room: lambdas/ocsp. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { kmsKeyService } from "../../adapters/aws/kms-key-service.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { ocspFunction } from "./handler.ts";

const environment = readEnvironment("FLEETKEY_TABLE", "FLEETKEY_KEY_ALIAS_PREFIX");

export const handler = ocspFunction({
  ...functionRuntime(),
  items: dynamoDbItemStore({ table: environment.FLEETKEY_TABLE }),
  keys: kmsKeyService({ aliasPrefix: environment.FLEETKEY_KEY_ALIAS_PREFIX }),
});
