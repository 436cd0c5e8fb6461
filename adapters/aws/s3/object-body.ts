/**
 * Room: adapters/aws. Reading the body of an answer: whole, bounded in size and in time. The SDK compares it on the way
 * with the checksum that S3 keeps of it.
 */
import { addAbortSignal, Readable } from "node:stream";
import { AppError } from "../../../core/errors.ts";
import { checkObjectSize } from "../../../core/object-limits.ts";

/** Of the slowest way to S3 that still counts as one. */
const octetsEachMillisecond = 1_000;

/** Milliseconds to add to what a request without a body may take. */
export const transferMilliseconds = (octets: number): number => Math.ceil(octets / octetsEachMillisecond);

function interrupted(cause: unknown): AppError {
  const message = "the octets did not arrive whole and in time; repeat the request";
  return new AppError("store_unavailable", message, { cause, retryAfter: 1 });
}

/**
 * @param length As the answer's head states it.
 * @param milliseconds For all of it; `transferMilliseconds` at least.
 * @throws AppError store_limit_exceeded before anything is read; store_unavailable.
 */
export async function readBody(
  body: unknown,
  length: number | undefined,
  milliseconds: number,
): Promise<Uint8Array> {
  if (!(body instanceof Readable)) throw new AppError("internal", "the answer has no body to read");
  const chunks: Uint8Array[] = [];
  let octets = 0;
  try {
    checkObjectSize(length ?? 0);
    addAbortSignal(AbortSignal.timeout(milliseconds), body);
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      octets += chunk.byteLength;
      checkObjectSize(octets);
      chunks.push(chunk);
    }
  } catch (cause) {
    throw cause instanceof AppError ? cause : interrupted(cause);
  } finally {
    // What is not read any more must not hold the connection.
    body.destroy();
  }
  if (length !== undefined && octets !== length) throw interrupted(`${octets} of ${length} octets`);
  return Buffer.concat(chunks, octets);
}
