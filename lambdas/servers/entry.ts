/** Room: lambdas/servers. The function on AWS. */
import { acmCertificateManager } from "../../adapters/aws/acm-certificate-manager.ts";
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { kmsKeyService } from "../../adapters/aws/kms-key-service.ts";
import { lambdaTaskStarter } from "../../adapters/aws/lambda-task-starter.ts";
import { snsNotifier } from "../../adapters/aws/sns-notifier.ts";
import { systemServerKeys } from "../../adapters/system/server-key.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { serversFunction } from "./handler.ts";

const environment = readEnvironment(
  "FLEETKEY_TABLE",
  "FLEETKEY_KEY_ALIAS_PREFIX",
  "FLEETKEY_PUBLICATION_FUNCTION",
  "FLEETKEY_TOPIC_ARN",
  "FLEETKEY_STAGE",
);

export const handler = serversFunction({
  ...functionRuntime(),
  items: dynamoDbItemStore({ table: environment.FLEETKEY_TABLE }),
  keys: kmsKeyService({ aliasPrefix: environment.FLEETKEY_KEY_ALIAS_PREFIX }),
  // IAM lets this function touch certificates with this tag alone.
  certificates: acmCertificateManager({ tags: { "fleetkey:stage": environment.FLEETKEY_STAGE } }),
  serverKeys: systemServerKeys,
  tasks: lambdaTaskStarter({ functions: { publish: environment.FLEETKEY_PUBLICATION_FUNCTION } }),
  notifier: snsNotifier({ topicArn: environment.FLEETKEY_TOPIC_ARN }),
});
