/**
 * Room: test/support. What tests let the product log into memory, copied beside what it writes to standard error
 * (`stderr-copy.mjs`), for scripts/search-secrets.ts: before redaction, so that a secret is found whatever stops it later.
 */
import { openSync, writeSync } from "node:fs";
import { join } from "node:path";

interface Line {
  readonly level: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

const directory = process.env["FLEETKEY_STDERR_COPY"] ?? "";
const file =
  directory === ""
    ? undefined
    : openSync(join(directory, `${process.pid}-${process.hrtime.bigint()}.memory.log`), "a", 0o600);

/** One line as `createLog` writes them; nothing outside a run that is searched. */
export function copyLine({ level, event, fields }: Line): void {
  if (file === undefined) return;
  writeSync(file, `${JSON.stringify({ time: new Date(0).toISOString(), level, event, ...fields })}\n`);
}
