/**
 * Room: scripts. Documents that are rendered from the code they describe, so that they cannot drift.
 *
 *     node scripts/render-docs.ts            write them
 *     node scripts/render-docs.ts --check    fail when a written one differs from what the code says
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { renderSecurityStandard } from "../core/standard/render.ts";
import { renderStorage } from "../core/standard/render-storage.ts";
import { openApiDocument } from "../lambdas/http/openapi.ts";
import { renderAccess } from "./access/render.ts";
import { renderCosts } from "./costs/render.ts";
import { firstDifference } from "./first-difference.ts";

const root = join(import.meta.dirname, "..");

const documents = [
  { path: "docs/security-standard.md", source: "core/standard/", render: () => renderSecurityStandard() },
  { path: "docs/data-at-rest.md", source: "core/standard/", render: () => renderStorage() },
  {
    path: "docs/openapi.json",
    source: "lambdas/routes.ts and lambdas/http/",
    render: () => JSON.stringify(openApiDocument(), undefined, 2),
  },
  { path: "docs/access.md", source: "lambdas/routes.ts and core/standard/access.ts", render: renderAccess },
  { path: "docs/costs.md", source: "scripts/costs/", render: renderCosts },
] as const;

function readWritten(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

const check = process.argv.includes("--check");
for (const { path, source, render } of documents) {
  const rendered = `${render().trimEnd()}\n`;
  const written = readWritten(path);
  if (written === rendered) continue;
  if (check) {
    const detail = written === undefined ? "it does not exist" : firstDifference(written, rendered);
    console.error(
      `${path} is not what ${source} says: ${detail}\nRun \`npm run docs\` and commit the result.\n`,
    );
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), rendered);
    console.error(`wrote ${path}`);
  }
}
