/** Room: cli. The one error class of the command line: what went wrong, what to do, and how to exit. */
import { isAppError } from "../core/errors.ts";
import type { ExitName } from "./exit-codes.ts";
import { remedyFor } from "./remedies.ts";

/** Why the same request may succeed later: the service asked to wait, a connection broke, nobody answered. */
export type Transience = "busy" | "reset" | "unreachable";

export interface FailureOptions extends ErrorOptions {
  /** What the reader can do about it; a sentence or a command. */
  readonly remedy?: string | undefined;
  readonly transience?: Transience | undefined;
  /** Milliseconds to wait before the next attempt, if the service named a time. */
  readonly retryAfter?: number | undefined;
}

/**
 * Every expected failure of a command. `code` is the service's problem code or one of the client's own
 * (`usage`, `file_missing`, `connection_refused`, …). No part ever holds a token or a private key.
 */
export class Failure extends Error {
  readonly exit: ExitName;
  readonly code: string;
  readonly remedy: string | undefined;
  readonly transience: Transience | undefined;
  readonly retryAfter: number | undefined;

  constructor(exit: ExitName, code: string, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Failure";
    this.exit = exit;
    this.code = code;
    this.remedy = options.remedy;
    this.transience = options.transience;
    this.retryAfter = options.retryAfter;
  }
}

export function usageFailure(message: string, remedy?: string): Failure {
  return new Failure("usage", "usage", message, { remedy });
}

/** The system's code of a failed call (`ENOENT`, `ECONNRESET`, …), if it has one. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Any thrown value as a Failure. An AppError comes from reading a local file; the unknown is a defect. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (isAppError(error))
    return new Failure("localFile", error.code, error.message, {
      remedy: remedyFor(error.code),
      cause: error,
    });
  return new Failure("internal", "internal", "an unexpected error stopped fleetkey", {
    remedy: "run it again with FLEETKEY_DEBUG=1 and report what it prints",
    cause: error,
  });
}
