/** Room: lambdas/publication. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { kmsKeyService } from "../../adapters/aws/kms-key-service.ts";
import { s3ObjectStore } from "../../adapters/aws/s3-object-store.ts";
import { snsNotifier } from "../../adapters/aws/sns-notifier.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { publicationFunction } from "./handler.ts";

const environment = readEnvironment(
  "FLEETKEY_TABLE",
  "FLEETKEY_KEY_ALIAS_PREFIX",
  "FLEETKEY_ARTIFACTS_BUCKET",
  "FLEETKEY_TOPIC_ARN",
);

export const handler = publicationFunction({
  ...functionRuntime(),
  items: dynamoDbItemStore({ table: environment.FLEETKEY_TABLE }),
  keys: kmsKeyService({ aliasPrefix: environment.FLEETKEY_KEY_ALIAS_PREFIX }),
  artifacts: s3ObjectStore({ bucket: environment.FLEETKEY_ARTIFACTS_BUCKET }),
  notifier: snsNotifier({ topicArn: environment.FLEETKEY_TOPIC_ARN }),
});
