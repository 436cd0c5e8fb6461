/** The ItemStore contract on AWS's own DynamoDB Local and on two independent emulators. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { clientConfiguration } from "../../adapters/aws/client-configuration.ts";
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { itemStoreContract } from "../contracts/item-store.ts";
import { startDynamoDbLocal } from "../support/dynamodb-local.ts";
import { createItemTable } from "../support/dynamodb-table.ts";
import { type Emulator, emulatorClient, startMinistack, startMoto } from "../support/emulators.ts";

const emulators: readonly { name: string; start: () => Promise<Emulator> }[] = [
  { name: "DynamoDB Local", start: startDynamoDbLocal },
  { name: "moto", start: startMoto },
  { name: "ministack", start: startMinistack },
];

for (const { name, start } of emulators) {
  itemStoreContract(`DynamoDB, ${name}`, async () => {
    const emulator = await start();
    const client = new DynamoDBClient({
      ...clientConfiguration(),
      ...emulatorClient,
      endpoint: emulator.url,
    });
    const table = await createItemTable(client);
    const close = async (): Promise<void> => {
      client.destroy();
      await emulator.close();
    };
    return { store: dynamoDbItemStore({ table, client }), close };
  });
}
