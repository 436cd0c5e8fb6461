/** Room: core/standard. What the standard says of access, as tables for people: both documents about it have them. */
import {
  accessLimits,
  accessPeriods,
  type CriticalOperation,
  type CriticalOperationId,
  criticalOperations,
  enrollmentMethods,
  roles,
} from "./access.ts";
import { type Row, secondsText, table } from "./markdown.ts";

export const roleTable = (): string => table(["role", "for"], Object.entries(roles));

export const methodTable = (): string =>
  table(["method", "what the device shows"], Object.entries(enrollmentMethods));

/** @param callsOf Names the calls that are such an operation; without it the column is left out. */
export function criticalTable(callsOf?: (id: CriticalOperationId) => string): string {
  const calls = callsOf === undefined ? [] : ["calls"];
  const rows = Object.entries<CriticalOperation>(criticalOperations).map(
    ([id, { description, persons, status }]): Row => [
      id,
      description,
      ...(callsOf === undefined ? [] : [callsOf(id as CriticalOperationId)]),
      `${persons}`,
      status,
    ],
  );
  return table(["operation", "what it is", ...calls, "people", "status"], rows);
}

export const periodTable = (): string =>
  table(
    ["proof", "at most", "reason", "source"],
    Object.entries(accessPeriods).map(([id, row]) => [
      id,
      secondsText(row.seconds),
      row.reason,
      row.citation,
    ]),
  );

export function limitTable(): string {
  const { issuancesPerHour, failedAttempts, openRequests, claimQuota, devicesPerUpload } = accessLimits;
  return table(
    ["of", "limit"],
    [
      [
        "certificates of one device in an hour",
        `${issuancesPerHour.default}, or the fleet's own, up to ${issuancesPerHour.maximum}`,
      ],
      ["failed attempts", `${failedAttempts.maximum} in ${secondsText(failedAttempts.windowSeconds)}`],
      ["enrolment requests of a fleet that wait for a decision", `${openRequests}`],
      ["devices of one claim", `up to ${claimQuota.maximum}`],
      ["devices of one upload", `${devicesPerUpload}`],
    ],
  );
}

export function accessSection(): string {
  const { assertion } = accessPeriods;
  return [
    "## Access",
    "Which credential opens which call: [access.md](access.md).",
    "### Roles of operators",
    roleTable(),
    "### Enrolment credentials",
    "A fleet's configuration says which of them it accepts.",
    methodTable(),
    "### Critical operations",
    `Each needs an MFA assertion over the very operation, at most ${secondsText(assertion.seconds)} old.`,
    criticalTable(),
    "### How long a proof lasts",
    periodTable(),
    "### Limits of one identity",
    limitTable(),
  ].join("\n\n");
}
