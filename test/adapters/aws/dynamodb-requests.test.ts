import { describe, expect, it } from "vitest";
import { encodeCursor } from "../../../core/item-cursor.ts";
import type { ItemQuery, WriteOperation } from "../../../core/ports.ts";
import { done, dynamoDbDouble } from "./dynamodb-double.ts";

const key = { pk: "DEVICE#1", sk: "DEVICE" };
const storedKey = { pk: { S: "DEVICE#1" }, sk: { S: "DEVICE" } };
const absent = {
  ConditionExpression: "attribute_not_exists(#pk)",
  ExpressionAttributeNames: { "#pk": "pk" },
};
const present = { ConditionExpression: "attribute_exists(#pk)", ExpressionAttributeNames: { "#pk": "pk" } };
const atVersion = (version: string) => ({
  ConditionExpression: "#version = :version",
  ExpressionAttributeNames: { "#version": "version" },
  ExpressionAttributeValues: { ":version": { N: version } },
});

describe("TransactWriteItems of each operation", () => {
  const item = (version: string) => ({ ...storedKey, version: { N: version }, attributes: { M: {} } });
  const cases: readonly { name: string; operation: WriteOperation; expected: object }[] = [
    {
      name: "put when absent writes version 1",
      operation: { put: { ...key, attributes: {} }, when: "absent" },
      expected: { Put: { TableName: "items", Item: item("1"), ...absent } },
    },
    {
      name: "put at version 7 writes version 8",
      operation: { put: { ...key, attributes: {} }, when: 7 },
      expected: { Put: { TableName: "items", Item: item("8"), ...atVersion("7") } },
    },
    {
      name: "delete when present",
      operation: { delete: key, when: "present" },
      expected: { Delete: { TableName: "items", Key: storedKey, ...present } },
    },
    {
      name: "delete at version 2",
      operation: { delete: key, when: 2 },
      expected: { Delete: { TableName: "items", Key: storedKey, ...atVersion("2") } },
    },
    {
      name: "check absent",
      operation: { check: key, when: "absent" },
      expected: { ConditionCheck: { TableName: "items", Key: storedKey, ...absent } },
    },
    {
      name: "check present",
      operation: { check: key, when: "present" },
      expected: { ConditionCheck: { TableName: "items", Key: storedKey, ...present } },
    },
    {
      name: "check version 3",
      operation: { check: key, when: 3 },
      expected: { ConditionCheck: { TableName: "items", Key: storedKey, ...atVersion("3") } },
    },
  ];
  it.each(cases)("$name", async ({ operation, expected }) => {
    const { store, requests } = dynamoDbDouble([done]);
    await store.transact([operation]);
    expect(requests).toEqual([
      {
        operation: "TransactWriteItems",
        body: { TransactItems: [expected], ClientRequestToken: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      },
    ]);
  });

  it("an item's values, expiry and index keys", async () => {
    const { store, requests } = dynamoDbDouble([done]);
    const attributes = {
      s: "",
      n: -1.5,
      b: false,
      o: new Uint8Array([0, 255]),
      l: ["x", ""],
      version: "mine",
    };
    const indexes = { byDevice: { pk: "D", sk: "1\u0000" }, open: { pk: "O", sk: "2" } };
    await store.transact([
      { put: { ...key, attributes, indexes, expiresAt: 4_102_444_800 }, when: "absent" },
    ]);
    expect(requests[0]?.body["TransactItems"]).toMatchObject([
      {
        Put: {
          Item: {
            ...storedKey,
            version: { N: "1" },
            expiresAt: { N: "4102444800" },
            attributes: {
              M: {
                s: { S: "" },
                n: { N: "-1.5" },
                b: { BOOL: false },
                o: { B: "AP8=" },
                l: { L: [{ S: "x" }, { S: "" }] },
                version: { S: "mine" },
              },
            },
            byDevicePk: { S: "D" },
            byDeviceSk: { S: "1\u0002\u0002\u0001DEVICE#1\u0001DEVICE" },
            openPk: { S: "O" },
            openSk: { S: "2\u0001DEVICE#1\u0001DEVICE" },
          },
        },
      },
    ]);
  });

  it("an item without expiry and indexes has no attribute for them: time-to-live and indexes pass it by", async () => {
    const { store, requests } = dynamoDbDouble([done]);
    await store.transact([{ put: { ...key, attributes: {} }, when: "absent" }]);
    const item = { ...storedKey, version: { N: "1" }, attributes: { M: {} } };
    const put = { TableName: "items", Item: item, ...absent };
    expect(requests[0]?.body["TransactItems"]).toStrictEqual([{ Put: put }]);
  });

  it("what core refuses is never sent", async () => {
    const { store, requests } = dynamoDbDouble([done]);
    await expect(store.transact([])).rejects.toMatchObject({ code: "store_limit_exceeded" });
    await expect(store.get({ pk: "", sk: "a" })).rejects.toMatchObject({ code: "store_limit_exceeded" });
    await expect(store.query({ pk: "a", limit: 0 })).rejects.toMatchObject({ code: "store_limit_exceeded" });
    expect(requests).toEqual([]);
  });
});

it("GetItem reads consistently", async () => {
  const { store, requests } = dynamoDbDouble([done]);
  expect(await store.get(key)).toBeUndefined();
  expect(requests).toEqual([
    { operation: "GetItem", body: { TableName: "items", Key: storedKey, ConsistentRead: true } },
  ]);
});

describe("Query", () => {
  const byOwnKeys = { TableName: "items", ConsistentRead: true, Limit: 5, ScanIndexForward: true };
  const byIndex = { TableName: "items", IndexName: "open", Limit: 5, ScanIndexForward: true };
  const own = (condition: string, values: object, names: object = { "#sk": "sk" }) => ({
    KeyConditionExpression: `#pk = :pk${condition}`,
    ExpressionAttributeNames: { "#pk": "pk", ...names },
    ExpressionAttributeValues: { ":pk": { S: "P" }, ...values },
  });
  const indexed = (condition: string, values: object) => ({
    ...own(condition, values),
    ExpressionAttributeNames: { "#pk": "openPk", "#sk": "openSk" },
  });
  const cases: readonly { name: string; query: Partial<ItemQuery>; expected: object }[] = [
    {
      name: "over the items' own keys is consistent",
      query: {},
      expected: { ...byOwnKeys, ...own("", {}, {}) },
    },
    {
      name: "descending",
      query: { descending: true },
      expected: { ...byOwnKeys, ScanIndexForward: false, ...own("", {}, {}) },
    },
    {
      name: "from",
      query: { from: "a" },
      expected: { ...byOwnKeys, ...own(" AND #sk >= :from", { ":from": { S: "a" } }) },
    },
    {
      name: "to",
      query: { to: "b" },
      expected: { ...byOwnKeys, ...own(" AND #sk <= :to", { ":to": { S: "b" } }) },
    },
    {
      name: "from and to",
      query: { from: "a", to: "b" },
      expected: {
        ...byOwnKeys,
        ...own(" AND #sk BETWEEN :from AND :to", { ":from": { S: "a" }, ":to": { S: "b" } }),
      },
    },
    {
      name: "from and to in an index: every own key of the last sort key is within",
      query: { index: "open", from: "a", to: "b" },
      expected: {
        ...byIndex,
        ...indexed(" AND #sk BETWEEN :from AND :to", { ":from": { S: "a" }, ":to": { S: "b\u0002" } }),
      },
    },
  ];
  it.each(cases)("$name", async ({ query, expected }) => {
    const { store, requests } = dynamoDbDouble([done]);
    expect(await store.query({ pk: "P", limit: 5, ...query })).toStrictEqual({ items: [] });
    expect(requests).toEqual([{ operation: "Query", body: expected }]);
  });

  it("a cursor starts after its item's keys, in the table and in the index", async () => {
    const { store, requests } = dynamoDbDouble([done]);
    const query: ItemQuery = { index: "open", pk: "P", limit: 5 };
    await store.query({ ...query, cursor: encodeCursor(query, { sortKey: "s", item: key }) });
    expect(requests[0]?.body["ExclusiveStartKey"]).toEqual({
      ...storedKey,
      openPk: { S: "P" },
      openSk: { S: "s\u0001DEVICE#1\u0001DEVICE" },
    });
  });

  it("DynamoDB's last key becomes the cursor, even of a page without items", async () => {
    const LastEvaluatedKey = {
      ...storedKey,
      openPk: { S: "P" },
      openSk: { S: "s\u0001DEVICE#1\u0001DEVICE" },
    };
    const { store } = dynamoDbDouble([{ status: 200, body: { Items: [], LastEvaluatedKey } }]);
    const query: ItemQuery = { index: "open", pk: "P", limit: 5 };
    const cursor = encodeCursor(query, { sortKey: "s", item: key });
    expect(await store.query(query)).toStrictEqual({ items: [], cursor });
  });

  it("a forged cursor whose keys no index can hold is refused, and nothing is sent", async () => {
    const { store, requests } = dynamoDbDouble([done]);
    const query: ItemQuery = { index: "open", pk: "P", limit: 5 };
    const item = { pk: "x".repeat(1_024), sk: "y".repeat(1_024) };
    const cursor = encodeCursor(query, { sortKey: "s", item });
    await expect(store.query({ ...query, cursor })).rejects.toMatchObject({ code: "cursor_invalid" });
    expect(requests).toEqual([]);
  });

  it("a range whose end lies before its start is empty without a request", async () => {
    const { store, requests } = dynamoDbDouble([done]);
    expect(await store.query({ pk: "P", limit: 5, from: "b", to: "a" })).toStrictEqual({ items: [] });
    expect(requests).toEqual([]);
  });
});

describe("an item that another program wrote is refused by the name of its attribute", () => {
  const whole = { ...storedKey, version: { N: "1" }, attributes: { M: {} } };
  it.each([
    { attribute: "version", item: { ...whole, version: { S: "1" } } },
    { attribute: "attributes", item: { ...whole, attributes: { M: { a: { NULL: true } } } } },
    { attribute: "attributes", item: { ...whole, attributes: { M: { a: { L: [{ N: "1" }] } } } } },
    { attribute: "openSk", item: { ...whole, openPk: { S: "O" }, openSk: { S: "without an end" } } },
  ])("$attribute", async ({ attribute, item }) => {
    const { store } = dynamoDbDouble([{ status: 200, body: { Item: item } }]);
    const error: unknown = await store.get(key).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "internal", message: expect.stringContaining(`"${attribute}"`) });
    expect(String(error)).not.toContain("DEVICE#1");
  });
});
