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

/** A wrong word on the command line; its remedy is the usage. Ends the program with 2, as `fleetkey` ends. */
export class UsageFailure extends StepFailure {
  constructor(message: string, usage: string, cause?: unknown) {
    super(message, usage, cause);
    this.name = "UsageFailure";
  }
}

/** Lines for a person: what happened, and what to do when that is known. */
export function describeFailure(error: unknown): string {
  if (error instanceof StepFailure) return `${error.message}\n  ${error.remedy}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
