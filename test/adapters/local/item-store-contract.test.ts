import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteItemStore } from "../../../adapters/local/sqlite-item-store.ts";
import { itemStoreContract } from "../../contracts/item-store.ts";

itemStoreContract("node:sqlite, a file", async () => {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-items-"));
  const store = await openSqliteItemStore({ path: join(directory, "items.db") });
  const close = async (): Promise<void> => {
    await store.close();
    await rm(directory, { recursive: true });
  };
  return { store, close };
});

itemStoreContract("node:sqlite, in memory", async () => {
  const store = await openSqliteItemStore({ path: ":memory:" });
  return { store, close: () => store.close() };
});
