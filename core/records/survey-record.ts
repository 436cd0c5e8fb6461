/**
 * Room: core/records. How many devices of a fleet are active, and how many of them rely on a version of the trust: the
 * last count that ended, and how far the present one has come, in one item a rollover.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalNumber, optionalTexts, present, text } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface SurveyCounts {
  /** Devices that have a certificate in force. */
  readonly active: number;
  /** Those of them that have acknowledged the version, or a later one. */
  readonly adopted: number;
}

export interface SurveyRecord extends SurveyCounts {
  readonly fleet: string;
  readonly rolloverId: string;
  readonly trustVersion: number;
  /** When the present count began; milliseconds since the epoch, as all times here. */
  readonly startedAt: number;
  /** Of each of the sixteen partitions of index byExpiry, in the order of `shards`: the last place done, or "". */
  readonly marks: readonly string[];
  /** Partitions that are done. */
  readonly done: readonly string[];
  /** The last count that ended, and when it began. */
  readonly lastActive?: number;
  readonly lastAdopted?: number;
  readonly lastAsOf?: number;
}

export const surveyKey = (fleet: string, rolloverId: string): ItemKey => ({
  pk: `SURVEY#${fleet}`,
  sk: rolloverId,
});

export function surveyItem(record: SurveyRecord): NewItem {
  return { ...surveyKey(record.fleet, record.rolloverId), attributes: present({ ...record }) };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function surveyRecord(item: Item): Stored<SurveyRecord> {
  const last = present({
    lastActive: optionalNumber(item, "lastActive"),
    lastAdopted: optionalNumber(item, "lastAdopted"),
    lastAsOf: optionalNumber(item, "lastAsOf"),
  }) as Pick<SurveyRecord, "lastActive" | "lastAdopted" | "lastAsOf">;
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      rolloverId: text(item, "rolloverId"),
      trustVersion: number(item, "trustVersion"),
      startedAt: number(item, "startedAt"),
      active: number(item, "active"),
      adopted: number(item, "adopted"),
      marks: optionalTexts(item, "marks") ?? [],
      done: optionalTexts(item, "done") ?? [],
      ...last,
    },
  };
}
