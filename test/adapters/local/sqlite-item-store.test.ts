import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommitQueue } from "../../../adapters/local/sqlite/commit-queue.ts";
import { queryShape } from "../../../adapters/local/sqlite/item-queries.ts";
import { schemaVersion } from "../../../adapters/local/sqlite/schema.ts";
import { openSqliteItemStore } from "../../../adapters/local/sqlite-item-store.ts";
import { indexNames } from "../../../core/item-limits.ts";
import { readAll } from "../../contracts/item-store/material.ts";

let directory = "";
let path = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "fleetkey-sqlite-"));
  path = join(directory, "data", "items.db");
});
afterEach(() => rmSync(directory, { recursive: true }));

function putOf(sk: string, extra: { expiresAt?: number } = {}) {
  return { put: { pk: "p", sk, attributes: { state: "open" }, ...extra }, when: "absent" as const };
}

async function makeDatabase(): Promise<void> {
  await (await openSqliteItemStore({ path })).close();
}

function direct(sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

describe("the database file", () => {
  it("is 0600, its journal too, in a directory of 0700", async () => {
    const store = await openSqliteItemStore({ path });
    await store.transact([putOf("a")]);
    const modes = [join(directory, "data"), path, `${path}-wal`, `${path}-shm`].map(
      (file) => statSync(file).mode,
    );
    expect(modes.map((mode) => (mode & 0o777).toString(8))).toEqual(["700", "600", "600", "600"]);
    await store.close();
  });

  it("is made private when it was not", async () => {
    await makeDatabase();
    chmodSync(path, 0o644);
    await makeDatabase();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("keeps items from one opening to the next", async () => {
    const first = await openSqliteItemStore({ path });
    await first.transact([putOf("a")]);
    await first.close();
    const second = await openSqliteItemStore({ path });
    expect((await second.get({ pk: "p", sk: "a" }))?.version).toBe(1);
    await second.close();
  });

  it("of a newer schema is refused with both versions and a remedy", async () => {
    await makeDatabase();
    direct(`UPDATE schema SET version = ${schemaVersion + 1}`);
    const attempt = openSqliteItemStore({ path });
    await expect(attempt).rejects.toMatchObject({ name: "AppError", code: "configuration_invalid" });
    await expect(attempt).rejects.toThrow(/schema version 3, this release knows 2; run the release/);
  });

  it("that is no database is refused, and left as it was", async () => {
    await makeDatabase();
    writeFileSync(path, "a".repeat(5_000));
    await expect(openSqliteItemStore({ path })).rejects.toMatchObject({ code: "configuration_invalid" });
    expect(statSync(path).size).toBe(5_000);
  });

  it("in a directory that cannot be made is store_unavailable, with the system's code", async () => {
    writeFileSync(join(directory, "data"), "a file where the directory belongs");
    const attempt = openSqliteItemStore({ path });
    await expect(attempt).rejects.toMatchObject({ code: "store_unavailable" });
    await expect(attempt).rejects.toThrow(/E[A-Z]+; check its directory/);
  });

  it("commits with WAL and synchronous FULL", async () => {
    await makeDatabase();
    const database = new DatabaseSync(path);
    expect(database.prepare("PRAGMA journal_mode").get()?.["journal_mode"]).toBe("wal");
    database.close();
  });
});

describe("queries", () => {
  const position = { sortKey: "b", item: { pk: "p", sk: "b" } };
  const shapes = [undefined, ...indexNames].flatMap((index) =>
    [false, true].flatMap((descending) =>
      [undefined, position].map((after) => ({ name: index ?? "own keys", index, descending, after })),
    ),
  );
  it.each(shapes)(
    "$name, descending $descending, after $after: one range of one SQL index, nothing sorted",
    async ({ index, descending, after }) => {
      await makeDatabase();
      const query = {
        pk: "p",
        from: "a",
        to: "z",
        limit: 10,
        descending,
        ...(index === undefined ? {} : { index }),
      };
      const { sql, parameters } = queryShape(query, after);
      const database = new DatabaseSync(path);
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
      database.close();
      expect(plan).toHaveLength(1);
      const details = String(plan[0]?.["detail"]);
      // Both ends of the range are bounds: page n costs what page 1 costs.
      expect(details).toMatch(/^SEARCH item USING INDEX \w+ \(\w*pk=\? AND .*>.* AND .*<.*\)$/);
    },
  );

  it("of an unreadable row say that the database is damaged", async () => {
    const store = await openSqliteItemStore({ path });
    await store.transact([putOf("a")]);
    direct(`UPDATE item SET attributes = '{"state":{"unknown":1}}'`);
    await expect(store.get({ pk: "p", sk: "a" })).rejects.toMatchObject({ code: "store_unavailable" });
    direct("UPDATE item SET attributes = '{'");
    await expect(store.query({ pk: "p", limit: 1 })).rejects.toMatchObject({ code: "store_unavailable" });
    await store.close();
  });
});

describe("group commit", () => {
  it("10,000 transactions at once are all done, in order of arrival", async () => {
    const store = await openSqliteItemStore({ path });
    const settled: number[] = [];
    await Promise.all(
      Array.from({ length: 10_000 }, async (_, at) => {
        await store.transact([putOf(String(at).padStart(5, "0"))]);
        settled.push(at);
      }),
    );
    expect(settled).toEqual(Array.from({ length: 10_000 }, (_, at) => at));
    expect((await readAll(store, { pk: "p", limit: 1_000 })).items).toHaveLength(10_000);
    await store.close();
  });

  it("each transaction is judged on what those before it in the batch leave", async () => {
    const store = await openSqliteItemStore({ path });
    const key = { pk: "p", sk: "a" };
    const put = (when: "absent" | number) => store.transact([{ put: { ...key, attributes: {} }, when }]);
    const removal = store.transact.bind(store, [{ delete: key, when: 2 }]);
    const outcomes = await Promise.allSettled([
      put("absent"),
      put(1),
      put("absent"),
      put(1),
      removal(),
      put("absent"),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    expect((await store.get(key))?.version).toBe(1);
    await store.close();
  });

  it("a commit that fails rejects its whole batch with store_unavailable, and the next batch goes on", async () => {
    let calls = 0;
    const runner = {
      run: (transactions: readonly unknown[]) => {
        calls += 1;
        if (calls === 1) throw Object.assign(new Error("disk I/O error"), { errcode: 10 });
        return transactions.map(() => undefined);
      },
    };
    const queue = new CommitQueue(runner);
    const outcomes = await Promise.allSettled([queue.commit([]), queue.commit([])]);
    const refusal = { status: "rejected", reason: expect.objectContaining({ code: "store_unavailable" }) };
    expect(outcomes).toEqual([refusal, refusal]);
    await expect(queue.commit([])).resolves.toBeUndefined();
  });

  it("a batch ends at 512 transactions, or at 8 MB whichever is first; one transaction is never too large", async () => {
    const batches: number[] = [];
    const run = (transactions: readonly unknown[]): undefined[] => {
      batches.push(transactions.length);
      return transactions.map(() => undefined);
    };
    const queue = new CommitQueue({ run });
    const operation = { kind: "check", pk: "p", sk: "a", when: "absent", columns: [] } as const;
    const sizes = [...Array.from({ length: 600 }, () => 0), 9e6, 3e6, 3e6, 3e6, 3e6];
    await Promise.all(sizes.map((octets) => queue.commit([{ ...operation, octets }])));
    expect(batches).toEqual([512, 89, 3, 1]);
  });

  it("waits for another process's lock without blocking the event loop", async () => {
    const store = await openSqliteItemStore({ path });
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    let done = false;
    const pending = store.transact([putOf("a")]).then(() => {
      done = true;
    });
    let turns = 0;
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        turns += 1;
        if (turns < 5) return;
        clearInterval(timer);
        resolve();
      }, 20);
    });
    expect(done).toBe(false);
    other.exec("COMMIT");
    await pending;
    other.close();
    await store.close();
  });
});

describe("closing", () => {
  it("lets transactions under way finish; later calls say that the store is closed", async () => {
    const store = await openSqliteItemStore({ path });
    const pending = store.transact([putOf("a")]);
    await Promise.all([store.close(), store.close()]);
    await expect(pending).resolves.toBeUndefined();
    const closed = { code: "store_unavailable", message: expect.stringContaining("closed") };
    await expect(store.get({ pk: "p", sk: "a" })).rejects.toMatchObject(closed);
    await expect(store.transact([putOf("b")])).rejects.toMatchObject(closed);
    await expect(store.query({ pk: "p", limit: 1 })).rejects.toMatchObject(closed);
  });
});

describe("sweep", () => {
  it("drops the items that expired before the given second, and no others", async () => {
    const store = await openSqliteItemStore({ path });
    await store.transact([putOf("a", { expiresAt: 99 }), putOf("b", { expiresAt: 100 }), putOf("c")]);
    expect(await store.sweep(100)).toBe(1);
    expect((await store.query({ pk: "p", limit: 10 })).items.map((item) => item.sk)).toEqual(["b", "c"]);
    await store.close();
  });

  it("drops 2,500 items in several commits", async () => {
    const store = await openSqliteItemStore({ path });
    await Promise.all(
      Array.from({ length: 2_500 }, (_, at) => store.transact([putOf(`k${at}`, { expiresAt: 5 })])),
    );
    expect(await store.sweep(6)).toBe(2_500);
    expect(await store.sweep(6)).toBe(0);
    await store.close();
  });

  it("until swept, an expired item is read like any other", async () => {
    const store = await openSqliteItemStore({ path });
    await store.transact([putOf("a", { expiresAt: 1 })]);
    expect((await store.get({ pk: "p", sk: "a" }))?.expiresAt).toBe(1);
    await store.close();
  });
});
