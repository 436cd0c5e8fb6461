/** Room: cli. Re-encryptions: keys that go under the newest wrapping key, by a task; shown and followed. */
import { type Reencryption, reencryption } from "../lambdas/http/protection-answers.ts";
import type { Context } from "./command.ts";
import type { ExitName } from "./exit-codes.ts";
import type { FleetApi } from "./fleet-api.ts";
import { parseDrawnId } from "./page-flags.ts";
import { printable } from "./terminal.ts";
import { watchWork } from "./watched-work.ts";

export const reencryptionArgument = {
  type: "positional",
  required: true,
  valueHint: "ID",
  description: "Re-encryption, as `reencryption list` names it",
} as const;

/** Throws `usage`: it is a part of a path. */
export const parseReencryptionId = (text: string): string =>
  parseDrawnId("re-encryption", text, "reencryption list");

export const reencryptionPath = (id: string): string => `/reencryptions/${encodeURIComponent(id)}`;

export const showReencryption = (api: FleetApi, id: string): Promise<Reencryption> =>
  api.call({ method: "GET", path: reencryptionPath(id), schema: reencryption });

function describe({
  state,
  moved,
  unchanged,
  unreadable,
  verified,
  lastFailure,
  nextAt,
}: Reencryption): string {
  const counts = `${moved} moved, ${unchanged} as they should be, ${verified} verified, ${unreadable} unreadable`;
  const failed = lastFailure === undefined ? "" : `; the last attempt failed (${printable(lastFailure)})`;
  const next = nextAt === undefined ? "" : `, the next is at ${nextAt}`;
  return `${state}: ${counts}${failed}${next}`;
}

export function renderReencryption(seen: Reencryption): string {
  const ended = seen.endedAt === undefined ? "" : `\nended ${seen.endedAt}`;
  return `${seen.reencryptionId} is ${describe(seen)}\nto ${printable(seen.targetKeyId)}${ended}`;
}

const isEnded = ({ state }: Reencryption): boolean => state === "done" || state === "cancelled";

export function followReencryption(
  api: FleetApi,
  first: Reencryption,
  context: Context,
): Promise<Reencryption> {
  const { reencryptionId } = first;
  const goesOn = `the service goes on with it without you: fleetkey reencryption show ${reencryptionId}`;
  const look = () => showReencryption(api, reencryptionId);
  return watchWork(first, { look, isThere: isEnded, describe, goesOn }, context);
}

/** A key that nothing opens is a thing for people: the exit says so. */
export function answerReencryption(seen: Reencryption, { output }: Context): ExitName | undefined {
  output.answer(seen, renderReencryption(seen));
  if (seen.unreadable > 0)
    output.note(`${seen.unreadable} keys are opened by no wrapping key: see the notices`);
  if (!isEnded(seen)) return undefined;
  return seen.state === "done" && seen.unreadable === 0 ? undefined : "partial";
}
