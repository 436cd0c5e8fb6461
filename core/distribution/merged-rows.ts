/**
 * Room: core/distribution. Several partitions of one index as one ordered row of items: a fleet's certificates stand
 * in sixteen. Of most partitions only the first few items are wanted, so pages begin small and double.
 */
import type { IndexName, Item, ItemQuery, KeylessApp } from "../ports.ts";

export interface MergedQuery {
  readonly index: IndexName;
  readonly partitions: readonly string[];
  /** @default false */
  readonly descending?: boolean;
  /** Bounds of the sort key, both inclusive. */
  readonly from?: string;
  readonly to?: string;
  /** The place after which to begin: what stands there has been seen. */
  readonly after?: string;
}

export interface PlacedItem {
  readonly item: Item;
  /** Its sort key in the index: the one order that all partitions share, since it ends with the serial number. */
  readonly place: string;
}

/** Sixteen partitions, a hundred and twenty-five items each, are two thousand at once. */
const largestPage = 125;

/** Begins at `after`; the bound is inclusive, and the item there has been seen. */
function partitionQuery(query: MergedQuery, pk: string): Omit<ItemQuery, "limit"> {
  const { index, descending = false, after } = query;
  const from = descending ? query.from : (after ?? query.from);
  const to = descending ? (after ?? query.to) : query.to;
  return {
    index,
    pk,
    descending,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

class PartitionReader {
  readonly #app: KeylessApp;
  readonly #query: Omit<ItemQuery, "limit">;
  readonly #after: string | undefined;
  #items: PlacedItem[] = [];
  #next = 0;
  #cursor: string | undefined;
  #more = true;
  /** Items that the store gave. */
  read = 0;

  constructor(app: KeylessApp, query: MergedQuery, pk: string) {
    this.#app = app;
    this.#query = partitionQuery(query, pk);
    this.#after = query.after;
  }

  get first(): PlacedItem | undefined {
    return this.#items[this.#next];
  }

  get left(): number {
    return this.#items.length - this.#next;
  }

  get hasMore(): boolean {
    return this.#more;
  }

  takeFirst(): void {
    this.#next += 1;
  }

  /** Reads on until there is a first item or the partition is at its end: a page may be empty. */
  async fill(limit: number): Promise<void> {
    this.#items = this.#items.slice(this.#next);
    this.#next = 0;
    do {
      const cursor = this.#cursor === undefined ? {} : { cursor: this.#cursor };
      const page = await this.#app.items.query({ ...this.#query, limit, ...cursor });
      this.#cursor = page.cursor;
      this.#more = page.cursor !== undefined;
      this.read += page.items.length;
      const placed = page.items.map((item) => ({ item, place: placeOf(item, this.#query) }));
      this.#items.push(...placed.filter(({ place }) => place !== this.#after));
    } while (this.left === 0 && this.#more);
  }
}

const placeOf = (item: Item, { index }: Omit<ItemQuery, "limit">): string =>
  (index === undefined ? undefined : item.indexes?.[index]?.sk) ?? item.sk;

/** The rows of all partitions in one order. Nothing is read before it is asked for. */
export class MergedRows {
  readonly #readers: readonly PartitionReader[];
  readonly #descending: boolean;
  readonly #maximum: number;
  #page: number;

  /**
   * @param expected How many rows will probably be taken.
   * @param maximum How many items are to be read about; beyond them it reads on by single items.
   */
  constructor(app: KeylessApp, query: MergedQuery, expected: number, maximum = Number.POSITIVE_INFINITY) {
    this.#readers = query.partitions.map((pk) => new PartitionReader(app, query, pk));
    this.#descending = query.descending ?? false;
    this.#maximum = maximum;
    // Twice its share, and the row at the cursor: few partitions need a second page.
    const share = Math.ceil((2 * expected) / query.partitions.length) + 2;
    this.#page = Math.min(1_000, share);
  }

  /** Items that the store gave so far. */
  get read(): number {
    return this.#readers.reduce((sum, reader) => sum + reader.read, 0);
  }

  /** True when the next row, or that there is none, is known without asking the store. */
  get isReady(): boolean {
    return this.#readers.every((reader) => reader.first !== undefined || !reader.hasMore);
  }

  /** Reads on where it must, and with it where it soon would: all partitions beside one another. */
  async fill(): Promise<void> {
    while (!this.isReady) {
      const page = this.#page;
      const low = this.#readers.filter((reader) => reader.hasMore && reader.left < page / 2);
      const share = Math.max(1, Math.ceil((this.#maximum - this.read) / low.length));
      await Promise.all(low.map((reader) => reader.fill(Math.min(page, share))));
      this.#page = Math.max(page, Math.min(2 * page, largestPage));
    }
  }

  /** The next row stays where it is. Undefined at the end. */
  async peek(): Promise<PlacedItem | undefined> {
    await this.fill();
    return this.#nearest()?.first;
  }

  /** Undefined at the end. */
  async take(): Promise<PlacedItem | undefined> {
    await this.fill();
    const reader = this.#nearest();
    const first = reader?.first;
    reader?.takeFirst();
    return first;
  }

  #nearest(): PartitionReader | undefined {
    let nearest: PartitionReader | undefined;
    for (const reader of this.#readers) {
      if (reader.first === undefined) continue;
      const isNearer =
        nearest?.first === undefined ||
        (this.#descending
          ? reader.first.place > nearest.first.place
          : reader.first.place < nearest.first.place);
      if (isNearer) nearest = reader;
    }
    return nearest;
  }
}
