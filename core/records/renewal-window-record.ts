/**
 * Room: core/records. Times into which people have pulled renewals forward: one item in the fleet's own partition, which
 * holds few of them.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { text } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";
import { fleetPartition } from "./fleet-record.ts";

export const renewalReasons = ["keyCompromise", "superseded", "cessationOfOperation", "unspecified"] as const;
export type RenewalReason = (typeof renewalReasons)[number];

export interface RenewalWindow {
  /** 32 characters of hexadecimal. */
  readonly windowId: string;
  /** Of the certificates that are to be renewed. @default whichever authority of the fleet issued them */
  readonly authorityId?: string;
  /** It is about certificates that were issued before; milliseconds since the epoch, as all times here. */
  readonly issuedBefore: number;
  /** Their renewals are spread from here … */
  readonly from: number;
  /** … to here. */
  readonly until: number;
  readonly reason: RenewalReason;
  /** https address of a page that explains it (RFC 9773 §4.2). */
  readonly explanationUrl?: string;
  readonly createdAt: number;
  /** As the audit log names who did it. */
  readonly createdBy: string;
}

const sortKey = "RENEWALWINDOWS";

export const renewalWindowsKey = (fleet: string): ItemKey => ({ pk: fleetPartition(fleet), sk: sortKey });

export function renewalWindowsItem(fleet: string, windows: readonly RenewalWindow[]): NewItem {
  return { ...renewalWindowsKey(fleet), attributes: { document: JSON.stringify(windows) } };
}

/** @throws AppError internal when the document is missing or no text. */
export function renewalWindows(item: Item): Stored<readonly RenewalWindow[]> {
  return { version: item.version, value: JSON.parse(text(item, "document")) as readonly RenewalWindow[] };
}
