/** Room: core/protection. That somebody read protected data: written before the data is given (45 CFR 164.312(b)). */
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
