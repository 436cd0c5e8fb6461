/** Room: core/rotation. Ceremonies as the store has them, and the loans that they keep. */
import { auditEntry } from "../audit/entry.ts";
import { AppError } from "../errors.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import {
  type CeremonyRecord,
  ceremonyItem,
  ceremonyPartition,
  ceremonyRecord,
  ceremonyRecordKey,
} from "../records/ceremony-record.ts";
import type { Stored } from "../records/certificate-record.ts";
import { readItems } from "../records/pages.ts";
import { idForm } from "./rollover-store.ts";
import type { CeremonyName } from "./views.ts";

/** Newest ones in which something can be left to do: one lasts an hour, and two people open each. */
const recentCeremonies = 100;

/** @throws AppError not_found: also for a ceremony of another fleet. */
export async function findCeremony(
  app: KeylessApp,
  { fleet, ceremonyId }: CeremonyName,
): Promise<Stored<CeremonyRecord>> {
  const key = ceremonyRecordKey(fleet, ceremonyId);
  const item = idForm.test(ceremonyId) ? await app.items.get(key) : undefined;
  if (item !== undefined) return ceremonyRecord(item);
  throw new AppError("not_found", "no ceremony of this fleet has that id; list them");
}

/** The newest, newest first. */
export async function recent(app: KeylessApp, fleet: string): Promise<readonly Stored<CeremonyRecord>[]> {
  const query = { pk: ceremonyPartition(fleet), descending: true, limit: recentCeremonies };
  return (await readItems(app, query)).map(ceremonyRecord);
}

/** It has not ended yet, whatever the time. */
export const isUnfinished = ({ state }: CeremonyRecord): boolean => state === "approved" || state === "open";

/** Roots may still be lent for it. */
export const isOutstanding = ({ loans, returnedAt }: CeremonyRecord): boolean =>
  loans !== undefined && loans.length > 0 && returnedAt === undefined;

export function ceremonyEntry(
  app: KeylessApp,
  { fleet, ceremonyId }: CeremonyRecord,
  action: "ceremony.approved" | "ceremony.opened" | "ceremony.ended" | "ceremony.roots-returned",
  actor: string,
  outcome: { readonly result?: "success" | "failure"; readonly reason?: string } = {},
): WriteOperation {
  return auditEntry(app, { fleet, action, actor, subject: ceremonyId, result: "success", ...outcome });
}

/** Writes the ceremony as it is to be. @throws AppError store_condition_failed: changed since it was read. */
export async function writeCeremony(
  app: KeylessApp,
  { version }: Stored<CeremonyRecord>,
  record: CeremonyRecord,
  ...others: readonly WriteOperation[]
): Promise<Stored<CeremonyRecord>> {
  await app.items.transact([{ put: ceremonyItem(record), when: version }, ...others]);
  return { value: record, version: version + 1 };
}

/** A root's key that is lent, or about to be while there is no `loanId`. */
export interface Loan {
  readonly keyId: string;
  readonly loanId: string;
  readonly token: string;
}

export const loanText = ({ keyId, loanId, token }: Loan): string => `${keyId}\n${loanId}\n${token}`;

export function loansOf({ loans = [] }: CeremonyRecord): readonly Loan[] {
  return loans.map((text) => {
    const [keyId = "", loanId = "", token = ""] = text.split("\n");
    return { keyId, loanId, token };
  });
}
