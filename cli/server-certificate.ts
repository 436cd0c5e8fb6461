/** Room: cli. Certificates of servers that another service holds with their keys: the service makes them, here they are shown and followed. */
import { type ServerCertificate, serverCertificate } from "../lambdas/http/server-answers.ts";
import type { Context } from "./command.ts";
import { usageFailure } from "./failure.ts";
import type { FleetApi } from "./fleet-api.ts";
import { printable } from "./terminal.ts";
import { watchWork } from "./watched-work.ts";

export const serverArgument = {
  type: "positional",
  required: true,
  valueHint: "NAME",
  description: "What the fleet calls it",
} as const;

/** Throws `usage`: it is a part of a path. */
export function parseServerName(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/.test(text)) return text;
  throw usageFailure("a certificate of a server is called by 1 to 64 of a–z, 0–9 and inner hyphens");
}

export const serverPath = (name: string): string => `/server-certificates/${encodeURIComponent(name)}`;

export const showServer = (api: FleetApi, name: string): Promise<ServerCertificate> =>
  api.call({ method: "GET", path: serverPath(name), schema: serverCertificate });

/** Failures after which the task succeeds by itself, soon. */
const passing: ReadonlySet<string> = new Set([
  "certificate_manager_unavailable",
  "issuance_in_progress",
  "key_service_unavailable",
  "notifier_unavailable",
  "store_unavailable",
]);

/** The task will hardly succeed before somebody does something about it. */
export const hasFailed = ({ state, lastFailure }: ServerCertificate): boolean =>
  state === "requested" && lastFailure !== undefined && !passing.has(lastFailure);

function describe({ state, lastFailure, nextAt }: ServerCertificate): string {
  const failed = lastFailure === undefined ? "" : `; the last attempt failed (${printable(lastFailure)})`;
  const next = nextAt === undefined ? "" : `; looked at again ${nextAt}`;
  return `${state}${failed}${next}`;
}

/** What it has come to, in lines. */
export function renderServer(seen: ServerCertificate): string {
  const { name, dnsNames, keyAlgorithm, certificateId, serialNumber, notAfter, previous } = seen;
  return [
    `${printable(name)} is ${describe(seen)}`,
    `names ${printable(dnsNames.join(", "))}; key ${keyAlgorithm}`,
    ...(certificateId === undefined ? [] : [`held as ${printable(certificateId)}`]),
    ...(serialNumber === undefined ? [] : [`certificate ${serialNumber} until ${notAfter ?? ""}`]),
    ...(previous === undefined
      ? []
      : [
          `before it: ${previous.serialNumber} until ${previous.notAfter}, held as ${printable(previous.certificateId)}`,
        ]),
  ].join("\n");
}

/** Until it is held, somebody holds it back, or the task has failed for longer. */
export function followServer(
  api: FleetApi,
  first: ServerCertificate,
  context: Context,
): Promise<ServerCertificate> {
  const { name } = first;
  const goesOn = `the service goes on with it without you: fleetkey server-cert show ${name}`;
  const look = () => showServer(api, name);
  const isThere = (seen: ServerCertificate): boolean => seen.state !== "requested" || hasFailed(seen);
  return watchWork(first, { look, isThere, describe, goesOn }, context);
}
