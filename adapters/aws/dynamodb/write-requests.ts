/**
 * Room: adapters/aws. Write operations as members of a TransactWriteItems request.
 */
import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { Condition, WriteOperation } from "../../../core/ports.ts";
import { encodeItem, encodeKey } from "./item-encoding.ts";
import { itemAttributes } from "./table-schema.ts";

type Expression = Pick<
  TransactWriteItem["Put"] & object,
  "ConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"
>;

function expression(when: Condition): Expression & { readonly ConditionExpression: string } {
  // Every item has a partition key: whether it is there says whether the item is.
  if (when === "absent") {
    return {
      ConditionExpression: "attribute_not_exists(#pk)",
      ExpressionAttributeNames: { "#pk": itemAttributes.pk },
    };
  }
  if (when === "present") {
    return {
      ConditionExpression: "attribute_exists(#pk)",
      ExpressionAttributeNames: { "#pk": itemAttributes.pk },
    };
  }
  return {
    ConditionExpression: "#version = :version",
    ExpressionAttributeNames: { "#version": itemAttributes.version },
    ExpressionAttributeValues: { ":version": { N: String(when) } },
  };
}

/** `operation` on the table; a put writes the version after the one it replaces. */
export function writeRequest(table: string, operation: WriteOperation): TransactWriteItem {
  const target = { TableName: table, ...expression(operation.when) };
  if ("put" in operation) {
    const version = operation.when === "absent" ? 1 : operation.when + 1;
    return { Put: { ...target, Item: encodeItem(operation.put, version) } };
  }
  if ("delete" in operation) return { Delete: { ...target, Key: encodeKey(operation.delete) } };
  return { ConditionCheck: { ...target, Key: encodeKey(operation.check) } };
}
