/** Room: lambdas/bootstrap. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { kmsKeyService } from "../../adapters/aws/kms-key-service.ts";
import { s3ObjectStore } from "../../adapters/aws/s3-object-store.ts";
import { snsNotifier } from "../../adapters/aws/sns-notifier.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { parseFleetPlans } from "./fleet-plans.ts";
import { bootstrapFunction } from "./handler.ts";

const environment = readEnvironment(
  "FLEETKEY_TABLE",
  "FLEETKEY_KEY_ALIAS_PREFIX",
  "FLEETKEY_FLEETS",
  "FLEETKEY_ARTIFACTS_BUCKET",
  "FLEETKEY_TRUST_STORES_BUCKET",
  "FLEETKEY_RECORDS_BUCKET",
  "FLEETKEY_TOPIC_ARN",
);

const aliasPrefix = environment.FLEETKEY_KEY_ALIAS_PREFIX;

export const handler = bootstrapFunction(
  {
    ...functionRuntime(),
    items: dynamoDbItemStore({ table: environment.FLEETKEY_TABLE }),
    keys: kmsKeyService({ aliasPrefix }),
    artifacts: s3ObjectStore({ bucket: environment.FLEETKEY_ARTIFACTS_BUCKET }),
    trustStores: s3ObjectStore({ bucket: environment.FLEETKEY_TRUST_STORES_BUCKET }),
    records: s3ObjectStore({ bucket: environment.FLEETKEY_RECORDS_BUCKET }),
    notifier: snsNotifier({ topicArn: environment.FLEETKEY_TOPIC_ARN }),
  },
  parseFleetPlans(environment.FLEETKEY_FLEETS),
  { keysOnLoan: (grantTokens) => kmsKeyService({ aliasPrefix, grantTokens }) },
);
