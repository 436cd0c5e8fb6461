/**
 * Room: infra. What a function is deployed as: an ES module with everything it needs beside it. Made here and
 * nowhere else, so that the bundle that is measured, tested and rehearsed is the bundle that is deployed.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
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
  /** Everything in `index.mjs`, needed at the start or not. @default false: lazy imports become chunks */
  readonly singleFile?: boolean;
}

export interface BundleReport {
  /** Path of `index.mjs`. */
  readonly file: string;
  /** Of all files: `index.mjs`, the chunks it imports at once, and those it may import later. */
  readonly bytes: number;
  /** What is inside, by path relative to the repository. */
  readonly metafile: Metafile;
}

/** CommonJS packages inside an ES module still call `require` for Node's own modules. */
const requireBanner =
  'import{createRequire as fleetkeyCreateRequire}from"node:module";const require=fleetkeyCreateRequire(import.meta.url);\n';

/** Part of the bundler's own stand-in for `require`, where there is none. */
const requireStandIn = 'Dynamic require of "';

const withRequire = (text: string): string => (text.includes(requireStandIn) ? requireBanner + text : text);

/**
 * Bundles a module for the functions' runtime into `directory/index.mjs` and chunks beside it. The same sources
 * give the same octets, so what a line of a deployed bundle was is found by bundling its commit again with a map;
 * none is deployed.
 * @throws Error when an import cannot be resolved or a source does not parse.
 */
export function bundleModule({ source, directory, singleFile = false }: ModuleBundle): BundleReport {
  const { metafile, outputFiles } = buildSync({
    absWorkingDir: root,
    stdin: { contents: source, resolveDir: root, sourcefile: "index.ts", loader: "ts" },
    // Nothing is written there; the names of chunks follow from their contents and this, never from `directory`.
    outdir: join(root, "bundle"),
    entryNames: "index",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    // What a package imports only when it needs it, such as a source of credentials that is not used on Lambda,
    // is then not even parsed at the start.
    splitting: !singleFile,
    format: "esm",
    platform: "node",
    target: "node24",
    // Packages' ES modules can be cut to what is used, their CommonJS cannot.
    mainFields: ["module", "main"],
    minify: true,
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  mkdirSync(directory, { recursive: true });
  const sizes = outputFiles.map(({ path, text }) => {
    const output = withRequire(text);
    writeFileSync(join(directory, basename(path)), output);
    return Buffer.byteLength(output);
  });
  return {
    file: join(directory, "index.mjs"),
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    metafile,
  };
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
