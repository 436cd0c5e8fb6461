/**
 * Room: test/support. Loaded into every Node process of a run (`node --import`), it keeps a copy of what the process
 * writes to standard error, which is where the product logs, for scripts/search-secrets.ts to search in the end.
 */
import { openSync, writeSync } from "node:fs";
import { join } from "node:path";

const directory = process.env["FLEETKEY_STDERR_COPY"];
if (directory !== undefined && directory !== "") {
  const file = openSync(join(directory, `${process.pid}-${process.hrtime.bigint()}.log`), "a", 0o600);
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = (chunk, ...rest) => {
    writeSync(file, chunk);
    return write(chunk, ...rest);
  };
}
