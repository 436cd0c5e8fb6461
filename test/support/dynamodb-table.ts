/**
 * Room: test/support. The item table on an emulator, as the state stack makes it on AWS: the same keys and indexes.
 */
import { randomUUID } from "node:crypto";
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import {
  itemAttributes,
  type KeyAttributes,
  tableIndexes,
} from "../../adapters/aws/dynamodb/table-schema.ts";

const keySchema = ({ pk, sk }: KeyAttributes) => [
  { AttributeName: pk, KeyType: "HASH" as const },
  { AttributeName: sk, KeyType: "RANGE" as const },
];

/** Keys and indexes of the item table, in the API's words, which are CloudFormation's too. */
export const tableShape = {
  KeySchema: keySchema(itemAttributes),
  AttributeDefinitions: [itemAttributes, ...tableIndexes.map(([, names]) => names)].flatMap(({ pk, sk }) =>
    [pk, sk].map((AttributeName) => ({ AttributeName, AttributeType: "S" as const })),
  ),
  GlobalSecondaryIndexes: tableIndexes.map(([IndexName, names]) => ({
    IndexName,
    KeySchema: keySchema(names),
    Projection: { ProjectionType: "ALL" as const },
  })),
} satisfies Partial<CreateTableCommandInput>;

/** Makes an item table that no other test has; resolves to its name when it can be used. */
export async function createItemTable(client: DynamoDBClient): Promise<string> {
  const TableName = `items-${randomUUID()}`;
  try {
    await client.send(new CreateTableCommand({ TableName, BillingMode: "PAY_PER_REQUEST", ...tableShape }));
  } catch (error) {
    // The name is random: whoever has it is this request's own repetition.
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { TableName });
  return TableName;
}
