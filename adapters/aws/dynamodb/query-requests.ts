/**
 * Room: adapters/aws. A query of the port as DynamoDB's Query, and its answer as a page.
 */
import type { QueryCommandInput, QueryCommandOutput } from "@aws-sdk/client-dynamodb";
import { AppError } from "../../../core/errors.ts";
import { type CursorPosition, decodeCursor, encodeCursor } from "../../../core/item-cursor.ts";
import { checkQuery, compareOctets } from "../../../core/item-limits.ts";
import type { ItemPage, ItemQuery } from "../../../core/ports.ts";
import { canBeStored, lowerBound, upperBound } from "./index-sort-key.ts";
import {
  decodeItem,
  encodeIndexKey,
  encodeKey,
  type StoredItem,
  storedSortKey,
  storedText,
} from "./item-encoding.ts";
import { indexAttributes, itemAttributes } from "./table-schema.ts";

type KeyCondition = Pick<
  QueryCommandInput,
  "KeyConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"
>;

function keyCondition(query: ItemQuery): KeyCondition {
  const names = query.index === undefined ? itemAttributes : indexAttributes(query.index);
  const bound = { from: query.from, to: query.to };
  if (query.index !== undefined) {
    if (query.from !== undefined) bound.from = lowerBound(query.from);
    if (query.to !== undefined) bound.to = upperBound(query.to);
  }
  const { from, to } = bound;
  const range =
    from === undefined
      ? to === undefined
        ? undefined
        : "#sk <= :to"
      : to === undefined
        ? "#sk >= :from"
        : "#sk BETWEEN :from AND :to";
  return {
    KeyConditionExpression: range === undefined ? "#pk = :pk" : `#pk = :pk AND ${range}`,
    ExpressionAttributeNames: { "#pk": names.pk, ...(range === undefined ? {} : { "#sk": names.sk }) },
    ExpressionAttributeValues: {
      ":pk": { S: query.pk },
      ...(from === undefined ? {} : { ":from": { S: from } }),
      ...(to === undefined ? {} : { ":to": { S: to } }),
    },
  };
}

function startKey(query: ItemQuery, { sortKey, item }: CursorPosition): StoredItem {
  if (query.index === undefined) return encodeKey(item);
  return { ...encodeKey(item), ...encodeIndexKey(query.index, { pk: query.pk, sk: sortKey }, item) };
}

/**
 * The request for the page after `query.cursor`; undefined when no item can be in the range.
 * @throws AppError store_limit_exceeded, cursor_invalid.
 */
export function queryRequest(table: string, query: ItemQuery): QueryCommandInput | undefined {
  checkQuery(query);
  const after = decodeCursor(query);
  if (after !== undefined && query.index !== undefined && !canBeStored(after)) {
    throw new AppError("cursor_invalid", "cursor names no item of this index; start again without a cursor");
  }
  // DynamoDB refuses such a range as a mistake.
  if (query.from !== undefined && query.to !== undefined && compareOctets(query.from, query.to) > 0) {
    return undefined;
  }
  return {
    TableName: table,
    // Indexes cannot be read consistently.
    ...(query.index === undefined ? { ConsistentRead: true } : { IndexName: query.index }),
    ...keyCondition(query),
    Limit: query.limit,
    ScanIndexForward: query.descending !== true,
    ...(after === undefined ? {} : { ExclusiveStartKey: startKey(query, after) }),
  };
}

/** The page that `answer` holds. DynamoDB ends it at 1 MB, and names the last item whenever there may be more. */
export function queryPage(query: ItemQuery, answer: QueryCommandOutput): ItemPage {
  const items = (answer.Items ?? []).map(decodeItem);
  const last = answer.LastEvaluatedKey;
  if (last === undefined) return { items };
  const item = { pk: storedText(last, itemAttributes.pk), sk: storedText(last, itemAttributes.sk) };
  const sortKey = query.index === undefined ? item.sk : storedSortKey(last, query.index);
  return { items, cursor: encodeCursor(query, { sortKey, item }) };
}
