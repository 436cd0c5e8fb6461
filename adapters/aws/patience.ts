/**
 * Room: adapters/aws. How long a call to DynamoDB or S3 goes on trying. The SDK repeats a request at once and a few times;
 * what it leaves is repeated here until the deadline: conflicts between transactions, which the SDK does not
 * repeat at all, and whatever fails once the SDK's budget for retries is spent.
 */
import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type AppError, isAppError } from "../../core/errors.ts";

/**
 * Above the 5 s after which DynamoDB may say how a transaction went that it still carried out when asked again
 * (API reference, TransactionInProgressException); below an intent's lease of 10 s.
 */
export const patienceMilliseconds = 6_000;

/**
 * Upper bounds of the pauses; the pause itself is random (full jitter). Short, so that of a call whose attempts fail
 * four times in five hardly one in 100,000 uses up its patience.
 */
const shortestPause = 25;
const longestPause = 200;

/**
 * The result of `send`, repeated while `refusal` calls its failure store_unavailable and time is left.
 * @param send Receives a signal that aborts when the time is over.
 * @throws AppError what `refusal` made of the last failure.
 */
export async function patiently<Result>(
  milliseconds: number,
  send: (signal: AbortSignal) => Promise<Result>,
  refusal: (cause: unknown) => AppError,
): Promise<Result> {
  const deadline = performance.now() + milliseconds;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), milliseconds);
  try {
    for (let bound = shortestPause; ; bound = Math.min(2 * bound, longestPause)) {
      try {
        return await send(controller.signal);
      } catch (cause) {
        const error = refusal(cause);
        const pause = randomInt(bound + 1);
        if (!isAppError(error, "store_unavailable") || performance.now() + pause >= deadline) throw error;
        await sleep(pause);
      }
    }
  } finally {
    clearTimeout(timer);
  }
}
