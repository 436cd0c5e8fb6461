/** Room: scripts/rehearsal. The deployment's own command, and its own smoke enrolment, on a stage that is there already. */

import { join } from "node:path";
import { runCommand } from "../deployment/command.ts";
import { smokeEnrollment } from "../deployment/smoke.ts";
import { fleetkeyEnvironment, type RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

/** Outputs that a person reads, as `npm run deploy` prints them. */
function printedOutputs({ outputs }: RehearsedStage): readonly string[] {
  const printed = Object.entries(outputs).flatMap(([stack, values]) =>
    Object.entries(values).map(([name, value]) => `${stack}.${name}=${value}`),
  );
  return printed.filter((line) => !/\.(?:Exports|Publish)Output/.test(line)).sort();
}

async function deployAgain(stage: RehearsedStage): Promise<void> {
  const { emulator, operatorDirectory } = stage;
  const flags = ["--stage", stage.stage, "--yes", "--skip-smoke", "--context", "fleetkey:emulator=true"];
  const directory = ["--operator-dir", join(operatorDirectory, "..")];
  const deploy = ["scripts/deploy.ts", ...flags, ...directory];
  const { code, stdout, stderr } = await runCommand(process.execPath, deploy, { env: emulator.env });
  expectThat(code === 0, stderr.split("\n").slice(-8).join("\n"));
  const printed = stdout.trim().split("\n").sort().join("\n");
  expectThat(printed === printedOutputs(stage).join("\n"), `its outputs differ:\n${printed}`);
  expectThat(stderr.includes(stage.fleet.rootFingerprint), "it shows another root");
}

async function smoke(stage: RehearsedStage): Promise<string> {
  const { clients, provisioningFunction, fleet, front, operatorDirectory } = stage;
  const report = await smokeEnrollment({
    lambda: clients.lambda,
    provisioningFunction,
    fleet: fleet.fleet,
    rootFingerprint: fleet.rootFingerprint,
    url: front.url,
    mutualTlsUrl: front.url,
    operatorDirectory,
    env: fleetkeyEnvironment(stage),
  });
  expectThat(report.didRenewAndRevoke, "it neither renewed nor revoked");
  return report.serialNumber;
}

export async function rehearseDeploymentAgain(stage: RehearsedStage, report: Report): Promise<void> {
  await report.check("npm run deploy finds all in place, and the operator's key", () => deployAgain(stage));
  await report.check("its smoke enrolment enrols, renews and revokes", () => smoke(stage));
}
