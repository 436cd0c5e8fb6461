/**
 * Room: core/protection. Jobs of safekeeping, re-encryptions and destructions, as they are named, found and listed: an
 * id begins with its time, so that the newest come first.
 */
import { AppError, isAppError } from "../errors.ts";
import type { App, Item, ItemKey, KeylessApp } from "../ports.ts";
import { readItems } from "../records/pages.ts";

export interface KeepingListRequest {
  readonly fleet: string;
  /** 1 to 1,000. */
  readonly limit: number;
  /** From the previous page. */
  readonly cursor?: string;
}

const idForm = /^[0-9a-f]{32}$/;

/** 32 hexadecimal digits: 12 of `now` in milliseconds, 20 random. */
export function drawKeepingId(app: Pick<App, "entropy">, now: number): string {
  return now.toString(16).padStart(12, "0") + Buffer.from(app.entropy.bytes(10)).toString("hex");
}

/** @throws AppError not_found, with `remedy`: also for the id of another fleet's. */
export async function findKeepingItem(
  app: KeylessApp,
  keyOf: (id: string) => ItemKey,
  id: string,
  remedy: string,
): Promise<Item> {
  const item = idForm.test(id) ? await app.items.get(keyOf(id)) : undefined;
  if (item === undefined) throw new AppError("not_found", remedy);
  return item;
}

/**
 * One page of the partition, newest first; the cursor is the id of the first that has not been shown.
 * @throws AppError request_invalid (limit), cursor_invalid.
 */
export async function keepingPage(
  app: KeylessApp,
  pk: string,
  { limit, cursor }: Omit<KeepingListRequest, "fleet">,
): Promise<{ readonly items: readonly Item[]; readonly cursor?: string }> {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new AppError("request_invalid", `limit ${limit} is outside 1 to 1000; follow the cursor for more`);
  if (cursor !== undefined && !idForm.test(cursor))
    throw new AppError("cursor_invalid", "the cursor is not one that this list gave; start without one");
  const from = cursor === undefined ? {} : { to: cursor };
  const items = await readItems(app, { pk, descending: true, limit: limit + 1, ...from });
  const next = items[limit];
  const shown = items.slice(0, limit);
  return next === undefined ? { items: shown } : { items: shown, cursor: next.sk };
}

/** The code of what failed, for logs and records. */
export const codeOf = (error: unknown): string => (isAppError(error) ? error.code : "internal");
