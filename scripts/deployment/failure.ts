/** Room: scripts/deployment. Why a step ended, and what to do next. */

/** A failure that was foreseen. Shown as message and remedy, without a stack. */
export class StepFailure extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.name = "StepFailure";
    this.remedy = remedy;
  }
}

/** Lines for a person: what happened, and what to do when that is known. */
export function describeFailure(error: unknown): string {
  if (error instanceof StepFailure) return `${error.message}\n  ${error.remedy}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
