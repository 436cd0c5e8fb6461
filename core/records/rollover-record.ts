/**
 * Room: core/records. The replacement of one authority by another, from the decision to the end of the old key. All of a
 * fleet's stand in one partition, the newest last.
 */
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../formats/algorithms.ts";
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalNumber, optionalText, present, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

/**
 * planned: decided, and nothing made yet; published: the successor is trusted, and waits until enough devices trust it;
 * active: it issues, and can still be taken back; draining: its predecessor's certificates run out; retired: the
 * predecessor is out of the trust; destroyed: its key is on its way to destruction; rolledBack: taken back.
 */
export const rolloverStates = [
  "planned",
  "published",
  "active",
  "draining",
  "retired",
  "destroyed",
  "rolledBack",
] as const;
export type RolloverState = (typeof rolloverStates)[number];

export interface RolloverRecord {
  readonly fleet: string;
  /** 32 hexadecimal digits, the time first. */
  readonly rolloverId: string;
  readonly kind: "root" | "issuing";
  readonly state: RolloverState;
  /** The authority that is replaced, and its successor: `root-2`, `issuing-3`. */
  readonly fromId: string;
  readonly toId: string;
  /** Of the successor's key. */
  readonly algorithm: AuthorityAlgorithmId;
  /** Of a new root's key. @default "service" */
  readonly custody: "service" | "offline";
  /** The predecessor's key is lost to us: no day and no device is waited for, and what it issued is taken back. */
  readonly emergency: boolean;
  /** Gates, as they were when it was planned: days in the trust, percent of active devices. */
  readonly publishedDays: number;
  readonly activeDays: number;
  readonly adoptionPercent: number;
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number;
  /** `operator:…`, or `system` where the task has planned it because it was due. */
  readonly createdBy: string;
  /** When it came into its present state. */
  readonly enteredAt: number;
  readonly publishedAt?: number;
  /** When a trust manifest was found in its place that names the successor, and its version. */
  readonly namedAt?: number;
  readonly trustVersion?: number;
  readonly activatedAt?: number;
  /** When the last certificate that the predecessor issued has ended; known from `active` on. */
  readonly drainedAt?: number;
  readonly retiredAt?: number;
  /** When two people decided that the predecessor's key goes, and when others called it off. */
  readonly destructionApprovedAt?: number;
  readonly destructionCancelledAt?: number;
  /** When the predecessor's key is gone for good. */
  readonly deletionAt?: number;
  /** Of an emergency: when its devices were asked to renew, and when its own certificates were revoked. */
  readonly windowsAt?: number;
  readonly revokedAt?: number;
  /** Nothing follows. */
  readonly endedAt?: number;
  /** The last state that people were told of. */
  readonly toldState?: RolloverState;
}

/** All rollovers of a fleet. */
export const rolloverPartition = (fleet: string): string => `ROLLOVERS#${fleet}`;
export const rolloverKey = (fleet: string, rolloverId: string): ItemKey => ({
  pk: rolloverPartition(fleet),
  sk: rolloverId,
});

export function rolloverItem(record: RolloverRecord): NewItem {
  return { ...rolloverKey(record.fleet, record.rolloverId), attributes: present({ ...record }) };
}

const times = [
  "publishedAt",
  "namedAt",
  "trustVersion",
  "activatedAt",
  "drainedAt",
  "retiredAt",
  "destructionApprovedAt",
  "destructionCancelledAt",
  "deletionAt",
  "windowsAt",
  "revokedAt",
  "endedAt",
] as const;

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function rolloverRecord(item: Item): Stored<RolloverRecord> {
  const optional = present(Object.fromEntries(times.map((name) => [name, optionalNumber(item, name)])));
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      rolloverId: text(item, "rolloverId"),
      kind: word(item, "kind", ["root", "issuing"]),
      state: word(item, "state", rolloverStates),
      fromId: text(item, "fromId"),
      toId: text(item, "toId"),
      algorithm: word(item, "algorithm", Object.keys(authorityAlgorithms) as AuthorityAlgorithmId[]),
      custody: optionalText(item, "custody") === "offline" ? "offline" : "service",
      emergency: item.attributes["emergency"] === true,
      publishedDays: number(item, "publishedDays"),
      activeDays: number(item, "activeDays"),
      adoptionPercent: number(item, "adoptionPercent"),
      createdAt: number(item, "createdAt"),
      createdBy: text(item, "createdBy"),
      enteredAt: number(item, "enteredAt"),
      ...(optional as Partial<Record<(typeof times)[number], number>>),
      ...(optionalText(item, "toldState") === undefined
        ? {}
        : { toldState: word(item, "toldState", rolloverStates) }),
    },
  };
}
