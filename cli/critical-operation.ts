/**
 * Room: cli. Critical operations: ask for an approval, show where people approve it with their passkeys, wait for them,
 * then call the operation. What was approved is what is called, or the service refuses it.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Approval, approval } from "../lambdas/http/access-answers.ts";
import type { Context } from "./command.ts";
import { Failure } from "./failure.ts";
import type { FleetApi, FleetCall } from "./fleet-api.ts";
import { abandonable } from "./interruption.ts";
import type { Settings } from "./settings.ts";

export interface CriticalCall<T> extends FleetCall<T> {
  /** operationId of the API. */
  readonly operation: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly body: object;
}

export interface ApprovalFlags {
  /** An approval that exists. */
  readonly approval?: string | undefined;
  readonly "no-wait"?: boolean | undefined;
}

export const approvalFlags = {
  approval: {
    type: "string",
    valueHint: "ID",
    description: "Go on with an approval that was asked for before",
  },
  "no-wait": {
    type: "boolean",
    description: "While the approval is not complete, print its id and exit with status 6",
  },
} as const;

const pollMilliseconds = 1_000;

/** The page at which operators use their passkeys. */
export function pageUrl(settings: Settings, fragment: Readonly<Record<string, string>>): string {
  const url = new URL(`${settings.url.value}/passkeys`);
  // Passkeys belong to names; the local server's is localhost.
  if (url.hostname === "127.0.0.1" || url.hostname === "[::1]") url.hostname = "localhost";
  url.hash = new URLSearchParams(fragment).toString();
  return url.href;
}

function show({ approvalId }: { readonly approvalId: string }): FleetCall<Approval> {
  return { method: "GET", path: `/approvals/${encodeURIComponent(approvalId)}`, schema: approval };
}

/** What is asked for stays asked for, though nobody waits any more. */
function stillAsked(error: unknown, approvalId: string): unknown {
  if (!(error instanceof Failure)) return error;
  if (error.exit !== "interrupted" && error.transience === undefined) return error;
  const { exit, code, message, cause } = error;
  const remedy = `approval ${approvalId} stands until it expires; go on with --approval ${approvalId}`;
  return new Failure(exit, code, message, { remedy, cause });
}

/** The approval a moment later. */
async function later(
  api: FleetApi,
  { approvalId }: Approval,
  { terminal: { interrupted } }: Context,
): Promise<Approval> {
  try {
    await abandonable(pause(pollMilliseconds), interrupted);
    return await api.call(show({ approvalId }));
  } catch (error) {
    throw stillAsked(error, approvalId);
  }
}

async function requested<T>(api: FleetApi, call: CriticalCall<T>, flags: ApprovalFlags): Promise<Approval> {
  if (flags.approval !== undefined) return api.call(show({ approvalId: flags.approval }));
  const { operation, parameters = {}, body } = call;
  const request = { operation, parameters, body };
  return api.call({ method: "POST", path: "/approvals", body: request, schema: approval });
}

/** Resolves when the approval is complete; throws a Failure when it never will be. */
async function approved(api: FleetApi, first: Approval, context: Context): Promise<void> {
  let seen = first;
  while (seen.state === "requested") {
    const next = await later(api, seen, context);
    if (next.approvedBy.length > seen.approvedBy.length)
      context.output.note(`approved by ${next.approvedBy.join(" and ")}; it needs ${next.persons}`);
    seen = next;
  }
  if (seen.state === "approved") return;
  const reason = seen.state === "expired" ? "expired before it was complete" : "was executed already";
  throw new Failure("refused", `approval_${seen.state}`, `approval ${seen.approvalId} ${reason}`, {
    remedy: "run the same command again, without --approval",
  });
}

/** How many people it needs, until when, and the page at which they approve it. */
export function tellWhere(asked: Approval, settings: Settings, { output }: Context): void {
  const { approvalId, persons, critical, expiresAt } = asked;
  const people = persons === 1 ? "one person" : `${persons} people`;
  output.note(`${critical} needs ${people} to approve it, before ${expiresAt}, at`);
  // The service knows where passkeys work: with two names, not at the one that asks for certificates.
  const page = asked.url ?? pageUrl(settings, { fleet: settings.fleet.value, approval: approvalId });
  output.note(`  ${page}`);
}

/**
 * `operation`, or what `find` finds in its place when its approval is spent: the answer to the first attempt was lost
 * then, and the second one comes too late.
 */
export async function orElse<T>(
  operation: Promise<T>,
  find: () => Promise<NonNullable<T> | undefined>,
): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    const found = error instanceof Failure && error.code === "approval_spent" ? await find() : undefined;
    if (found !== undefined) return found;
    throw error;
  }
}

/** The operation's answer; undefined under `--no-wait` while its approval is not complete. */
export async function callCritical<T>(
  api: FleetApi,
  call: CriticalCall<T>,
  flags: ApprovalFlags,
  settings: Settings,
  context: Context,
): Promise<T | undefined> {
  const asked = await requested(api, call, flags);
  const { approvalId } = asked;
  if (asked.state === "requested") tellWhere(asked, settings, context);
  if (flags["no-wait"] === true && asked.state === "requested") {
    context.output.answer(asked, approvalId);
    return undefined;
  }
  await approved(api, asked, context);
  const headers = { ...call.headers, "fleetkey-approval": approvalId };
  return api.call({ ...call, headers });
}
