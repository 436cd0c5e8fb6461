/**
 * Room: adapters/aws. What a failed call tells, whatever the service: the name that the service, the SDK or Node gave
 * it, and its HTTP status. Tables of refusals, one per service, say what each name means.
 */
import { AppError, type ErrorCode } from "../../core/errors.ts";

export interface Refusal {
  readonly code: ErrorCode;
  /** What it means and what to do; follows the name of what was asked for. */
  readonly meaning: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

export interface Failure {
  /** As the service names it; Node's code for a failure of the network. */
  readonly name: string;
  /** HTTP status; absent when there was no answer. */
  readonly status?: number;
  /** The way to the service failed, not the service and not our code. */
  readonly network: boolean;
}

function statusOf(error: object): number | undefined {
  const metadata = "$metadata" in error ? error.$metadata : undefined;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return undefined;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: "a failure without a name", network: false };
  const status = statusOf(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const name = error.name === "Error" && code !== undefined ? code : error.name;
  return { name, network: code !== undefined, ...(status === undefined ? {} : { status }) };
}

/** What the refusals of one service mean. */
export interface RefusalTable {
  /** As messages name it. */
  readonly service: string;
  readonly byName: Readonly<Record<string, Refusal>>;
  /** For statuses whose name the table does not have. */
  readonly byStatus: Readonly<Record<number, Refusal>>;
  /** The service failed inside: whatever it says with a status from 500 on. */
  readonly faulty: Refusal;
  readonly unavailable: (meaning: string) => Refusal;
}

export function refusalIn(table: RefusalTable, { name, status, network }: Failure): Refusal {
  const row = Object.hasOwn(table.byName, name) ? table.byName[name] : undefined;
  if (row !== undefined) return row;
  if (status !== undefined && status >= 500) return table.faulty;
  const ofStatus = status === undefined ? undefined : table.byStatus[status];
  if (ofStatus !== undefined) return ofStatus;
  // The network's failures come from Node with a code of their own; a mistake of ours has neither.
  if (status === undefined && network)
    return table.unavailable(
      `${name} on the way to ${table.service}; look at the network and at name resolution`,
    );
  return { code: "internal", meaning: `${name}; this is not expected: please report it` };
}

/** The port's error for `refusal`; errors that already belong to the port pass unchanged. */
export function refused(what: string, { code, meaning, retryAfter }: Refusal, cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  return new AppError(code, `${what}: ${meaning}`, {
    cause,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}
