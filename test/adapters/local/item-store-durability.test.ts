import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSqliteItemStore } from "../../../adapters/local/sqlite-item-store.ts";
import { readAll } from "../../contracts/item-store/material.ts";
import { runFixture } from "./child-process.ts";

let directory = "";
let path = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "fleetkey-durability-"));
  path = join(directory, "items.db");
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Ids in the database, each with the sort keys it has, as the index and the items themselves tell. */
async function written(): Promise<Map<string, string>> {
  const store = await openSqliteItemStore({ path });
  const found = new Map<string, string>();
  const { items } = await readAll(store, { index: "open", pk: "written", limit: 1_000 });
  for (const { pk, sk } of items) found.set(pk, `${found.get(pk) ?? ""}${sk}`);
  for (const pk of found.keys()) expect((await store.query({ pk, limit: 10 })).items).toHaveLength(3);
  await store.close();
  return found;
}

function integrity(): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  const verdict = database.prepare("PRAGMA integrity_check").get();
  database.close();
  return verdict?.["integrity_check"];
}

/** One writer, killed some milliseconds after its first acknowledgement. The ids it was given. */
async function writeUntilKilled(writer: string, inFlight: number, milliseconds: number): Promise<string[]> {
  const fixture = runFixture("item-writer.ts", path, writer, String(inFlight));
  await fixture.printed("ready");
  await sleep(milliseconds);
  fixture.process.kill("SIGKILL");
  expect(await fixture.ended).toBeNull();
  return fixture.lines().filter((line) => line !== "ready");
}

describe("durability", () => {
  it("killed 24 times: every acknowledged write is there, whole, and none is there in part", {
    timeout: 180_000,
  }, async () => {
    const acknowledged: string[] = [];
    for (let round = 0; round < 24; round += 1) {
      // Alone, a transaction is a commit; forty in flight share commits, and a kill may hit many at once.
      const inFlight = round % 3 === 0 ? 1 : 40;
      acknowledged.push(...(await writeUntilKilled(`w${round}`, inFlight, Math.random() * 120)));
    }
    const found = await written();
    expect(acknowledged.length).toBeGreaterThan(100);
    expect(acknowledged.filter((id) => found.get(id) !== "abc")).toEqual([]);
    expect([...found.values()].filter((parts) => parts !== "abc")).toEqual([]);
    expect(integrity()).toBe("ok");
  });

  it("two processes write to one new database at once: each finishes, and nothing of either is lost", {
    timeout: 120_000,
  }, async () => {
    const writers = ["left", "right"].map((name) => runFixture("item-writer.ts", path, name, "10", "300"));
    expect(await Promise.all(writers.map((writer) => writer.ended))).toEqual([0, 0]);
    const found = await written();
    expect(found.size).toBe(600);
    const store = await openSqliteItemStore({ path });
    const counter = await store.get({ pk: "shared", sk: "counter" });
    expect(counter).toMatchObject({ version: 600, attributes: { total: 600 } });
    await store.close();
  });

  it("a process that reads sees what another has committed", async () => {
    const store = await openSqliteItemStore({ path });
    const writer = runFixture("item-writer.ts", path, "other", "4", "20");
    await writer.printed("other#19");
    expect((await store.query({ pk: "other#0", limit: 10 })).items).toHaveLength(3);
    expect(await writer.ended).toBe(0);
    await store.close();
  });
});
