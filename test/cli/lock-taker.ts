/**
 * Takes and gives back a lock as often as told. Arguments: the lock, the times. Prints `overlap` whenever
 * another process was inside at the same time, and `taken N` in the end.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { Failure } from "../../cli/failure.ts";
import { withFileLock } from "../../cli/file-lock.ts";

const [path = "", times = "0"] = process.argv.slice(2);
const inside = `${path}.inside`;
let taken = 0;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function work(): Promise<void> {
  try {
    writeFileSync(inside, String(process.pid), { flag: "wx" });
  } catch {
    // A process that was killed inside left its file, and that is no overlap.
    if (isRunning(Number(readFileSync(inside, "utf8")))) return console.log("overlap");
    writeFileSync(inside, String(process.pid));
  }
  taken += 1;
  await new Promise((done) => setImmediate(done));
  rmSync(inside, { force: true });
}

for (let turn = 0; turn < Number(times); turn += 1) {
  try {
    await withFileLock(path, work);
  } catch (error) {
    if (!(error instanceof Failure && error.code === "locked")) throw error;
  }
}
console.log(`taken ${taken}`);
