/**
 * Room: core/records. What waits for people: a key that is due, a deployment, a ceremony. One item for each subject, in
 * one partition a fleet; it is closed when its reason is gone, and then forgotten.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalNumber, present, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

/** What somebody has to do. */
export const rotationActions = [
  /** A key must be made: give the stage another generation and deploy it. */
  "deployKey",
  /** Two people must open a ceremony: for a rollover, a root's list, a signer of trust manifests. */
  "openCeremony",
  /** A gateway must be told to read a new trust store: deploy. */
  "deployGateway",
  /** Two people must decide that a retired authority's key goes. */
  "destroyKey",
  /** A key is disabled, near its deletion, or out of reach. */
  "inspectKey",
  /** A wrapping key does not rotate by itself, or was rotated nearly as often as it can be. */
  "inspectRotation",
  /** A key is past its cryptoperiod. */
  "replaceKey",
] as const;
export type RotationAction = (typeof rotationActions)[number];

export interface RotationTaskRecord {
  readonly fleet: string;
  readonly action: RotationAction;
  /** Opaque: an authority, a signer, a rollover, the name of a key. */
  readonly subject: string;
  readonly severity: "information" | "warning" | "critical";
  /** When it was opened; milliseconds since the epoch. */
  readonly openedAt: number;
  /** When it must be done, where that is known. */
  readonly dueAt?: number;
  readonly closedAt?: number;
}

export const rotationTaskPartition = (fleet: string): string => `ROTATIONTASKS#${fleet}`;
export const rotationTaskKey = ({
  fleet,
  action,
  subject,
}: Pick<RotationTaskRecord, "fleet" | "action" | "subject">): ItemKey => ({
  pk: rotationTaskPartition(fleet),
  sk: `${action}#${subject}`,
});

/** Days for which a closed one is kept. */
const keptDays = 90;

export function rotationTaskItem(record: RotationTaskRecord): NewItem {
  const { closedAt } = record;
  const item = { ...rotationTaskKey(record), attributes: present({ ...record }) };
  return closedAt === undefined
    ? item
    : { ...item, expiresAt: Math.floor(closedAt / 1000) + keptDays * 86_400 };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function rotationTaskRecord(item: Item): Stored<RotationTaskRecord> {
  const optional = present({
    dueAt: optionalNumber(item, "dueAt"),
    closedAt: optionalNumber(item, "closedAt"),
  }) as Partial<RotationTaskRecord>;
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      action: word(item, "action", rotationActions),
      subject: text(item, "subject"),
      severity: word(item, "severity", ["information", "warning", "critical"]),
      openedAt: number(item, "openedAt"),
      ...optional,
    },
  };
}
