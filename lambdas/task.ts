/**
 * Room: lambdas. What a schedule or a deployment starts. A task that fails rejects, so that its caller and the
 * runtime's own error metric see it; what they see is a code and a message of ours, and of what was not expected
 * only where the log has it.
 */
import { isAppError } from "../core/errors.ts";
import type { KeylessApp } from "../core/ports.ts";
import { codeOf } from "./http/problems.ts";
import { describeError } from "./http/redaction.ts";
import type { TaskRow } from "./routes.ts";

/** As far as tasks read what the Lambda runtime gives them. */
export interface TaskContext {
  readonly awsRequestId?: string;
  /** Milliseconds until the runtime ends the process. */
  readonly getRemainingTimeInMillis?: () => number;
}

/** Rejects with an Error whose `name` is an error code; Lambda shows it as `errorType`. */
export type TaskHandler<Result> = (event: unknown, context?: TaskContext) => Promise<Result>;

/**
 * When to begin nothing new: `longestStep` milliseconds before the runtime ends the process, but after a third of a
 * short time at least.
 */
export function workUntil(
  app: KeylessApp,
  { getRemainingTimeInMillis }: TaskContext,
  longestStep: number,
): number {
  if (getRemainingTimeInMillis === undefined) return Number.POSITIVE_INFINITY;
  const remaining = getRemainingTimeInMillis();
  return app.clock.now() + Math.max(remaining - longestStep, remaining / 3);
}

/** A UUID, as the runtime makes them (RFC 9562 §5.4), for callers that give none. */
function newRequestId(app: KeylessApp): string {
  const octets = Buffer.from(app.entropy.bytes(16));
  octets.writeUInt8((octets.readUInt8(6) & 0x0f) | 0x40, 6);
  octets.writeUInt8((octets.readUInt8(8) & 0x3f) | 0x80, 8);
  return octets.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** The runtime logs and returns whatever an error carries, so this one carries nothing besides. */
function taskError(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  error.stack = `${name}: ${message}`;
  return error;
}

/** Logs each failure as `task_failed`, with its code. */
export function taskHandler<Result>(
  app: KeylessApp,
  task: TaskRow["id"],
  run: (event: unknown, context: TaskContext) => Promise<Result>,
): TaskHandler<Result> {
  return async (event, context = {}) => {
    try {
      return await run(event, context);
    } catch (error) {
      const requestId = context.awsRequestId ?? newRequestId(app);
      const code = codeOf(error);
      app.log.error("task_failed", { task, requestId, code, ...describeError(error) });
      if (isAppError(error)) throw taskError(code, error.message);
      throw taskError("internal", `task ${task} failed unexpectedly; the log has it under ${requestId}`);
    }
  };
}
