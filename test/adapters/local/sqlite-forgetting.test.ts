/**
 * Room: test. What is deleted from a database is in none of its files any more: a subject key that two people had
 * destroyed must not be found in free pages or in the journal.
 */
import { hash, randomBytes } from "node:crypto";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openSqliteItemStore, type SqliteItemStore } from "../../../adapters/local/sqlite-item-store.ts";
import type { WriteOperation } from "../../../core/ports.ts";

let directory = "";
let left = "";
let store: SqliteItemStore;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "fleetkey-forget-"));
  left = mkdtempSync(join(tmpdir(), "fleetkey-left-"));
  store = await openSqliteItemStore({ path: join(directory, "keys.sqlite") });
});
afterEach(async () => {
  await store.close();
  for (const place of [directory, left]) rmSync(place, { recursive: true });
});

interface Key {
  readonly pk: string;
  readonly sk: string;
  readonly secret: string;
}

/** As subject keys are spread: in no order, some hundred octets each. */
const makeKeys = (count: number): readonly Key[] =>
  Array.from({ length: count }, () => {
    const id = randomBytes(8).toString("hex");
    return {
      pk: `SUBJECTKEY#default#${id.slice(0, 2)}`,
      sk: `${id}#KEY#0001`,
      secret: randomBytes(120).toString("base64"),
    };
  });

async function inHundreds(keys: readonly Key[], operation: (key: Key) => WriteOperation): Promise<void> {
  for (let from = 0; from < keys.length; from += 100)
    await store.transact(keys.slice(from, from + 100).map(operation));
}

const put = ({ pk, sk, secret }: Key): WriteOperation => ({
  put: { pk, sk, attributes: { secret } },
  when: "absent",
});

/** Another process's transaction is open all the while. */
async function whileOthersRead(act: () => Promise<void>): Promise<void> {
  const other = new DatabaseSync(join(directory, "keys.sqlite"));
  other.exec("BEGIN; SELECT count(*) FROM item;");
  await act();
  other.exec("COMMIT");
  other.close();
}

/** Keys of which a piece stands in any file of the database. */
function found(keys: readonly Key[], place = directory): number {
  const files = readdirSync(place).map((name) => readFileSync(join(place, name)));
  return keys.filter(({ secret }) => files.some((octets) => octets.includes(secret.slice(20, 60)))).length;
}

describe("SP 800-88 r1 §2.6: what is deleted is overwritten", () => {
  it("while the database is open: in its pages and in its journal", async () => {
    const keys = makeKeys(3_000);
    await inHundreds(keys, put);
    const gone = keys.filter((_, index) => index % 3 === 0);
    const left = keys.filter((_, index) => index % 3 !== 0);
    expect(found(gone)).toBe(1_000);
    await inHundreds(gone, ({ pk, sk }) => ({ delete: { pk, sk }, when: "present" }));
    expect(found(gone)).toBe(0);
    expect(found(left)).toBe(2_000);
  }, 30_000);

  it("also what was deleted while others read: once they are done", async () => {
    const [key] = makeKeys(1);
    if (key === undefined) expect.fail("no key");
    const { pk, sk } = key;
    await store.transact([put(key)]);
    await whileOthersRead(async () => {
      await store.transact([{ delete: { pk, sk }, when: "present" }]);
      expect(await store.get({ pk, sk })).toBeUndefined();
      expect(found([key])).toBe(1);
    });
    await store.sweep(0);
    expect(found([key])).toBe(0);
  });

  it("also what a process deleted that was killed before it was done", async () => {
    const [key] = makeKeys(1);
    if (key === undefined) expect.fail("no key");
    const { pk, sk } = key;
    await store.transact([put(key)]);
    await whileOthersRead(async () => {
      await store.transact([{ delete: { pk, sk }, when: "present" }]);
      // What a kill at this moment leaves on the disk.
      for (const name of readdirSync(directory).filter((one) => !one.endsWith("-shm")))
        copyFileSync(join(directory, name), join(left, name));
    });
    expect(found([key], left)).toBe(1);
    const next = await openSqliteItemStore({ path: join(left, "keys.sqlite") });
    expect(found([key], left)).toBe(0);
    await next.close();
  });

  it("and an earlier value of an item, when its database is closed", async () => {
    const [before, after] = makeKeys(2);
    if (before === undefined || after === undefined) expect.fail("no keys");
    await store.transact([put(before)]);
    const { pk, sk } = before;
    await store.transact([{ put: { pk, sk, attributes: { secret: after.secret } }, when: 1 }]);
    await store.close();
    expect(found([before])).toBe(0);
    expect(found([after])).toBe(1);
  });
});

/** SQLite moves rows between pages when they fill and empty, and leaves what it moved. */
describe("SP 800-88 r1 §2.6: what SQLite moved before it was deleted goes too, where the store rewrites its file", () => {
  // Always the same: of these SQLite alone leaves some behind.
  const keys = Array.from({ length: 3_000 }, (_, index) => {
    const secret = hash("sha512", `key ${index}`, "base64");
    return { pk: `SUBJECTKEY#default#${index % 256}`, sk: `s-${index}#KEY#0001`, secret };
  });
  // In another order than they came in: pages empty here and there, and are joined.
  const shuffled = [...keys].sort((one, other) => (one.secret < other.secret ? -1 : 1));
  const gone = shuffled.slice(0, 2_700);
  const kept = shuffled.slice(2_700);
  const deletion = ({ pk, sk }: Key): WriteOperation => ({ delete: { pk, sk }, when: "present" });
  const moved = ({ pk, sk, secret }: Key): WriteOperation => ({
    put: { pk, sk, attributes: { secret, note: "x".repeat(500) } },
    when: 1,
  });
  const open = () => openSqliteItemStore({ path: join(directory, "keys.sqlite"), rewrites: true });

  /** Rows in the order of their ids, of which some grow: pages split, and their halves stay where they were. */
  async function fill(): Promise<void> {
    await store.close();
    store = await open();
    await inHundreds(keys, put);
    await inHundreds(
      keys.filter((_, index) => index % 2 === 0),
      moved,
    );
  }

  it("a second after the deletion", async () => {
    await fill();
    await inHundreds(gone, deletion);
    await vi.waitFor(() => expect(found(gone)).toBe(0), { timeout: 20_000, interval: 200 });
    expect(found(kept)).toBe(300);
    const [first] = kept;
    expect(await store.get(first ?? expect.fail("no key"))).toMatchObject({
      attributes: { secret: first?.secret },
    });
  }, 60_000);

  it("when the database is closed; and by the next process, after one that was killed", async () => {
    await fill();
    await inHundreds(gone, deletion);
    for (const name of readdirSync(directory).filter((one) => !one.endsWith("-shm")))
      copyFileSync(join(directory, name), join(left, name));
    await store.close();
    expect(found(gone)).toBe(0);
    const next = await openSqliteItemStore({ path: join(left, "keys.sqlite"), rewrites: true });
    expect(found(gone, left)).toBe(0);
    expect(found(kept, left)).toBe(300);
    await next.close();
  }, 60_000);

  it("a deletion while the file is written anew by another process is not forgotten", async () => {
    await fill();
    const other = await open();
    await Promise.all([inHundreds(gone.slice(0, 1_000), deletion), other.close()]);
    await inHundreds(gone.slice(1_000), deletion);
    await store.close();
    expect(found(gone)).toBe(0);
    expect(found(kept)).toBe(300);
  }, 60_000);
});
