/** Room: cli. What waits for people about keys, and by which command they do it. */
import type { Rollover, RotationTaskList } from "../lambdas/http/rotation-answers.ts";
import type { Key } from "./key-table.ts";
import { nextCommand } from "./rollover.ts";
import { printable } from "./terminal.ts";

export type RotationTask = RotationTaskList["tasks"][number];

export interface Known {
  readonly keys: readonly Key[];
  readonly rollovers: readonly Rollover[];
}

const openCeremony = (purpose: string): string => `fleetkey ceremony open --purpose ${purpose}`;

/** Whether the root that signs has no network. */
const isOffline = (keys: readonly Key[]): boolean =>
  keys.some(({ kind, use, custody }) => kind === "root" && use === "used" && custody === "offline");

const offlineRequest = (rolloverId?: string): string =>
  `fleetkey ceremony request ${rolloverId === undefined ? "" : `${rolloverId} `}--out request.json (the root is offline: docs/ceremony.md)`;

const signerCommand = ({ keys }: Known): string =>
  isOffline(keys) ? offlineRequest() : openCeremony("trustSigner");

/** A root that drains has its list signed where its key is, by the rollover that made it. */
function listCommand(subject: string, { keys, rollovers }: Known): string {
  const root = keys.find(({ name }) => name === subject);
  if (root?.custody !== "offline") return openCeremony("rootList");
  if (root.use === "used") return offlineRequest();
  return offlineRequest(rollovers.find(({ to }) => to === subject)?.rolloverId);
}

/** A rollover's id, a signer of trust manifests, or a root whose list is due. */
function ceremonyCommand(subject: string, known: Known): string {
  const { keys, rollovers } = known;
  const rollover = rollovers.find(({ rolloverId }) => rolloverId === subject);
  // The root in force signs an issuing authority; an emergency does without a root's word.
  if (rollover?.kind === "issuing" && rollover.state === "planned" && isOffline(keys))
    return offlineRequest(subject);
  if (rollover !== undefined) return nextCommand(rollover) ?? `fleetkey rotation show ${subject}`;
  if (/^[0-9a-f]{32}$/.test(subject)) return `${openCeremony("rollover")} --rollover ${subject}`;
  const key = keys.find(({ name }) => name === subject);
  return key?.kind === "trustManifestSigner" ? signerCommand(known) : listCommand(subject, known);
}

function replacement(subject: string, known: Known): string {
  const kind = known.keys.find(({ name }) => name === subject)?.kind;
  switch (kind) {
    case "root":
    case "issuing":
      return `fleetkey authority rotate ${subject}`;
    case "trustManifestSigner":
      return signerCommand(known);
    case "keyEncryption":
      return `fleetkey key rotate ${subject}`;
    case "ocspResponder":
      return "deploy the responder's next key: give the stage another generation of it";
    case undefined:
      return "fleetkey key report";
  }
}

function destruction(subject: string, { rollovers }: Known): string {
  const found = rollovers.find(({ from, state }) => from === subject && state === "retired");
  return (found === undefined ? undefined : nextCommand(found)) ?? "fleetkey rotation list";
}

function rotationOf(subject: string, { keys }: Known): string {
  const key = keys.find(({ name }) => name === subject);
  const every =
    key?.rotationDays === undefined ? "does not rotate by itself" : `rotates every ${key.rotationDays} days`;
  return `look at the key where it is kept: it ${every}, and was rotated ${key?.onDemandRotations ?? "?"} of ${key?.onDemandLimit ?? "?"} times on demand`;
}

/** A command, or what there is to do elsewhere. */
export function taskRemedy({ action, subject: raw }: RotationTask, known: Known): string {
  const subject = printable(raw);
  switch (action) {
    case "deployKey":
      return "give the stage another generation of this key, and deploy it";
    case "openCeremony":
      return ceremonyCommand(subject, known);
    case "deployGateway":
      return "deploy: the gateway is to read the new trust store";
    case "destroyKey":
      return destruction(subject, known);
    case "inspectKey":
      return `look at the key where it is kept: it is ${known.keys.find(({ name }) => name === subject)?.condition ?? "not as it should be"}`;
    case "inspectRotation":
      return rotationOf(subject, known);
    case "replaceKey":
      return replacement(subject, known);
  }
}
