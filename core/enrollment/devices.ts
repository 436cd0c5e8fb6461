/**
 * Room: core/enrollment. Inventory uploads. New rows are stored many to a transaction; a row that meets what is there
 * already is looked at by itself, so each row stands alone and a repeated upload changes nothing.
 */

import { auditEntry } from "../audit/entry.ts";
import { assertFleetActive } from "../authority/issuer.ts";
import { AppError, type ErrorCode, isAppError } from "../errors.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import { accessLimits } from "../standard/access.ts";
import {
  type DeviceRegistration,
  type PlannedRow,
  planRow,
  type Registrar,
  registerRow,
} from "./registration.ts";

export interface RefusedRow {
  /** Index in the upload, from 0. */
  readonly row: number;
  readonly code: ErrorCode;
  readonly detail: string;
}

export interface Registrations {
  readonly registered: number;
  readonly unchanged: number;
  readonly refused: readonly RefusedRow[];
}

/** Operations of one transaction; a store takes 100. */
const batchOperations = 90;
/** Rows that are looked at singly at the same time. */
const singleRows = 16;

type Outcome = "registered" | "unchanged" | RefusedRow;

function refusal(row: number, error: unknown): RefusedRow {
  // What is wrong with the store is no row's fault.
  const codes: readonly ErrorCode[] = [
    "already_exists",
    "name_not_permitted",
    "profile_not_permitted",
    "request_invalid",
    "store_condition_failed",
  ];
  if (!isAppError(error) || !codes.includes(error.code)) throw error;
  return { row, code: error.code, detail: error.message };
}

const keyOf = ({ pk, sk }: { readonly pk: string; readonly sk: string }): string => `${pk}\n${sk}`;

interface Batches {
  readonly batches: readonly (readonly PlannedRow[])[];
  /** Rows that want an item which an earlier one wants too. */
  readonly repeated: readonly PlannedRow[];
}

function batched(rows: readonly PlannedRow[]): Batches {
  const taken = new Set<string>();
  const batches: PlannedRow[][] = [];
  const repeated: PlannedRow[] = [];
  let operations = batchOperations;
  for (const row of rows) {
    const keys = row.wanted.map(({ item }) => keyOf(item));
    if (keys.some((key) => taken.has(key))) {
      repeated.push(row);
      continue;
    }
    for (const key of keys) taken.add(key);
    if (operations + keys.length > batchOperations) {
      batches.push([]);
      operations = 0;
    }
    batches.at(-1)?.push(row);
    operations += keys.length;
  }
  return { batches, repeated };
}

/** The rows that met something; the others are stored. */
async function storeBatch(
  app: KeylessApp,
  batch: readonly PlannedRow[],
): Promise<{ readonly stored: number; readonly met: readonly PlannedRow[] }> {
  let rows = batch;
  const met: PlannedRow[] = [];
  while (rows.length > 0) {
    const operations = rows.flatMap((row) =>
      row.wanted.map(({ item }) => ({ row, operation: { put: item, when: "absent" } as WriteOperation })),
    );
    try {
      await app.items.transact(operations.map(({ operation }) => operation));
      return { stored: rows.length, met };
    } catch (error) {
      if (!isAppError(error, "store_condition_failed")) throw error;
      const failed = new Set((error.failedOperations ?? []).map((index) => operations[index]?.row));
      // A store that does not say which: each row is looked at by itself.
      met.push(...(failed.size === 0 ? rows : rows.filter((row) => failed.has(row))));
      rows = failed.size === 0 ? [] : rows.filter((row) => !failed.has(row));
    }
  }
  return { stored: 0, met };
}

async function storeSingly(app: KeylessApp, rows: readonly PlannedRow[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let start = 0; start < rows.length; start += singleRows) {
    const some = rows.slice(start, start + singleRows);
    const done = some.map((row) => registerRow(app, row).catch((error) => refusal(row.row, error)));
    outcomes.push(...(await Promise.all(done)));
  }
  return outcomes;
}

function plan(
  app: KeylessApp,
  registrar: Registrar,
  registrations: readonly DeviceRegistration[],
): { readonly rows: readonly PlannedRow[]; readonly refused: readonly RefusedRow[] } {
  const rows: PlannedRow[] = [];
  const refused: RefusedRow[] = [];
  for (const [row, registration] of registrations.entries()) {
    try {
      rows.push(planRow(app, registrar, registration, row));
    } catch (error) {
      refused.push(refusal(row, error));
    }
  }
  return { rows, refused };
}

function checkSize(count: number): void {
  const { devicesPerUpload } = accessLimits;
  if (count >= 1 && count <= devicesPerUpload) return;
  throw new AppError(
    "request_invalid",
    `upload of ${count} devices; send 1 to ${devicesPerUpload} at a time`,
  );
}

/** Before the rows: what a crash leaves half done is on record. */
async function recordUpload(app: KeylessApp, { fleet, actor }: Registrar): Promise<void> {
  const subject = fleet.record.fleet;
  const act = { fleet: subject, action: "devices.registered", actor, subject, result: "success" } as const;
  await app.items.transact([auditEntry(app, act)]);
}

/**
 * Rows that are refused are told by their index with code and detail; the others are stored, and repeating the upload
 * finds them unchanged.
 * @throws AppError request_invalid (number of rows), fleet_suspended, store_unavailable: then repeat the upload.
 */
export async function registerDevices(
  app: KeylessApp,
  registrar: Registrar,
  registrations: readonly DeviceRegistration[],
): Promise<Registrations> {
  checkSize(registrations.length);
  assertFleetActive(registrar.fleet);
  const { rows, refused } = plan(app, registrar, registrations);
  if (rows.length === 0) return { registered: 0, unchanged: 0, refused };
  await recordUpload(app, registrar);
  const { batches, repeated } = batched(rows);
  const results = await Promise.all(batches.map((batch) => storeBatch(app, batch)));
  const singles = await storeSingly(app, [...results.flatMap(({ met }) => met), ...repeated]);
  const stored = results.reduce((sum, result) => sum + result.stored, 0);
  const late = singles.flatMap((outcome) => (typeof outcome === "string" ? [] : [outcome]));
  return {
    registered: stored + singles.filter((outcome) => outcome === "registered").length,
    unchanged: singles.filter((outcome) => outcome === "unchanged").length,
    refused: [...refused, ...late].sort((left, right) => left.row - right.row),
  };
}
