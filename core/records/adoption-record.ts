/**
 * Room: core/records. How many subjects rely on which version of the trust, and up to where events are counted, in one
 * item: a count and its mark change together, so that each event counts once.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalTexts, text } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

/** Of one version: subjects whose newest acknowledgement is of it. */
export interface VersionCount {
  readonly version: number;
  readonly devices: number;
  readonly pipelines: number;
}

export interface AdoptionRecord {
  readonly fleet: string;
  /** Events up to then are counted; milliseconds since the epoch. */
  readonly asOf: number;
  /** Sort key of the last event counted, for each shard in their order; empty for none. */
  readonly marks: readonly string[];
  /** By version, ascending; without those that nobody relies on. */
  readonly counts: readonly VersionCount[];
}

export const adoptionKey = (fleet: string): ItemKey => ({ pk: `ADOPTION#${fleet}`, sk: "ADOPTION" });

export function adoptionItem({ fleet, asOf, marks, counts }: AdoptionRecord): NewItem {
  return {
    ...adoptionKey(fleet),
    attributes: { fleet, asOf, marks, counts: JSON.stringify(counts) },
  };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function adoptionRecord(item: Item): Stored<AdoptionRecord> {
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      asOf: number(item, "asOf"),
      marks: optionalTexts(item, "marks") ?? [],
      counts: JSON.parse(text(item, "counts")) as readonly VersionCount[],
    },
  };
}
