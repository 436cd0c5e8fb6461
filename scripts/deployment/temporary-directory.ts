/** Room: scripts/deployment. Directories that are gone when the work is, and when it is broken off too. */
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryDirectory {
  readonly path: string;
  remove(): Promise<void>;
}

/** Readable by its owner alone (mkdtemp, POSIX). */
export async function makeTemporaryDirectory(name: string): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), `fleetkey-${name}-`));
  const removeAtExit = (): void => rmSync(path, { recursive: true, force: true });
  process.once("exit", removeAtExit);
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true });
      process.off("exit", removeAtExit);
    },
  };
}

/** A signal ends the process by its exit handlers, and so by what removes files and ends children. */
export function exitOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => process.exit(130));
}
