/**
 * Room: scripts. A registry that does not carry the binaries of other platforms leaves holes in the lock file,
 * and then `npm ci` fails everywhere. This fills each hole with what is known without the registry.
 *
 *     node scripts/complete-lock-file.ts     after `npm install` of a package with platform binaries
 *
 * A filled entry has no integrity value: npm checks one on the platforms whose entry has it. Running
 * `npm install` against a registry that has the package adds it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { completeLockFile, type LockFile } from "./lock-file.ts";

const path = join(import.meta.dirname, "../package-lock.json");
const lockFile = JSON.parse(readFileSync(path, "utf8")) as LockFile;
const filled = completeLockFile(lockFile);
if (filled.length > 0) writeFileSync(path, `${JSON.stringify(lockFile, undefined, 2)}\n`);
console.error(`filled ${filled.length} entries${filled.length > 0 ? `: ${filled.join(", ")}` : ""}`);
