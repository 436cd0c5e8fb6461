/** Room: test. What a function parses before its first request, in the files that are deployed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BundleReport, bundleFunction } from "../../infra/function-bundle.ts";
import { type FunctionId, routes } from "../../lambdas/routes.ts";

const functions: readonly FunctionId[] = [...new Set(routes.map((row) => row.function))];
const directory = mkdtempSync(join(tmpdir(), "fleetkey-cold-start-"));
const bundles = new Map<FunctionId, BundleReport>();
beforeAll(() => {
  for (const entry of functions)
    bundles.set(entry, bundleFunction({ entry, directory: join(directory, entry) }));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Parts {
  readonly atOnce: string;
  readonly later: string;
}

/** Modules by when they are parsed: with `index.mjs` and what it imports at once, or only when something asks. */
function partsOf(entry: FunctionId): Parts {
  const outputs = bundles.get(entry)?.metafile.outputs ?? {};
  const first = Object.keys(outputs).filter((path) => basename(path) === "index.mjs");
  const files = new Set(first);
  for (const file of files)
    for (const { path, kind } of outputs[file]?.imports ?? [])
      if (kind === "import-statement" && path in outputs) files.add(path);
  const modulesOf = (paths: readonly string[]): string =>
    paths.flatMap((path) => Object.keys(outputs[path]?.inputs ?? {})).join("\n");
  expect(first).toHaveLength(1);
  return {
    atOnce: modulesOf([...files]),
    later: modulesOf(Object.keys(outputs).filter((path) => !files.has(path))),
  };
}

const verifiers = /node_modules\/(?:jose|@simplewebauthn\/server)\//;

describe.each(functions.map((entry) => ({ entry })))("the cold start of $entry", ({ entry }) => {
  it("parses no library for tokens or passkeys: they wait in chunks for the first that is shown", () => {
    const { atOnce, later } = partsOf(entry);
    expect(atOnce).toContain(`lambdas/${entry}/handler.ts`);
    expect(atOnce).not.toMatch(verifiers);
    expect(later).toMatch(/node_modules\/jose\//);
    expect(later).toMatch(/node_modules\/@simplewebauthn\/server\//);
  });
});
