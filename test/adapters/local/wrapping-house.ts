/** Room: test/adapters/local. A key store in a directory of its own, whose days go by as a test likes. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { softwareWrappingKeys } from "../../../adapters/local/software-wrapping-keys.ts";

export const dayMilliseconds = 86_400_000;

export function wrappingHouse() {
  const root = mkdtempSync(join(tmpdir(), "fleetkey-wrapping-"));
  const directory = join(root, "keys");
  const keyFile = join(root, "master.key");
  let now = Date.now();
  return {
    root,
    directory,
    keyFile,
    now: () => now,
    passDays: (days: number) => {
      now += days * dayMilliseconds;
    },
    open: () => softwareWrappingKeys({ directory, masterKey: { keyFile }, clock: { now: () => now } }),
    path: (file: string) => join(directory, file),
    files: () =>
      readdirSync(directory).filter((file) => file.startsWith("wrapping.") && file.endsWith(".json")),
    close: () => rmSync(root, { recursive: true }),
  };
}
