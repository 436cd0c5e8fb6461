/**
 * Room: core/protection. That somebody read protected data, or moved it to where others may read it: written before the
 * data is given (45 CFR 164.312(b)).
 */
import { auditEntry } from "../audit/entry.ts";
import type { ProtectionApp } from "../ports.ts";
import type { DataCaller, DataContext } from "./data-caller.ts";

/** @throws AppError store_unavailable: then nothing is shown. */
export async function recordReading(
  app: ProtectionApp,
  { fleet, actor }: DataCaller,
  { subject, purpose }: DataContext,
): Promise<void> {
  const act = { fleet, action: "data.read", actor, subject, result: "success", reason: purpose } as const;
  await app.items.transact([auditEntry(app, act)]);
}

/** Of one subject, or one purpose, to another's. @throws AppError store_unavailable: then nothing is given. */
export async function recordMove(
  app: ProtectionApp,
  { fleet, actor }: DataCaller,
  { subject, purpose }: DataContext,
  to: DataContext,
): Promise<void> {
  const reason = `${purpose} to ${to.purpose} of ${to.subject}`;
  const act = { fleet, action: "data.moved", actor, subject, result: "success", reason } as const;
  await app.items.transact([auditEntry(app, act)]);
}

/** `plaintext` once its reading is on record; else it is overwritten. */
export async function shown(
  app: ProtectionApp,
  caller: DataCaller,
  context: DataContext,
  plaintext: Buffer,
): Promise<Buffer> {
  try {
    await recordReading(app, caller, context);
    return plaintext;
  } catch (error) {
    plaintext.fill(0);
    throw error;
  }
}
