/** Room: lambdas/ceremony. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { kmsKeyService } from "../../adapters/aws/kms-key-service.ts";
import { lambdaTaskStarter } from "../../adapters/aws/lambda-task-starter.ts";
import { s3ObjectStore } from "../../adapters/aws/s3-object-store.ts";
import { snsNotifier } from "../../adapters/aws/sns-notifier.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { ceremonyFunction } from "./handler.ts";

const environment = readEnvironment(
  "FLEETKEY_TABLE",
  "FLEETKEY_KEY_ALIAS_PREFIX",
  "FLEETKEY_ARTIFACTS_BUCKET",
  "FLEETKEY_TRUST_STORES_BUCKET",
  "FLEETKEY_RECORDS_BUCKET",
  "FLEETKEY_PUBLICATION_FUNCTION",
  "FLEETKEY_ROLLOVER_FUNCTION",
  "FLEETKEY_TOPIC_ARN",
);

const keysWith = (grantTokens: readonly string[]) =>
  kmsKeyService({ aliasPrefix: environment.FLEETKEY_KEY_ALIAS_PREFIX, grantTokens });

export const handler = ceremonyFunction({
  ...functionRuntime(),
  items: dynamoDbItemStore({ table: environment.FLEETKEY_TABLE }),
  keys: keysWith([]),
  keysWith,
  artifacts: s3ObjectStore({ bucket: environment.FLEETKEY_ARTIFACTS_BUCKET }),
  trustStores: s3ObjectStore({ bucket: environment.FLEETKEY_TRUST_STORES_BUCKET }),
  records: s3ObjectStore({ bucket: environment.FLEETKEY_RECORDS_BUCKET }),
  tasks: lambdaTaskStarter({
    functions: {
      publish: environment.FLEETKEY_PUBLICATION_FUNCTION,
      rotate: environment.FLEETKEY_ROLLOVER_FUNCTION,
    },
  }),
  notifier: snsNotifier({ topicArn: environment.FLEETKEY_TOPIC_ARN }),
});
