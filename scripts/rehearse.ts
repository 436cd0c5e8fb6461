/**
 * Room: scripts. `npm run rehearse`: the whole deployment without an account. Installs an independent emulator of
 * AWS, deploys to it with `npm run deploy`, takes a device through its life, tries what must be refused, tears down,
 * and does it again by the deployment's steps, with every call checked against IAM. `--help` names its flags.
 *
 * The last line is `N passed, N failed`.
 */
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Assembly, synthesize } from "./deployment/cdk.ts";
import { runCommand } from "./deployment/command.ts";
import { StepFailure, UsageFailure } from "./deployment/failure.ts";
import { runProgram } from "./deployment/program.ts";
import { makeTemporaryDirectory, type TemporaryDirectory } from "./deployment/temporary-directory.ts";
import { checkOut } from "./rehearsal/checkout.ts";
import { type PerformanceOptions, perform } from "./rehearsal/performance.ts";
import { rehearsed } from "./rehearsal/rehearsed-stage.ts";
import { createReport, type Report, SceneEnded, writeReport } from "./rehearsal/report.ts";

const say = (text: string): void => console.log(text);

/** Once for both scenes: what is deployed with IAM is what was deployed without. */
function synthesizeStage(report: Report, title: string, from?: string): Promise<Assembly> {
  const { PATH, HOME } = process.env;
  // No credentials: the stage names its account and region, and asks nobody.
  const env = { PATH, HOME, AWS_EC2_METADATA_DISABLED: "true", CI: "true", NO_COLOR: "1" };
  const context = { stage: rehearsed.stage, "fleetkey:emulator": "true" };
  const where = from === undefined ? {} : { directory: from };
  return report.need(title, () => synthesize({ context, env, isShown: false, ...where }));
}

async function install(report: Report): Promise<void> {
  report.scene("preparation");
  await report.need("installed as .ci/python/requirements.txt says", async () => {
    const { code, stderr } = await runCommand("bash", [".ci/install-emulators"]);
    if (code !== 0) throw new StepFailure(stderr.trim(), "it needs python3 with venv");
  });
}

/** One scene; what stops it is on record, and the next one is played all the same. */
async function playScene(name: string, options: PerformanceOptions, report: Report): Promise<void> {
  report.scene(name);
  const started = performance.now();
  await mkdir(options.directory);
  try {
    await perform(options, report);
  } catch (error) {
    if (!(error instanceof SceneEnded)) {
      await report.check("the scene is played to its end", async () => {
        throw error;
      });
    }
  }
  report.figure(`${Math.round((performance.now() - started) / 1000)} s in all`);
}

interface Options {
  readonly isPlain: boolean;
  readonly withIam: boolean;
  readonly isKept: boolean;
  readonly report?: string | undefined;
}

const usage = `npm run rehearse [-- FLAGS]

  --no-iam       only the scene in which nobody checks policies
  --iam-only     only the scene in which every call is checked against them
  --keep         keeps logs and state of the emulators
  --report FILE  writes what scripts/count-tests.ts reads
  --help         prints this

Needs python3 with venv, openssl, ss and ps.`;

/** Throws UsageFailure. */
function readOptions(argv: readonly string[]): Options {
  try {
    const { values } = parseArgs({
      args: argv.filter((argument) => argument !== "--"),
      options: {
        "no-iam": { type: "boolean", default: false },
        "iam-only": { type: "boolean", default: false },
        keep: { type: "boolean", default: false },
        report: { type: "string" },
      },
    });
    const { "no-iam": noIam, "iam-only": iamOnly, keep: isKept, report } = values;
    if (noIam && iamOnly) throw new Error("--no-iam and --iam-only leave nothing to play");
    return { isPlain: !iamOnly, withIam: !noIam, isKept, report };
  } catch (error) {
    throw new UsageFailure(error instanceof Error ? error.message : String(error), usage, error);
  }
}

async function playAll({ isPlain, withIam }: Options, directory: string, report: Report): Promise<void> {
  await install(report);
  const at = (name: string): string => join(directory, name);
  const assembly = await synthesizeStage(report, "cdk synth");
  const assemblies = [assembly];
  try {
    await checkOut(at("successor"), { [rehearsed.fleet]: { keys: { issuing: 2 } } });
    const title = "cdk synth of a checkout whose cdk.json names a second issuing key";
    const successorAssembly = await synthesizeStage(report, title, at("successor"));
    assemblies.push(successorAssembly);
    const both = { assembly, successorAssembly };
    const plain = { directory: at("plain"), evaluatesIam: false, ...both };
    if (isPlain) await playScene("without IAM", plain, report);
    const strict = { directory: at("iam"), evaluatesIam: true, ...both };
    if (withIam) await playScene("with IAM", strict, report);
  } finally {
    for (const each of assemblies) await each.remove();
  }
}

/** Logs and state of both scenes, for whoever looks for the reason of a failure. */
async function keep({ path }: TemporaryDirectory): Promise<void> {
  await rename(path, `${path}-kept`);
  say(`\nkept: ${path}-kept`);
}

/** Resolves to whether everything passed. */
async function rehearse(options: Options): Promise<boolean> {
  const report = createReport(say);
  const directory = await makeTemporaryDirectory("rehearsal");
  try {
    await playAll(options, directory.path, report);
  } catch (error) {
    if (!(error instanceof SceneEnded)) throw error;
  } finally {
    if (options.isKept) await keep(directory);
    await directory.remove();
  }
  if (options.report !== undefined) await writeReport(options.report, report.checks);
  const failed = report.checks.filter(({ status }) => status === "failed");
  say("");
  for (const figure of report.figures) say(figure);
  for (const { scene, title } of failed) say(`failed: ${scene}: ${title}`);
  say(`${report.checks.length - failed.length} passed, ${failed.length} failed`);
  return failed.length === 0;
}

async function run(argv: readonly string[]): Promise<void> {
  if (!(await rehearse(readOptions(argv)))) process.exitCode = 1;
}

if (import.meta.main) await runProgram({ usage, run });
