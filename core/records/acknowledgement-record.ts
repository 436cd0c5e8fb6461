/**
 * Room: core/records. Which trust manifest a device or a pipeline has taken over: its present state, which also says
 * what firmware it runs, and an event a change, from which adoption is counted without looking at subjects.
 */
import { hash } from "node:crypto";
import { canonicalText } from "../formats/name.ts";
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalNumber, optionalText, present, text, word } from "./attributes.ts";
import { type Stored, timeKey } from "./certificate-record.ts";

export type AcknowledgingKind = "device" | "pipeline";

/** Who acknowledges. `id`: opaque. */
export interface AcknowledgingSubject {
  readonly kind: AcknowledgingKind;
  readonly id: string;
}

export interface AcknowledgementRecord extends AcknowledgingSubject {
  readonly fleet: string;
  /** Version of the manifest that the subject has; never falls. */
  readonly version: number;
  /** The version that it had before; absent after the first acknowledgement. */
  readonly previous?: number;
  /** Label of the firmware that it runs or builds. */
  readonly firmware?: string;
  /** Since when it says this label; absent from records of earlier releases: then since `at` at the latest. */
  readonly firmwareAt?: number;
  /** Milliseconds since the epoch, as all times here. */
  readonly at: number;
}

/** That a subject went from one version to another: written once, never changed. */
export type AcknowledgementEvent = Omit<AcknowledgementRecord, "firmware" | "firmwareAt">;

const stateSortKey = "ACKNOWLEDGEMENT";

/** One key for all spellings of an id. @throws AppError name_not_permitted, see `canonicalText`. */
export function acknowledgementKey(fleet: string, { kind, id }: AcknowledgingSubject): ItemKey {
  return { pk: `ACKNOWLEDGEMENT#${fleet}#${kind}#${canonicalText(id)}`, sk: stateSortKey };
}

/** Index byDevice: the devices of a fleet that said last that they run the firmware of this label, by their ids. */
export const firmwarePartition = (fleet: string, label: string): string => `FIRMWARE#${fleet}#${label}`;

/** A pipeline builds firmware and does not run it: it stands in no index. */
export function acknowledgementItem(record: AcknowledgementRecord): NewItem {
  const { fleet, kind, id, firmware } = record;
  const indexed = kind === "device" && firmware !== undefined;
  return {
    ...acknowledgementKey(fleet, record),
    attributes: present({ ...record }),
    ...(indexed ? { indexes: { byDevice: { pk: firmwarePartition(fleet, firmware), sk: id } } } : {}),
  };
}

/** Also for items of `firmwarePartition`. @throws AppError internal when an attribute is missing or mistyped. */
export function acknowledgementRecord(item: Item): Stored<AcknowledgementRecord> {
  const firmware = optionalText(item, "firmware");
  const firmwareAt = optionalNumber(item, "firmwareAt");
  return {
    version: item.version,
    value: {
      ...acknowledgementEvent(item),
      ...(firmware === undefined ? {} : { firmware }),
      ...(firmwareAt === undefined ? {} : { firmwareAt }),
    },
  };
}

/** One sixteenth of a fleet's events, by time. `shard`: one of `shards`. */
export const acknowledgedPartition = (fleet: string, shard: string): string =>
  `ACKNOWLEDGED#${fleet}#${shard}`;

/** All events of one subject stand in one shard, so that each shard counts by itself. */
const eventShard = ({ kind, id }: AcknowledgingSubject): string =>
  hash("sha256", `${kind}#${canonicalText(id)}`).slice(0, 1);

/** Milliseconds for which an event is kept after it happened: counting has been at a standstill for a year by then. */
const eventLifetime = 400 * 86_400_000;

export function acknowledgementEventItem(event: AcknowledgementEvent): NewItem {
  const { fleet, kind, id, version, previous, at } = event;
  return {
    pk: acknowledgedPartition(fleet, eventShard(event)),
    sk: `${timeKey(at)}#${kind}#${id}#${version}`,
    attributes: present({ fleet, kind, id, version, previous, at }),
    expiresAt: Math.ceil((at + eventLifetime) / 1000),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function acknowledgementEvent(item: Item): AcknowledgementEvent {
  const previous = optionalNumber(item, "previous");
  return {
    fleet: text(item, "fleet"),
    kind: word(item, "kind", ["device", "pipeline"]),
    id: text(item, "id"),
    version: number(item, "version"),
    at: number(item, "at"),
    ...(previous === undefined ? {} : { previous }),
  };
}
