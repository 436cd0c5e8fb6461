/** Room: test/support. The code of the AppError that a promise fails with. */
import { expect } from "vitest";
import { AppError } from "../../core/errors.ts";

/** Fails the test when `promise` succeeds or fails with anything but an AppError. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const outcome = await promise.then(
    () => "no failure",
    (error: unknown) => error,
  );
  if (!(outcome instanceof AppError)) expect.fail(`expected an AppError, got ${String(outcome)}`);
  return outcome.code;
}
