/**
 * Room: core/records. What was counted of a fleet's certificates, in one partition: how far the count has come, and
 * one small item for each kind of certificate. All of it is written together, so each certificate counts once.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import type { ProfileId } from "../standard/profiles.ts";
import { number, optionalTexts, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

/**
 * rewriting: records of earlier releases are given the places in indexes that this release reads; counting: all from
 * the beginning on. See `core/distribution/census.ts`.
 */
export type CensusStep = "rewriting" | "counting";

export interface CensusProgress {
  readonly fleet: string;
  readonly step: CensusStep;
  /** Milliseconds since the epoch: not counted before, for indexes to catch up with what was rewritten. */
  readonly countFrom: number;
  /** Certificates issued up to then are counted; 0 before the first. */
  readonly asOf: number;
  /** Of each of the sixteen partitions of index byIssue, in the order of `shards`: the last place done, or "". */
  readonly marks: readonly string[];
}

/** Certificates that share all but their time. */
export interface CensusKind {
  readonly profile: ProfileId;
  readonly authorityId: string;
  readonly keyAlgorithm: string;
}

export interface CensusCount extends CensusKind {
  readonly fleet: string;
  /** Ever issued. */
  readonly total: number;
  /** Days since the epoch on which certificates end, with their number; days long past are left out. */
  readonly days: ReadonlyMap<number, number>;
}

/** How far the count has come, and all counts: one query. */
export const censusPartition = (fleet: string): string => `CENSUS#${fleet}`;

const progressSortKey = "PROGRESS";
const countPrefix = "COUNT#";

export const censusKindKey = ({ profile, authorityId, keyAlgorithm }: CensusKind): string =>
  `${countPrefix}${profile}#${authorityId}#${keyAlgorithm}`;

export const isCensusProgress = (item: Item): boolean => item.sk === progressSortKey;
export const isCensusCount = (item: Item): boolean => item.sk.startsWith(countPrefix);

export function censusProgressKey(fleet: string): ItemKey {
  return { pk: censusPartition(fleet), sk: progressSortKey };
}

export function censusProgressItem(progress: CensusProgress): NewItem {
  return { ...censusProgressKey(progress.fleet), attributes: { ...progress } };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function censusProgress(item: Item): Stored<CensusProgress> {
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      step: word(item, "step", ["rewriting", "counting"]),
      countFrom: number(item, "countFrom"),
      asOf: number(item, "asOf"),
      marks: optionalTexts(item, "marks") ?? [],
    },
  };
}

/** Some ten octets a day: the longest validity of devices makes six thousand. */
export function censusCountItem(count: CensusCount): NewItem {
  const { fleet, profile, authorityId, keyAlgorithm, total, days } = count;
  return {
    pk: censusPartition(fleet),
    sk: censusKindKey(count),
    attributes: { fleet, profile, authorityId, keyAlgorithm, total, days: JSON.stringify([...days]) },
  };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function censusCount(item: Item): Stored<CensusCount> {
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      // A word of ours, or of an earlier release that had more.
      profile: text(item, "profile") as ProfileId,
      authorityId: text(item, "authorityId"),
      keyAlgorithm: text(item, "keyAlgorithm"),
      total: number(item, "total"),
      days: new Map(JSON.parse(text(item, "days")) as [number, number][]),
    },
  };
}
