/** zlint as a judge: many certificates or CRLs in one run, and what it says of each. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export type ZlintResult = "pass" | "NA" | "NE" | "info" | "warn" | "error" | "fatal";

/** By the lint's name. */
export type ZlintReport = ReadonlyMap<string, ZlintResult>;

/** Every source that speaks of certificates in general; the browsers' rules are for the public web. */
const certificateSources = ["RFC3279", "RFC5280", "RFC5480", "RFC5891", "RFC8813"];

/** Files of one run: long enough that starting costs little, short enough for any command line. */
const batchSize = 250;
const run = promisify(execFile);

function parseReport(line: string): ZlintReport {
  const lints = JSON.parse(line) as Readonly<Record<string, { readonly result: ZlintResult }>>;
  return new Map(Object.entries(lints).map(([name, { result }]) => [name, result]));
}

async function runBatch(
  folder: string,
  inputs: readonly Buffer[],
  start: number,
  sources: readonly string[],
): Promise<readonly ZlintReport[]> {
  const batch = inputs.slice(start, start + batchSize);
  const files = batch.map((_, index) => join(folder, `${start + index}.der`));
  await Promise.all(batch.map((der, index) => writeFile(files[index] ?? "", der)));
  const args = ["-format", "der", "-includeSources", sources.join(","), ...files];
  // The command line of a whole batch would drown what zlint says.
  const { stdout } = await run("zlint", args, { maxBuffer: 256 * 1024 * 1024 }).catch((error: unknown) => {
    const said = error instanceof Error && "stderr" in error ? error.stderr : error;
    throw new Error(`zlint: ${said}`);
  });
  return stdout.trim().split("\n").map(parseReport);
}

/** One report for each certificate or CRL (DER), in order. Rejects when zlint cannot read one. */
export async function zlint(
  inputs: readonly Buffer[],
  sources: readonly string[] = certificateSources,
): Promise<readonly ZlintReport[]> {
  const folder = await mkdtemp(join(tmpdir(), "fleetkey-zlint-"));
  try {
    const reports: ZlintReport[] = [];
    for (let start = 0; start < inputs.length; start += batchSize) {
      reports.push(...(await runBatch(folder, inputs, start, sources)));
    }
    return reports;
  } finally {
    await rm(folder, { recursive: true });
  }
}
