/** Room: core/access. Writes of one transaction, each with what it means when its condition did not hold. */
import { type AppError, isAppError } from "../errors.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";

export interface Step {
  readonly write: WriteOperation;
  /** The failure when another was faster. @default store_condition_failed, as the store told it */
  readonly lost?: () => AppError;
}

/** The failure of the first step that lost, in the order of `steps`; the store's own where none has a word for it. */
export function lossOf(steps: readonly Step[], error: AppError): AppError {
  const failed = error.failedOperations ?? [];
  for (const index of [...failed].sort((left, right) => left - right)) {
    const lost = steps[index]?.lost;
    if (lost !== undefined) return lost();
  }
  return error;
}

/** All steps or none. @throws AppError the first lost step's, store_condition_failed, store_unavailable. */
export async function takeSteps(app: KeylessApp, steps: readonly Step[]): Promise<void> {
  try {
    await app.items.transact(steps.map(({ write }) => write));
  } catch (error) {
    throw isAppError(error, "store_condition_failed") ? lossOf(steps, error) : error;
  }
}
