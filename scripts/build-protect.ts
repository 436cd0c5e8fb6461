/**
 * Room: scripts. `npm run build:protect`: what an installed package gives as `fleetkey/protect`, for Node strips no types
 * below node_modules. JavaScript and declarations, module by module, into dist/protect; `npm pack` does it first.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const output = join(root, "dist/protect");

/** The compiler rewrites the endings of imports in JavaScript, and leaves them in declarations. */
function rewriteEndings(declarations: string): void {
  const text = readFileSync(declarations, "utf8");
  writeFileSync(declarations, text.replaceAll(/(from "\.{1,2}\/[^"]+)\.ts"/g, '$1.js"'));
}

rmSync(output, { recursive: true, force: true });
const compiler = join(root, "node_modules/typescript/bin/tsc");
execFileSync(process.execPath, [compiler, "-p", join(root, "tsconfig.protect.json")], { stdio: "inherit" });
for (const name of readdirSync(output, { recursive: true, encoding: "utf8" }))
  if (name.endsWith(".d.ts")) rewriteEndings(join(output, name));
