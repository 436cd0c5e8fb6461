/**
 * Room: scripts. What each function costs to start: `npm run bench:bundle` bundles every entry as it is deployed,
 * and beside it the SDK clients alone that this very entry holds, and prints size and import time of both.
 *
 *     node scripts/bench-bundle.ts [--json]
 *
 * A bare bundle is what anyone would write who wants these clients and nothing else: the same commands, imported
 * by name from the same packages, and clients made with no options. It is measured twice: in one file, as a
 * bundler makes it unless told otherwise, and split as our functions are, which starts faster: `ratio` and
 * `splitRatio` are the function over the one and the other. All are imported in fresh processes in turn, in one
 * run, so that a busy machine slows all alike.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { type BundleReport, bundleFunction, bundleModule } from "../infra/function-bundle.ts";
import { type FunctionId, routes, type TaskFunctionId, tasks } from "../lambdas/routes.ts";
import { functionEnvironment } from "./function-environment.ts";

const runs = 21;
const target = 1.25;

/** What a deployment sets, and nothing else of this process's environment. */
const environment = {
  ...functionEnvironment,
  AWS_ACCESS_KEY_ID: "example",
  AWS_SECRET_ACCESS_KEY: "example",
};

interface Row {
  readonly function: string;
  readonly kilobytes: number;
  readonly gzipped: number;
  readonly milliseconds: number;
  readonly bareKilobytes: number;
  readonly bareMilliseconds: number;
  readonly splitMilliseconds: number;
  readonly ratio: number;
  readonly splitRatio: number;
  /** The largest module of our own and of packages. */
  readonly heaviest: string;
}

/** Modules whose code is in the bundle, with the octets that each takes there. */
function contents({ metafile }: BundleReport): readonly (readonly [path: string, bytes: number])[] {
  return Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .map(([path, { bytesInOutput }]) => [path, bytesInOutput] as const)
    .filter(([, bytes]) => bytes > 0)
    .sort(([, left], [, right]) => right - left);
}

/** Paths of the modules that are loaded when the bundle is imported, and not when something first needs them. */
function loadedAtOnce({ metafile: { outputs } }: BundleReport): ReadonlySet<string> {
  const files = new Set(Object.keys(outputs).filter((file) => basename(file) === "index.mjs"));
  // A set gives what is added while it is walked.
  for (const file of files)
    for (const { path, kind } of outputs[file]?.imports ?? [])
      if (kind === "import-statement" && path in outputs) files.add(path);
  return new Set([...files].flatMap((file) => Object.keys(outputs[file]?.inputs ?? {})));
}

const sdkModule =
  /@aws-sdk\/(?<service>client-[a-z0-9-]+)\/dist-es\/(?:commands\/(?<command>\w+Command)|(?<client>\w+Client))\.js$/;

/** Imports the clients that the bundle holds and the commands with which it starts, and makes each client. */
function bareSource(bundle: BundleReport): string {
  const atOnce = loadedAtOnce(bundle);
  const services = new Map<string, { clients: string[]; commands: string[] }>();
  for (const [path] of contents(bundle)) {
    const { service, command, client } = sdkModule.exec(path)?.groups ?? {};
    if (service === undefined) continue;
    const known = services.get(service) ?? { clients: [], commands: [] };
    if (command !== undefined && atOnce.has(path)) known.commands.push(command);
    if (client !== undefined) known.clients.push(client);
    services.set(service, known);
  }
  const rows = [...services].map(([service, { clients, commands }]) => ({
    imports: `import { ${[...clients, ...commands].join(", ")} } from "@aws-sdk/${service}";`,
    uses: [...clients.map((client) => `new ${client}({})`), ...commands],
  }));
  const uses = rows.flatMap((row) => row.uses).join(", ");
  return [...rows.map((row) => row.imports), `export const handler = async () => [${uses}];`, ""].join("\n");
}

/** Milliseconds that a fresh process takes to import `file`. */
function importTime(file: string, loader: string): number {
  // An imported client may hold the process open; what is timed ends with the import.
  const source = [
    "const started = performance.now();",
    `await import(${JSON.stringify(pathToFileURL(file).href)});`,
    "process.stdout.write(String(performance.now() - started), () => process.exit(0));",
  ];
  writeFileSync(loader, source.join("\n"));
  const { status, stdout, stderr } = spawnSync(process.execPath, [loader], {
    encoding: "utf8",
    env: environment,
  });
  if (status !== 0) throw new Error(`importing ${file} failed with status ${status}: ${stderr}`);
  return Number(stdout);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

function measure(entry: FunctionId | TaskFunctionId, directory: string): Row {
  const whole = bundleFunction({ entry, directory: join(directory, entry) });
  const source = bareSource(whole);
  const bare = bundleModule({ source, directory: join(directory, `${entry}-bare`), singleFile: true });
  const split = bundleModule({ source, directory: join(directory, `${entry}-split`) });
  const loader = join(directory, "loader.mjs");
  const rounds = Array.from({ length: runs }, () => ({
    whole: importTime(whole.file, loader),
    bare: importTime(bare.file, loader),
    split: importTime(split.file, loader),
  }));
  const wholeTime = median(rounds.map((round) => round.whole));
  const bareTime = median(rounds.map((round) => round.bare));
  const splitTime = median(rounds.map((round) => round.split));
  const [[path, bytes] = ["nothing", 0]] = contents(whole);
  return {
    function: entry,
    kilobytes: rounded(whole.bytes / 1024, 0),
    gzipped: rounded(gzipSync(readFileSync(whole.file)).length / 1024, 0),
    milliseconds: rounded(wholeTime, 1),
    bareKilobytes: rounded(bare.bytes / 1024, 0),
    bareMilliseconds: rounded(bareTime, 1),
    splitMilliseconds: rounded(splitTime, 1),
    ratio: rounded(wholeTime / bareTime, 2),
    splitRatio: rounded(wholeTime / splitTime, 2),
    heaviest: `${basename(path)} ${rounded(bytes / 1024, 0)}`,
  };
}

/** What the start of protection, and of nothing else, waits for besides its clients. */
function sdkTime(directory: string): number {
  const source =
    'import { encryptionSdk } from "./adapters/encryption/encryption-sdk.ts";\nawait encryptionSdk();\n';
  const { file } = bundleModule({ source, directory: join(directory, "encryption-sdk") });
  const loader = join(directory, "loader.mjs");
  return rounded(median(Array.from({ length: runs }, () => importTime(file, loader))), 1);
}

const entries = [...new Set([...routes, ...tasks].map((row) => row.function))];
const directory = mkdtempSync(join(tmpdir(), "fleetkey-bundles-"));
try {
  const rows = entries.map((entry) => measure(entry, directory));
  if (process.argv.includes("--json")) console.log(JSON.stringify(rows));
  else {
    console.table(rows);
    console.log(
      `The AWS Encryption SDK alone, which protection loads at its start and no other function holds: ${sdkTime(directory)} ms.\n` +
        `Medians of ${runs} imports each, in turn, by fresh processes of Node ${process.version}; sizes in KiB, gzipped: index.mjs.\n` +
        'Bare: the same clients as in the function, made by "new Client({})", and the same commands, in one file;\n' +
        `split: the same, bundled as the function is. Target: enrollment at most ${target} times bare.`,
    );
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
