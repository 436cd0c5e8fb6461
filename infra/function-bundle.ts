/**
 * Room: infra. What a function is deployed as: one ES module, everything it needs inside, made here and nowhere
 * else, so that the bundle that is measured, tested and rehearsed is the bundle that is deployed.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync, type Metafile } from "esbuild";
import type { FunctionId, TaskFunctionId } from "../lambdas/routes.ts";

const root = join(import.meta.dirname, "..");

export interface FunctionBundle {
  readonly entry: FunctionId | TaskFunctionId;
  /** Made when absent; receives `index.mjs`, whose `handler` is the function. */
  readonly directory: string;
  /**
   * Absolute path of a module that exports `withForwardedCertificate(handler)`.
   * @default none: the handler is the entry's own, and the bundle knows no wrapper
   */
  readonly wrapper?: string;
}

export interface ModuleBundle {
  /** Source of the bundle's first module, ES module syntax; imports are relative to the repository. */
  readonly source: string;
  readonly directory: string;
}

export interface BundleReport {
  /** Path of `index.mjs`. */
  readonly file: string;
  readonly bytes: number;
  /** What is inside, by path relative to the repository. */
  readonly metafile: Metafile;
}

/** CommonJS packages inside an ES module still call `require` for Node's own modules. */
const requireBanner =
  'import{createRequire as fleetkeyCreateRequire}from"node:module";const require=fleetkeyCreateRequire(import.meta.url);\n';

function callsRequire({ inputs }: Metafile): boolean {
  return Object.values(inputs).some(({ imports }) =>
    imports.some((one) => one.kind === "require-call" && one.external === true),
  );
}

/**
 * Bundles a module for the functions' runtime into `directory/index.mjs`. The same sources give the same octets.
 * @throws Error when an import cannot be resolved or a source does not parse.
 */
export function bundleModule({ source, directory }: ModuleBundle): BundleReport {
  const { metafile, outputFiles } = buildSync({
    absWorkingDir: root,
    stdin: { contents: source, resolveDir: root, sourcefile: "entry.ts", loader: "ts" },
    outfile: "index.mjs",
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // Packages' ES modules can be cut to what is used, their CommonJS cannot.
    mainFields: ["module", "main"],
    minify: true,
    legalComments: "none",
    charset: "utf8",
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error(`nothing came of bundling:\n${source}`);
  const text = callsRequire(metafile) ? requireBanner + output.text : output.text;
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "index.mjs");
  writeFileSync(file, text);
  return { file, bytes: Buffer.byteLength(text), metafile };
}

function entrySource({ entry, wrapper }: FunctionBundle): string {
  const path = JSON.stringify(`./lambdas/${entry}/entry.ts`);
  if (wrapper === undefined) return `export { handler } from ${path};\n`;
  return [
    `import { handler as entryHandler } from ${path};`,
    `import { withForwardedCertificate } from ${JSON.stringify(wrapper)};`,
    "export const handler = withForwardedCertificate(entryHandler);",
    "",
  ].join("\n");
}

/** Bundles one function's entry as it is deployed. @throws Error as `bundleModule`. */
export function bundleFunction(bundle: FunctionBundle): BundleReport {
  return bundleModule({ source: entrySource(bundle), directory: bundle.directory });
}
