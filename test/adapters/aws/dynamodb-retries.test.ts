import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { describe, expect, it } from "vitest";
import { dynamoDbItemStore } from "../../../adapters/aws/dynamodb-item-store.ts";
import type { WriteOperation } from "../../../core/ports.ts";
import {
  type Answer,
  cancelled,
  type DynamoDbDouble,
  done,
  dynamoDbDouble,
  failure,
} from "./dynamodb-double.ts";

const operations: readonly WriteOperation[] = ["a", "b", "c"].map((sk) => ({
  put: { pk: "P", sk, attributes: {} },
  when: "absent",
}));
const timeout = Object.assign(new Error("no answer in time"), { name: "TimeoutError" });
const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
const tokens = ({ requests }: DynamoDbDouble) => requests.map(({ body }) => body["ClientRequestToken"]);

const passing: readonly { name: string; answer: Answer | Error }[] = [
  { name: "a conflict between transactions", answer: cancelled("None", "TransactionConflict", "None") },
  { name: "a throttled partition", answer: cancelled("ThrottlingError", "None", "None") },
  { name: "spent throughput", answer: cancelled("None", "None", "ProvisionedThroughputExceeded") },
  { name: "a cancellation without reasons", answer: cancelled() },
  { name: "a transaction still under way", answer: failure("TransactionInProgressException") },
  { name: "a throttled request", answer: failure("ThrottlingException") },
  { name: "a table's throughput exceeded", answer: failure("ProvisionedThroughputExceededException") },
  { name: "a failure inside DynamoDB", answer: failure("InternalServerError", {}, 500) },
  { name: "a gateway's failure", answer: failure("BadGateway", {}, 502) },
  { name: "an answer that does not come", answer: timeout },
  { name: "a broken connection", answer: reset },
];

describe("a transaction is repeated under its one ClientRequestToken", () => {
  it.each(passing)("after $name", async ({ answer }) => {
    const double = dynamoDbDouble([answer, answer, answer, done]);
    await double.store.transact(operations);
    expect(double.requests).toHaveLength(4);
    expect(new Set(tokens(double)).size).toBe(1);
    expect(new Set(double.requests.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  });

  it("by the SDK and by the adapter alike", async () => {
    const double = dynamoDbDouble([timeout, timeout, timeout, timeout, done], { attempts: 3 });
    await double.store.transact(operations);
    expect(double.requests).toHaveLength(5);
    expect(new Set(tokens(double)).size).toBe(1);
  });

  it("and the next transaction has another, equal as it may be", async () => {
    const double = dynamoDbDouble([done]);
    await double.store.transact(operations);
    await double.store.transact(operations);
    expect(new Set(tokens(double)).size).toBe(2);
  });
});

describe("reads are repeated", () => {
  const worth = passing.filter(({ name }) => !/transaction|cancellation|partition|spent/.test(name));
  it.each(worth)("after $name", async ({ answer }) => {
    const double = dynamoDbDouble([answer, answer, done, answer, answer, done]);
    expect(await double.store.get({ pk: "P", sk: "a" })).toBeUndefined();
    expect(await double.store.query({ pk: "P", limit: 1 })).toStrictEqual({ items: [] });
    expect(double.requests).toHaveLength(6);
  });
});

describe("when patience ends", () => {
  it.each(passing)("$name is store_unavailable, with the seconds to wait", async ({ answer }) => {
    const double = dynamoDbDouble([answer], { patience: 120 });
    const attempt = double.store.transact(operations);
    await expect(attempt).rejects.toMatchObject({ name: "AppError", code: "store_unavailable" });
    await expect(attempt).rejects.toMatchObject({ retryAfter: expect.any(Number) });
    expect(double.requests.length).toBeGreaterThan(1);
  });

  it("a request that never ends is aborted, and is store_unavailable", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const client = new DynamoDBClient({
      requestHandler: new NodeHttpHandler(),
      region: "eu-central-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      endpoint: `http://127.0.0.1:${port}`,
    });
    const store = dynamoDbItemStore({ table: "items", client, patience: 100 });
    await expect(store.get({ pk: "P", sk: "a" })).rejects.toMatchObject({ code: "store_unavailable" });
    client.destroy();
    silent.close();
  });
});

describe("failed conditions are told all at once", () => {
  const failed = "ConditionalCheckFailed";
  it("all of them, in order, without another request", async () => {
    const double = dynamoDbDouble([cancelled(failed, "None", failed)]);
    const attempt = double.store.transact(operations);
    await expect(attempt).rejects.toMatchObject({ code: "store_condition_failed", failedOperations: [0, 2] });
    expect(double.requests).toHaveLength(1);
  });

  it("a conflict beside a failed condition hides another condition: the transaction is asked again", async () => {
    const double = dynamoDbDouble([
      cancelled(failed, "TransactionConflict", "None"),
      cancelled(failed, failed, "None"),
    ]);
    const attempt = double.store.transact(operations);
    await expect(attempt).rejects.toMatchObject({ code: "store_condition_failed", failedOperations: [0, 1] });
    expect(double.requests).toHaveLength(2);
  });

  it("while the conflict lasts, no half of them is told", async () => {
    const double = dynamoDbDouble([cancelled(failed, "TransactionConflict", "None")], { patience: 120 });
    const attempt = double.store.transact(operations);
    await expect(attempt).rejects.toMatchObject({ code: "store_unavailable", failedOperations: undefined });
  });

  it("what can never be stored is refused at once, whatever the conditions say", async () => {
    const double = dynamoDbDouble([
      cancelled(failed, "TransactionConflict", "ItemCollectionSizeLimitExceeded"),
    ]);
    const attempt = double.store.transact(operations);
    await expect(attempt).rejects.toMatchObject({ code: "store_limit_exceeded" });
    expect(double.requests).toHaveLength(1);
  });
});
