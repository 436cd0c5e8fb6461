/** Room: lambdas/distribution. The function on AWS. */
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { s3ObjectStore } from "../../adapters/aws/s3-object-store.ts";
import { readEnvironment } from "../environment.ts";
import { functionRuntime } from "../runtime.ts";
import { distributionFunction } from "./handler.ts";

const environment = readEnvironment("FLEETKEY_TABLE", "FLEETKEY_ARTIFACTS_BUCKET");

/** Lambda takes answers of 6,291,556 octets; four in base64 are three of an object, and headers need some. */
const answerOctets = 4_500_000;

export const handler = distributionFunction(
  {
    ...functionRuntime(),
    items: dynamoDbItemStore({ table: environment.FLEETKEY_TABLE }),
    artifacts: s3ObjectStore({ bucket: environment.FLEETKEY_ARTIFACTS_BUCKET }),
  },
  { answerOctets },
);
