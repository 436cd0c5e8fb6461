/** Faults between the item store and DynamoDB Local, which carries out what its caller never hears of. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientConfiguration } from "../../adapters/aws/client-configuration.ts";
import { dynamoDbItemStore } from "../../adapters/aws/dynamodb-item-store.ts";
import type { ItemStore, WriteOperation } from "../../core/ports.ts";
import { freshPartition, putNew, readAll, together } from "../contracts/item-store/material.ts";
import { startDynamoDbLocal } from "../support/dynamodb-local.ts";
import { createItemTable } from "../support/dynamodb-table.ts";
import { type Emulator, emulatorClient } from "../support/emulators.ts";
import { type FaultyRequests, faultyRequests, type RequestFault } from "./support/faulty-requests.ts";

const transactions = 500;
const writers = 20;

interface Faulty {
  readonly store: ItemStore;
  readonly requests: FaultyRequests;
  /** How often DynamoDB carried out a request with each token. */
  readonly arrivals: ReadonlyMap<string, number>;
  readonly close: () => void;
}

/** A fault for each request in turn, again and again. */
function inTurn(...faults: readonly RequestFault[]): () => RequestFault {
  let at = 0;
  return () => {
    at += 1;
    return faults[at % faults.length] ?? "none";
  };
}

describe("DynamoDB Local behind a faulty network", () => {
  let local: Emulator | undefined;
  let table = "";
  beforeAll(async () => {
    local = await startDynamoDbLocal();
    const client = new DynamoDBClient({ ...emulatorClient, endpoint: local.url });
    table = await createItemTable(client);
    client.destroy();
  });
  afterAll(() => local?.close());

  function faulty(next: () => RequestFault): Faulty {
    if (local === undefined) throw new Error("DynamoDB Local has not started");
    const arrivals = new Map<string, number>();
    const requests = faultyRequests(next, (request) => {
      const { ClientRequestToken: token } = JSON.parse(new TextDecoder().decode(request.body));
      if (typeof token === "string") arrivals.set(token, (arrivals.get(token) ?? 0) + 1);
    });
    const client = new DynamoDBClient({
      ...clientConfiguration({ requestHandler: requests.handler }),
      ...emulatorClient,
      endpoint: local.url,
    });
    const close = () => client.destroy();
    // A busy machine makes each attempt slow; what is judged here is what they do, not how many fit in.
    const store = dynamoDbItemStore({ table, client, patience: 60_000 });
    return { store, requests, arrivals, close };
  }

  /** Each writer raises its counter again and again, and writes a line beside it: both or neither. */
  async function count(store: ItemStore, pk: string): Promise<void> {
    await together(writers, async (writer) => {
      for (let at = 0; at < transactions / writers; at += 1) {
        const counter = { pk, sk: `counter${writer}`, attributes: { count: at + 1 } };
        const raise: WriteOperation = { put: counter, when: at === 0 ? "absent" : at };
        await store.transact([raise, putNew({ pk: `${pk}${writer}`, sk: `line${at}`, attributes: {} })]);
      }
    });
  }

  const cases: readonly { name: string; faults: readonly RequestFault[] }[] = [
    { name: "every second answer is lost", faults: ["none", "answerLost"] },
    {
      name: "of ten requests five are throttled and three lose their answer",
      faults: [
        "throttled",
        "answerLost",
        "throttled",
        "none",
        "throttled",
        "answerLost",
        "throttled",
        "answerLost",
        "throttled",
        "none",
      ],
    },
  ];
  it.each(cases)(
    "500 transactions on versions: none is done twice, none that was done is called failed: $name",
    async ({ faults }) => {
      const { store, requests, arrivals, close } = faulty(inTurn(...faults));
      const pk = freshPartition();
      // Rejects if any transaction is called failed. One done twice would raise a version twice, and fail the next.
      await count(store, pk);
      for (let writer = 0; writer < writers; writer += 1) {
        const counter = await store.get({ pk, sk: `counter${writer}` });
        expect(counter).toMatchObject({
          version: transactions / writers,
          attributes: { count: transactions / writers },
        });
        const lines = await readAll(store, { pk: `${pk}${writer}`, limit: 1_000 });
        expect(lines.items).toHaveLength(transactions / writers);
        expect(lines.items.every(({ version }) => version === 1)).toBe(true);
      }
      close();
      expect(arrivals.size).toBe(transactions);
      const repeated = [...arrivals.values()].filter((times) => times > 1).length;
      expect(repeated).toBeGreaterThan(100);
      expect(requests.counts.answerLost).toBeGreaterThan(100);
    },
  );

  it("a transaction refused behind a lost answer is refused when repeated", async () => {
    const { store, close } = faulty(inTurn("none", "answerLost"));
    const key = { pk: freshPartition(), sk: "a" };
    const attempt = store.transact([{ delete: key, when: "present" }]);
    await expect(attempt).rejects.toMatchObject({ code: "store_condition_failed", failedOperations: [0] });
    close();
  });

  it("the fault is real: the same write without a token would be called failed", async () => {
    const { store, close } = faulty(() => "none");
    const put = putNew({ pk: freshPartition(), sk: "a", attributes: {} });
    await store.transact([put]);
    await expect(store.transact([put])).rejects.toMatchObject({ code: "store_condition_failed" });
    close();
  });
});
