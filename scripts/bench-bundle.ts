/**
 * Room: scripts. What each function costs to load: `npm run bench:bundle` bundles every `lambdas/{duty}/handler.ts`
 * as it is deployed and prints its size, the time a fresh Node takes to import it, and its heaviest module.
 *
 *     node scripts/bench-bundle.ts [--json]
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";

const root = join(import.meta.dirname, "..");
const runs = 9;

interface Row {
  readonly function: string;
  readonly bytes: number;
  readonly gzipped: number;
  readonly importMilliseconds: number;
  readonly heaviest: string;
  readonly heaviestBytes: number;
}

/** CommonJS packages inside an ES module bundle still call `require` for Node's own modules. */
const banner =
  'import { createRequire as fleetkeyRequire } from "node:module"; const require = fleetkeyRequire(import.meta.url);';

async function bundle(
  handler: string,
  directory: string,
): Promise<{ file: string; metafile: Metafile; text: string }> {
  const file = join(directory, `${basename(dirname(handler))}.mjs`);
  const result = await build({
    absWorkingDir: root,
    entryPoints: [handler],
    outfile: file,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    minify: true,
    metafile: true,
    write: false,
    logLevel: "warning",
    banner: { js: banner },
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error(`esbuild wrote nothing for ${handler}`);
  writeFileSync(file, output.contents);
  return { file, metafile: result.metafile, text: output.text };
}

function wallTime(script: string): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  const taken = performance.now() - started;
  if (status !== 0) throw new Error(`importing ${script} failed with status ${status}: ${stderr}`);
  return taken;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Bare starts alternate with imports, so that a busy machine slows both alike. */
function importTime(file: string, directory: string): number {
  const bare = join(directory, "bare.mjs");
  const loader = join(directory, "loader.mjs");
  writeFileSync(bare, "");
  // An imported client may hold the process open; what is timed ends with the import.
  writeFileSync(loader, `await import(${JSON.stringify(pathToFileURL(file).href)}); process.exit(0);`);
  const pairs = Array.from({ length: runs }, () => ({ bare: wallTime(bare), loaded: wallTime(loader) }));
  return median(pairs.map((pair) => pair.loaded)) - median(pairs.map((pair) => pair.bare));
}

function heaviestModule(metafile: Metafile): { path: string; bytes: number } {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const sorted = inputs
    .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }))
    .sort((left, right) => right.bytes - left.bytes);
  return sorted[0] ?? { path: "none", bytes: 0 };
}

async function measure(handler: string, directory: string): Promise<Row> {
  const { file, metafile, text } = await bundle(handler, directory);
  const heaviest = heaviestModule(metafile);
  return {
    function: basename(dirname(handler)),
    bytes: Buffer.byteLength(text),
    gzipped: gzipSync(text).length,
    importMilliseconds: Math.round(importTime(file, directory) * 10) / 10,
    heaviest: heaviest.path,
    heaviestBytes: heaviest.bytes,
  };
}

const handlers = globSync("lambdas/*/handler.ts", { cwd: root, exclude: ["lambdas/http/**"] }).sort();
const directory = mkdtempSync(join(tmpdir(), "fleetkey-bundles-"));
try {
  const rows: Row[] = [];
  for (const handler of handlers) rows.push(await measure(handler, directory));
  if (process.argv.includes("--json")) console.log(JSON.stringify(rows));
  else if (rows.length === 0)
    console.error("no function has a handler: lambdas/*/handler.ts matches nothing");
  else console.table(rows);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
