/** Every form of request that the item store makes, against AWS's own model of the DynamoDB API. */
import { describe, expect, it } from "vitest";
import { encodeCursor } from "../../core/item-cursor.ts";
import type { ItemQuery, WriteOperation } from "../../core/ports.ts";
import { done, dynamoDbDouble } from "../adapters/aws/dynamodb-double.ts";
import { type ModelledRequest, modelComplaints } from "../support/aws-model.ts";

const key = { pk: "P", sk: "s" };
const attributes = {
  text: "",
  number: 0.1 + 0.2,
  small: 1e-130,
  large: -1e125,
  octets: new Uint8Array(3),
  none: new Uint8Array(0),
  list: ["a", ""],
  empty: [],
  yes: true,
};
const indexes = { byDevice: { pk: "D", sk: "1" }, byIssue: { pk: "I", sk: "2" }, open: { pk: "O", sk: "3" } };

const operations: readonly WriteOperation[] = [
  { put: { ...key, attributes, indexes, expiresAt: 4_102_444_800 }, when: "absent" },
  { put: { ...key, sk: "t", attributes: {} }, when: 41 },
  { delete: { ...key, sk: "u" }, when: "present" },
  { delete: { ...key, sk: "v" }, when: 2 },
  { check: { ...key, sk: "w" }, when: "absent" },
  { check: { ...key, sk: "x" }, when: "present" },
  { check: { ...key, sk: "y" }, when: 3 },
];
const hundred = Array.from(
  { length: 100 },
  (_, at): WriteOperation => ({
    put: { pk: "P", sk: String(at), attributes: {} },
    when: "absent",
  }),
);

function queries(): readonly ItemQuery[] {
  const indexed = [undefined, "byDevice", "byIssue", "open"] as const;
  const bounds = [{}, { from: "a" }, { to: "b" }, { from: "a", to: "b" }];
  return indexed.flatMap((index) =>
    bounds.flatMap((bound) => {
      const query = { pk: "P", limit: 1_000, ...bound, ...(index === undefined ? {} : { index }) };
      const item = { pk: "P", sk: "ab" };
      return [query, { ...query, descending: true, limit: 1 }].map((each) => ({
        ...each,
        cursor: encodeCursor(each, { sortKey: "ab", item }),
      }));
    }),
  );
}

async function everyRequest(): Promise<readonly ModelledRequest[]> {
  const { store, requests } = dynamoDbDouble([done]);
  await store.get(key);
  await store.transact(operations);
  await store.transact(hundred);
  for (const query of queries()) {
    await store.query(query);
    const { cursor: _, ...first } = query;
    await store.query(first);
  }
  return requests;
}

describe("DynamoDB's model", () => {
  it("every request that the item store makes fits", async () => {
    const requests = await everyRequest();
    expect(new Set(requests.map(({ operation }) => operation))).toEqual(
      new Set(["GetItem", "Query", "TransactWriteItems"]),
    );
    expect(requests).toHaveLength(1 + 2 + 64);
    expect(await modelComplaints("dynamodb", requests)).toEqual(requests.map(() => []));
  });

  const token = { ClientRequestToken: "t" };
  const target = { TableName: "items", Key: { pk: { S: "P" } }, ConditionExpression: "attribute_exists(pk)" };
  const spoiled: readonly { what: string; request: ModelledRequest; says: RegExp }[] = [
    {
      what: "a member that DynamoDB lacks",
      request: { operation: "GetItem", body: { TableName: "items", Key: {}, Consistent: true } },
      says: /Unknown parameter/,
    },
    {
      what: "a missing member",
      request: {
        operation: "TransactWriteItems",
        body: { TransactItems: [{ Put: { TableName: "items" } }] },
      },
      says: /Missing required/,
    },
    {
      what: "a number that is no text",
      request: { operation: "GetItem", body: { TableName: "items", Key: { pk: { N: 1 } } } },
      says: /Invalid type/,
    },
    {
      what: "101 operations",
      request: {
        operation: "TransactWriteItems",
        body: { TransactItems: Array.from({ length: 101 }, () => ({ Delete: target })), ...token },
      },
      says: /length 101/,
    },
    {
      what: "a token of 37 characters",
      request: {
        operation: "TransactWriteItems",
        body: { TransactItems: [{ Delete: target }], ClientRequestToken: "t".repeat(37) },
      },
      says: /length 37/,
    },
  ];
  it.each(spoiled)("it complains of $what", async ({ request, says }) => {
    const [complaints] = await modelComplaints("dynamodb", [request]);
    expect(complaints?.join("\n")).toMatch(says);
  });
});
