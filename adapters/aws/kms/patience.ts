/**
 * Room: adapters/aws. How long a call to KMS may take, and which answers are worth another try although the SDK
 * does not think so. Grants, policies and aliases reach all of KMS late (its API is eventually consistent).
 */
import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { callMilliseconds } from "../client-configuration.ts";
import { refusalName, refusalOf } from "./refusals.ts";

/** Upper bounds of the pauses before each further try; the pause itself is random (full jitter). */
const longestPauses = [200, 400, 800] as const;

export interface KmsRequest<Result> {
  /** As policies name it: `kms:Sign`. */
  readonly permission: string;
  /** ARN or alias, for messages. */
  readonly key: string;
  readonly send: (signal: AbortSignal) => Promise<Result>;
  /** True for what is known to exist: its absence is a matter of time. @default false */
  readonly exists?: boolean;
  /** Names of further refusals that are a matter of time. @default none */
  readonly late?: readonly string[];
}

/** Runs `work` with a signal that aborts after `callMilliseconds`. */
export async function withinDeadline<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), callMilliseconds);
  try {
    return await work(deadline.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** The answer to `request`, or the AppError that its refusal means. */
export async function patiently<Result>(request: KmsRequest<Result>, signal: AbortSignal): Promise<Result> {
  for (const longest of [...longestPauses, undefined]) {
    try {
      return await request.send(signal);
    } catch (cause) {
      if (longest === undefined || signal.aborted || !isLate(request, cause)) {
        throw refusalOf(request.permission, request.key, cause);
      }
      // Cut short by the deadline; the next try then says so.
      await sleep(randomInt(longest + 1), undefined, { signal }).catch(() => undefined);
    }
  }
  throw new Error("the last try has returned or thrown");
}

function isLate({ exists = false, late = [] }: KmsRequest<unknown>, cause: unknown): boolean {
  const name = refusalName(cause);
  return name === "AccessDeniedException" || (exists && name === "NotFoundException") || late.includes(name);
}
