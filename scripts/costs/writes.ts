/**
 * Room: scripts. What one act writes and reads, item by item, as DynamoDB bills it. test/infra/costs.test.ts runs
 * the acts for real and compares each row.
 */

export interface ItemWrite {
  readonly item: string;
  /** Typical octets of the item as DynamoDB counts them: names, values, index keys. */
  readonly octets: number;
  /** Writes to indexes that follow: one for each index the item enters, stays in or leaves. */
  readonly indexWrites: number;
}

export interface Act {
  readonly transactions: readonly (readonly ItemWrite[])[];
  /** Reads of up to 4 KB, each strongly consistent. */
  readonly reads: number;
}

const intent: ItemWrite = { item: "certificate, as an intent", octets: 1_250, indexWrites: 1 };
// It leaves `open` and enters `byDevice`, `byIssue` and `byExpiry`.
const issued: ItemWrite = { item: "certificate, issued", octets: 1_700, indexWrites: 4 };
const counted: ItemWrite = { item: "certificate presented, renewal counted", octets: 1_700, indexWrites: 3 };
const request: ItemWrite = { item: "idempotency record", octets: 180, indexWrites: 0 };
const token: ItemWrite = { item: "token", octets: 350, indexWrites: 0 };
const device: ItemWrite = { item: "device", octets: 150, indexWrites: 0 };
// Asked for its absence only: DynamoDB bills a condition as a write of the item, one unit at least.
const hold: ItemWrite = { item: "hold of the device, found absent", octets: 60, indexWrites: 0 };
// Expires after the hour.
const place: ItemWrite = { item: "place among the hour's issuances", octets: 115, indexWrites: 0 };
const audit: ItemWrite = { item: "audit entry", octets: 310, indexWrites: 0 };

export const acts = {
  token: { transactions: [[token, audit, device]], reads: 2 },
  enrolment: {
    transactions: [
      [hold, place, intent, request, token],
      [issued, audit],
    ],
    reads: 2,
  },
  renewal: {
    transactions: [
      [hold, place, intent, request, counted],
      [issued, audit],
    ],
    reads: 2,
  },
} as const satisfies Readonly<Record<string, Act>>;

/** Octets that stay for good after a certificate: in the table, and in its three indexes. */
export const kept = {
  table: issued.octets + audit.octets,
  indexes: 3 * issued.octets,
  /** DynamoDB counts 100 more for each item and each entry of an index. */
  overhead: 500,
} as const;

/**
 * Write request units: one a KB begun; twice in a transaction. Writes to indexes are counted twice as well, which
 * is the most they can cost.
 */
export function writeUnits({ octets, indexWrites }: ItemWrite): number {
  return 2 * Math.ceil(octets / 1024) * (1 + indexWrites);
}

export function writeUnitsOf(act: Act): number {
  return act.transactions.flat().reduce((sum, write) => sum + writeUnits(write), 0);
}
