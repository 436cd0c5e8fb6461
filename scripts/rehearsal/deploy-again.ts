/** Room: scripts/rehearsal. The deployment's command on a stage that is there: as it is, and without one of its fleets. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type CommandResult, repository, runCommand } from "../deployment/command.ts";
import { operatorFiles } from "../deployment/operator.ts";
import { stackNames } from "../deployment/stage.ts";
import { checkOut } from "./checkout.ts";
import { deployWords } from "./first-deployment.ts";
import { type RehearsedStage, rehearsed, signingKeys } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

function runDeploy(
  { emulator, operatorDirectory }: RehearsedStage,
  directory: string,
  more: readonly string[] = [],
): Promise<CommandResult> {
  const words = [...deployWords(join(operatorDirectory, "..")), "--skip-smoke", ...more];
  return runCommand(process.execPath, words, { env: emulator.env, directory });
}

/** Outputs that a person reads, as `npm run deploy` prints them. */
function printedOutputs({ outputs }: RehearsedStage): readonly string[] {
  const printed = Object.entries(outputs).flatMap(([stack, values]) =>
    Object.entries(values).map(([name, value]) => `${stack}.${name}=${value}`),
  );
  return printed.filter((line) => !/\.(?:Exports|Publish)Output/.test(line)).sort();
}

async function deployAgain(stage: RehearsedStage): Promise<void> {
  const files = operatorFiles(stage.operatorDirectory);
  const credential = async () => [
    await readFile(files.key, "utf8"),
    await readFile(files.certificate, "utf8"),
  ];
  const before = await credential();
  const { code, stdout, stderr } = await runDeploy(stage, repository);
  expectThat(code === 0, stderr.split("\n").slice(-8).join("\n"));
  const printed = stdout.trim().split("\n").sort().join("\n");
  expectThat(printed === printedOutputs(stage).join("\n"), `its outputs differ:\n${printed}`);
  expectThat(stderr.includes(stage.fleet.rootFingerprint), "it shows another root");
  expectThat((await credential()).join() === before.join(), "the operator's key or certificate is another");
}

/** Logical id of the alias of the fleet's protection key. */
async function protectionAlias({ assembly }: RehearsedStage): Promise<string> {
  const file = join(assembly.directory, `${stackNames(rehearsed.stage).state}.template.json`);
  const { Resources } = JSON.parse(await readFile(file, "utf8")) as { readonly Resources: object };
  const found = Object.keys(Resources).find((id) => id.includes("ProtectionKeyAlias"));
  expectThat(found !== undefined, "the template has no alias of a protection key");
  return found;
}

async function refuseToLoseFleet(stage: RehearsedStage): Promise<string> {
  const checkout = join(stage.directory, "checkout");
  await checkOut(checkout, { another: {} });
  const before = await signingKeys(stage);
  const accepted = await protectionAlias(stage);
  const { code, stdout, stderr } = await runDeploy(stage, checkout, ["--accept-loss", accepted]);
  expectThat(code === 1 && stdout === "", `exit ${code}: ${stderr.split("\n").slice(-8).join("\n")}`);
  for (const part of ["Root1", "Issuing1", "ProtectionKey", "Root1Alias", "Issuing1Alias"]) {
    const flag = new RegExp(`--accept-loss State\\w*${part}[0-9A-F]{8}(?: |$)`, "m");
    expectThat(flag.test(stderr), `it does not name ${part}: ${stderr.slice(-1_500)}`);
  }
  expectThat(!stderr.includes(accepted), `it names ${accepted}, whose loss is accepted`);
  expectThat((await signingKeys(stage)).join() === before.join(), "an alias leads to another key now");
  return `${(stderr.match(/--accept-loss /g) ?? []).length} resources named, one accepted`;
}

export async function rehearseDeploymentAgain(stage: RehearsedStage, report: Report): Promise<void> {
  await report.check("npm run deploy again finds all in place, and the operator's key", () =>
    deployAgain(stage),
  );
  await report.check("npm run deploy --yes refuses to lose a fleet that cdk.json has no more", () =>
    refuseToLoseFleet(stage),
  );
}
