/**
 * Room: adapters/local. The item database: its file, its settings, its tables and their version.
 */
import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AppError } from "../../../core/errors.ts";
import type { IndexName } from "../../../core/ports.ts";
import { storeFailure } from "./failures.ts";
import { whenUnlocked } from "./lock-wait.ts";

/** Version of the tables below. A database of a newer version is refused. */
export const schemaVersion = 2;

/** The path that asks for a database in memory, gone when it is closed. */
export const memoryPath = ":memory:";

/** Columns that hold the keys of an index. */
export const indexColumns = {
  byDevice: { pk: "by_device_pk", sk: "by_device_sk" },
  byIssue: { pk: "by_issue_pk", sk: "by_issue_sk" },
  byExpiry: { pk: "by_expiry_pk", sk: "by_expiry_sk" },
  open: { pk: "open_pk", sk: "open_sk" },
} as const satisfies Record<IndexName, { pk: string; sk: string }>;

// A rowid table: rows of some kilobytes are appended, and only the short keys sort into the B-tree at random.
// TEXT compares by its UTF-8 octets (BINARY collation), as the port orders keys. Attributes come last so that
// reading a version never follows the row into its overflow pages.
const byExpiry = `
ALTER TABLE item ADD COLUMN by_expiry_pk TEXT;
ALTER TABLE item ADD COLUMN by_expiry_sk TEXT;
CREATE INDEX item_by_expiry ON item (by_expiry_pk, by_expiry_sk, pk, sk) WHERE by_expiry_pk IS NOT NULL;
`;

/** What makes a database of version n one of version n + 1, from version 1 on. */
const upgrades: readonly string[] = [byExpiry];

const tables = `
CREATE TABLE item (
  pk TEXT NOT NULL,
  sk TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  expires_at INTEGER,
  by_device_pk TEXT, by_device_sk TEXT,
  by_issue_pk TEXT, by_issue_sk TEXT,
  by_expiry_pk TEXT, by_expiry_sk TEXT,
  open_pk TEXT, open_sk TEXT,
  attributes TEXT NOT NULL,
  UNIQUE (pk, sk)
) STRICT;
CREATE INDEX item_by_device ON item (by_device_pk, by_device_sk, pk, sk) WHERE by_device_pk IS NOT NULL;
CREATE INDEX item_by_issue ON item (by_issue_pk, by_issue_sk, pk, sk) WHERE by_issue_pk IS NOT NULL;
CREATE INDEX item_by_expiry ON item (by_expiry_pk, by_expiry_sk, pk, sk) WHERE by_expiry_pk IS NOT NULL;
CREATE INDEX item_open ON item (open_pk, open_sk, pk, sk) WHERE open_pk IS NOT NULL;
CREATE INDEX item_expiry ON item (expires_at) WHERE expires_at IS NOT NULL;
`;

// WAL with FULL: a commit is on the disk when COMMIT returns, and readers never wait for writers.
// A checkpoint each 16 MB of journal: larger ones write faster and stall the event loop longer (35 ms here).
// The busy wait is short because it blocks the event loop; longer waits happen between attempts.
// What is deleted or replaced is overwritten in its page: see forgetting.ts. No rows pass through files elsewhere.
const settings = `
PRAGMA busy_timeout = 10;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA trusted_schema = OFF;
PRAGMA secure_delete = ON;
PRAGMA temp_store = MEMORY;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA cache_size = -16384;
PRAGMA journal_size_limit = 67108864;
`;

function prepareFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // SQLite gives its journal and shared-memory files the mode of the database.
  closeSync(openSync(path, "a", 0o600));
  chmodSync(path, 0o600);
}

function tableExists(database: DatabaseSync, name: string): boolean {
  const found = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(name);
  return found !== undefined;
}

const versionOf = (database: DatabaseSync): unknown =>
  database.prepare("SELECT version FROM schema").get()?.["version"];

const isOlder = (version: unknown): version is number =>
  typeof version === "number" && Number.isInteger(version) && version >= 1 && version < schemaVersion;

/** Whole or not at all; another process may have done it meanwhile. */
function upgradeSchema(database: DatabaseSync): void {
  inTransaction(database, () => {
    const version = versionOf(database);
    if (!isOlder(version)) return;
    for (const upgrade of upgrades.slice(version - 1)) database.exec(upgrade);
    database.prepare("UPDATE schema SET version = ?").run(schemaVersion);
  });
}

function checkSchema(database: DatabaseSync): void {
  if (isOlder(versionOf(database))) upgradeSchema(database);
  const version = versionOf(database);
  if (version === schemaVersion) return;
  throw new AppError(
    "configuration_invalid",
    `item database has schema version ${version}, this release knows ${schemaVersion}; ` +
      "run the release that wrote it, or restore a backup made before the upgrade",
  );
}

function ensureSchema(database: DatabaseSync): void {
  if (!tableExists(database, "schema")) createSchema(database);
  checkSchema(database);
}

function inTransaction(database: DatabaseSync, act: () => void): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    act();
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function createSchema(database: DatabaseSync): void {
  inTransaction(database, () => {
    // Looked at again under the lock: another process may have made the tables meanwhile.
    if (tableExists(database, "schema")) return;
    database.exec("CREATE TABLE schema (version INTEGER NOT NULL) STRICT");
    database.prepare("INSERT INTO schema (version) VALUES (?)").run(schemaVersion);
    database.exec(tables);
  });
}

function openOnce(path: string): DatabaseSync {
  if (path !== memoryPath) prepareFile(path);
  const database = new DatabaseSync(path);
  try {
    database.exec(settings);
    ensureSchema(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Opens the item database at `path`, making it (0600) and its directory (0700) when absent; ":memory:" keeps
 * it in memory.
 * @throws AppError configuration_invalid for a newer schema or a file that is no database; store_unavailable.
 */
export async function openDatabase(path: string): Promise<DatabaseSync> {
  try {
    // Switching to WAL needs the database for itself, and SQLite does not wait for that by itself.
    return await whenUnlocked(() => openOnce(path));
  } catch (error) {
    throw storeFailure(error);
  }
}
