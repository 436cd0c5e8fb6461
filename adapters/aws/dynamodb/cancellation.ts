/**
 * Room: adapters/aws. What a cancelled transaction says about each of its operations.
 */
import type { CancellationReason, TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { AppError } from "../../../core/errors.ts";
import { refusalOf } from "./refusals.ts";

const fulfilled = "None";
const conditionFailed = "ConditionalCheckFailed";

/**
 * The error of the port for a cancelled transaction: of several reasons, the one that decides what to do next.
 *
 * 1. A request that can never succeed is refused, whatever the conditions say.
 * 2. An operation in conflict or throttled was not judged. As the port tells all failed conditions at once, the
 *    transaction has to be repeated to learn the rest: store_unavailable, even beside a failed condition.
 * 3. Only when every operation was judged: store_condition_failed with all that failed.
 */
export function cancellationOf(table: string, cause: TransactionCanceledException): AppError {
  const reasons = cause.CancellationReasons ?? [];
  const failed = reasons.flatMap(({ Code }, at) => (Code === conditionFailed ? [at] : []));
  const errors = reasons.filter(isObstacle).map((reason) => obstacle(table, reason, cause));
  const decisive = errors.find(({ code }) => code !== "store_unavailable") ?? errors[0];
  if (decisive !== undefined) return decisive;
  if (failed.length === 0) {
    const message = `item table ${table}: DynamoDB cancelled the transaction without a reason; repeat the request`;
    return new AppError("store_unavailable", message, { cause, retryAfter: 1 });
  }
  const which = failed.length === 1 ? "condition of operation" : "conditions of operations";
  const message = `${which} ${failed.join(", ")} did not hold; read again and decide anew`;
  return new AppError("store_condition_failed", message, { cause, failedOperations: failed });
}

function isObstacle({ Code: code }: CancellationReason): boolean {
  return code !== undefined && code !== fulfilled && code !== conditionFailed;
}

function obstacle(table: string, reason: CancellationReason, cause: Error): AppError {
  const { code, message, retryAfter } = refusalOf(table, reason, reason.Code);
  return new AppError(code, message, retryAfter === undefined ? { cause } : { cause, retryAfter });
}
