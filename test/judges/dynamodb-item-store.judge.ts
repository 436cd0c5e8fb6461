/** The ItemStore contract on AWS's own DynamoDB Local and on two independent emulators. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe } from "vitest";
import { clientConfiguration } from "../../adapters/aws/client-configuration.ts";
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import { conditionContract } from "../contracts/item-store/conditions.ts";
import { cursorContract } from "../contracts/item-store/cursors.ts";
import { indexContract } from "../contracts/item-store/indexes.ts";
import { limitContract } from "../contracts/item-store/limits.ts";
import type { StoreOf } from "../contracts/item-store/material.ts";
import { queryContract } from "../contracts/item-store/queries.ts";
import { valueContract } from "../contracts/item-store/values.ts";
import { itemStoreContract, type StoreUnderTest } from "../contracts/item-store.ts";
import { startDynamoDbLocal } from "../support/dynamodb-local.ts";
import { createItemTable } from "../support/dynamodb-table.ts";
import { type Emulator, emulatorClient, startMinistack, startMoto } from "../support/emulators.ts";

async function storeOn({ url }: Emulator): Promise<StoreUnderTest> {
  const client = new DynamoDBClient({ ...clientConfiguration(), ...emulatorClient, endpoint: url });
  const table = await createItemTable(client);
  return { store: dynamoDbItemStore({ table, client }), close: async () => client.destroy() };
}

for (const { name, start } of [
  { name: "DynamoDB Local", start: startDynamoDbLocal },
  { name: "ministack", start: startMinistack },
]) {
  itemStoreContract(name, async () => {
    const emulator = await start();
    const { store, close } = await storeOn(emulator);
    return { store, close: () => close().then(emulator.close) };
  });
}

// moto does not isolate transactions: a failed one puts back a copy of the table that it made before, without what
// others have written since. So the contract's concurrency is left to the other two. It makes such a copy for each
// operation: every part has a table of its own, or the copies take seconds.
describe("ItemStore contract: moto", () => {
  let moto: Emulator | undefined;
  beforeAll(async () => {
    moto = await startMoto();
  });
  afterAll(() => moto?.close());

  const parts: readonly [string, (store: StoreOf) => void][] = [
    ["values", valueContract],
    ["conditions", conditionContract],
    ["queries", queryContract],
    ["indexes", indexContract],
    ["cursors", cursorContract],
    ["limits", limitContract],
  ];
  describe.each(parts)("a table for %s", (_, contract) => {
    let part: StoreUnderTest | undefined;
    beforeAll(async () => {
      if (moto === undefined) throw new Error("moto has not started");
      part = await storeOn(moto);
    });
    afterAll(() => part?.close());
    contract(() => {
      if (part === undefined) throw new Error("the store is open only while its tests run");
      return part.store;
    });
  });
});
