/**
 * Room: scripts. `npm run rehearse`: the whole deployment without an account. Installs an independent emulator of
 * AWS, deploys to it by the steps of `npm run deploy`, takes a device through its life, tries what must be refused,
 * tears down, and does it again with every call checked against IAM.
 *
 *     npm run rehearse [-- --no-iam | --iam-only] [-- --keep] [-- --report FILE]
 *
 * The last line is `N passed, N failed`. --report writes what scripts/count-tests.ts reads.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCommand } from "./deployment/command.ts";
import { describeFailure, StepFailure } from "./deployment/failure.ts";
import { perform } from "./rehearsal/performance.ts";
import { createReport, type Report, SceneEnded, writeReport } from "./rehearsal/report.ts";

const say = (text: string): void => console.log(text);

async function install(report: Report): Promise<void> {
  report.scene("emulator");
  await report.need("installed as .ci/python/requirements.txt says", async () => {
    const { code, stderr } = await runCommand("bash", [".ci/install-emulators"]);
    if (code !== 0) throw new StepFailure(stderr.trim(), "it needs python3 with venv");
  });
}

/** One scene; what stops it is on record, and the next one is played all the same. */
async function playScene(
  name: string,
  evaluatesIam: boolean,
  directory: string,
  report: Report,
): Promise<void> {
  report.scene(name);
  const started = performance.now();
  await mkdir(directory);
  try {
    await perform({ directory, evaluatesIam }, report);
  } catch (error) {
    if (!(error instanceof SceneEnded)) {
      await report.check("the scene is played to its end", async () => {
        throw error;
      });
    }
  }
  report.figure(`${Math.round((performance.now() - started) / 1000)} s in all`);
}

async function rehearse(argv: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: argv.filter((argument) => argument !== "--"),
    options: {
      "no-iam": { type: "boolean", default: false },
      "iam-only": { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      report: { type: "string" },
    },
  });
  const report = createReport(say);
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-rehearsal-"));
  try {
    await install(report);
    if (!values["iam-only"]) await playScene("without IAM", false, join(directory, "plain"), report);
    if (!values["no-iam"]) await playScene("with IAM", true, join(directory, "iam"), report);
  } catch (error) {
    if (!(error instanceof SceneEnded)) throw error;
  } finally {
    if (values.keep) say(`\nkept: ${directory}`);
    else await rm(directory, { recursive: true, force: true });
  }
  if (values.report !== undefined) await writeReport(values.report, report.checks);
  const failed = report.checks.filter(({ status }) => status === "failed");
  say("");
  for (const figure of report.figures) say(figure);
  for (const { scene, title } of failed) say(`failed: ${scene}: ${title}`);
  say(`${report.checks.length - failed.length} passed, ${failed.length} failed`);
  return failed.length === 0;
}

if (import.meta.main) {
  try {
    if (!(await rehearse(process.argv.slice(2)))) process.exitCode = 1;
  } catch (error) {
    console.error(describeFailure(error));
    process.exitCode = 1;
  }
}
