/**
 * Room: scripts. Searches what a run wrote to standard error for secrets and personal data.
 *
 *     node scripts/search-secrets.ts DIRECTORY
 *
 * Fails when it finds one, and when there is nothing to search: a search of nothing proves nothing.
 */
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canaries } from "./secrets/canaries.ts";
import { searchSecrets } from "./secrets/search.ts";

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  process.stderr.write("usage: node scripts/search-secrets.ts DIRECTORY\n");
  process.exit(2);
}

// A test's own directory: long enough to look like a token, and random at its end.
const temporary = new RegExp(`${tmpdir()}/[\\w-]+`, "g");

let lines = 0;
let logLines = 0;
let findings = 0;
const files = readdirSync(directory).filter((name) => name.endsWith(".log"));
for (const name of files) {
  const text = readFileSync(join(directory, name), "utf8").replaceAll(temporary, "");
  const report = searchSecrets(text, canaries);
  lines += report.lines;
  logLines += report.logLines;
  findings += report.findings.length;
  for (const { line, kind } of report.findings) process.stdout.write(`${name}, line ${line}: ${kind}\n`);
}
process.stdout.write(
  `searched ${lines} lines of ${files.length} processes, ${logLines} of the product's log: ${findings} secrets or personal data\n`,
);
if (findings > 0 || logLines === 0) process.exitCode = 1;
