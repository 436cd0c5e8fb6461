/** Room: cli. Ceremonies: two people open them, the service holds them, here they are shown and followed. */
import { type Ceremony, ceremony } from "../lambdas/http/rotation-answers.ts";
import type { Context } from "./command.ts";
import type { ExitName } from "./exit-codes.ts";
import type { FleetApi } from "./fleet-api.ts";
import { parseDrawnId } from "./page-flags.ts";
import { printable } from "./terminal.ts";
import { watchWork } from "./watched-work.ts";

export const parseCeremonyId = (text: string): string => parseDrawnId("a ceremony", text, "ceremony list");

export const showCeremony = (api: FleetApi, ceremonyId: string): Promise<Ceremony> =>
  api.call({ method: "GET", path: `/ceremonies/${encodeURIComponent(ceremonyId)}`, schema: ceremony });

const subjectOf = ({ rolloverId, signerId }: Ceremony): string => printable(rolloverId ?? signerId ?? "");

function outcome({ state, failure, closesAt, endedAt = "" }: Ceremony): string {
  switch (state) {
    case "approved":
      return `approved: roots are lent in a moment, until ${closesAt} at most`;
    case "open":
      return `open: roots sign until ${closesAt} at most`;
    case "done":
      return `done since ${endedAt}`;
    case "failed":
      return `failed (${printable(failure ?? "no code")}); nothing was certified`;
    case "expired":
      return "expired: its hour is over, and not all was signed";
  }
}

function loans({ rootsLent, returnedAt }: Ceremony): string {
  if (rootsLent > 0) return `; ${rootsLent} root keys are lent`;
  return returnedAt === undefined ? "" : `; roots are back since ${returnedAt}`;
}

/** What it has come to, in a line. */
export function renderCeremony(seen: Ceremony): string {
  const subject = subjectOf(seen);
  const what = `${seen.purpose}${subject === "" ? "" : ` ${subject}`}`;
  return `${seen.ceremonyId} (${what}) is ${outcome(seen)}${loans(seen)}`;
}

/** Cells as `ceremony list` has them. */
export const ceremonyRow = (seen: Ceremony): readonly string[] => [
  seen.ceremonyId,
  seen.state,
  seen.purpose,
  subjectOf(seen),
  seen.createdAt,
  seen.createdBy,
  seen.failure ?? "",
];

export const isHeld = ({ state }: Ceremony): boolean => state === "approved" || state === "open";

/** Until it is done, or has failed, or its hour is over. */
export function followCeremony(api: FleetApi, first: Ceremony, context: Context): Promise<Ceremony> {
  const { ceremonyId } = first;
  const goesOn = `the ceremony goes on without you: fleetkey ceremony show ${ceremonyId} --watch follows it`;
  const look = () => showCeremony(api, ceremonyId);
  return watchWork(first, { look, isThere: (seen) => !isHeld(seen), describe: outcome, goesOn }, context);
}

/** One that failed, or expired, has not done what was asked for. */
export function answerCeremony(seen: Ceremony, { output }: Context): ExitName | undefined {
  output.answer(seen, renderCeremony(seen));
  return seen.state === "failed" || seen.state === "expired" ? "refused" : undefined;
}
