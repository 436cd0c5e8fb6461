/** Room: scripts/rehearsal. One whole rehearsal on one emulator: deployed, used, attacked, taken down. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Assembly, outputOf, runCdk } from "../deployment/cdk.ts";
import { type BootstrappedFleet, operatorFiles } from "../deployment/operator.ts";
import { stackNames } from "../deployment/stage.ts";
import { createClients } from "./aws-clients.ts";
import { bootstrap } from "./bootstrap.ts";
import { rehearseDataAtRest } from "./data-at-rest.ts";
import { rehearseDeploymentAgain } from "./deploy-again.ts";
import { rehearseDeviceLife } from "./device-life.ts";
import { rehearseEmergencyRollover } from "./emergency-rollover.ts";
import { listenersBeyondLoopback, startEmulator } from "./emulator.ts";
import { type Ending, endAll } from "./endings.ts";
import { expectScheduledRun, rehearseEvidence } from "./evidence.ts";
import { rehearseFigures } from "./figures.ts";
import { deployByCommand, deployBySteps, type Site } from "./first-deployment.ts";
import { rehearseLeastPrivilege } from "./least-privilege.ts";
import { rehearseLoans } from "./loans.ts";
import { rehearseOperatorLife } from "./operator-life.ts";
import { rehearsePipelineLife } from "./pipeline-life.ts";
import { rehearsePublication } from "./publication.ts";
import { rehearseRefusals } from "./refusals.ts";
import { type RehearsedStage, rehearsed } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";
import { rehearseServerCertificate } from "./server-certificate.ts";
import { rehearseTearDown } from "./tear-down.ts";
import { makeServerFiles } from "./throwaway-authority.ts";

export interface PerformanceOptions {
  /** For its files; the caller removes it. */
  readonly directory: string;
  /** Whether calls are checked; then the stage is deployed by steps, else by `npm run deploy`. */
  readonly evaluatesIam: boolean;
  /** The stacks of stage `rehearsal`, synthesised for the emulator. */
  readonly assembly: Assembly;
  /** The same with a second issuing key. */
  readonly successorAssembly: Assembly;
}

const { stage: stageName, account, region, fleet: fleetName } = rehearsed;
const { state, api } = stackNames(stageName);

async function openSite(options: PerformanceOptions, report: Report, endings: Ending[]): Promise<Site> {
  const { directory, evaluatesIam, assembly } = options;
  await mkdir(join(directory, "home"), { recursive: true });
  const server = await makeServerFiles(directory);
  const emulator = await report.need("ministack starts", () =>
    startEmulator({ directory, server, region, evaluatesIam }),
  );
  endings.push({ name: "the emulator", end: () => emulator.stop() });
  await report.check("it listens on the loopback alone", async () => {
    const found = await listenersBeyondLoopback(emulator.processId);
    expectThat(found.length === 0, `it listens on ${found.join(", ")}`);
  });
  const ca = await readFile(server.authority, "utf8");
  const clients = createClients({ endpoint: emulator.url, region, account, ca });
  endings.push({ name: "the emulator's clients", end: async () => clients.close() });
  const operatorsDirectory = join(directory, "deployments", stageName);
  return { server, emulator, clients, assembly, operatorsDirectory, endings };
}

/** Twice: whether the command made the fleet before or not, the second answer is the first. */
async function makeFleet(stage: Omit<RehearsedStage, "fleet">, report: Report): Promise<BootstrappedFleet> {
  const fleet = await report.need("the bootstrap function makes the fleet and certifies an operator", () =>
    bootstrap(stage),
  );
  await report.check("the bootstrap run again changes nothing", async () => {
    const again = await bootstrap(stage);
    expectThat(JSON.stringify(again) === JSON.stringify(fleet), "its second answer differs");
  });
  return fleet;
}

/** The fleet that `npm run deploy` made, by asking for it once more. */
async function findFleet(stage: Omit<RehearsedStage, "fleet">, report: Report): Promise<BootstrappedFleet> {
  const files = operatorFiles(stage.operatorDirectory);
  return report.need("the bootstrap function knows its fleet and operator, and makes no others", async () => {
    const [root, certificate] = [
      await readFile(files.root, "utf8"),
      await readFile(files.certificate, "utf8"),
    ];
    const fleet = await bootstrap(stage);
    expectThat(fleet.root === root, "it answers with another root");
    const { operator } = fleet;
    expectThat(`${operator?.certificate}${operator?.chain}` === certificate, "and with another operator");
    return fleet;
  });
}

async function prepare(
  options: PerformanceOptions,
  report: Report,
  endings: Ending[],
): Promise<RehearsedStage> {
  const { directory, evaluatesIam, assembly } = options;
  const site = await openSite(options, report, endings);
  const { server, emulator, clients } = site;
  const { outputs, front } = await (evaluatesIam ? deployBySteps : deployByCommand)(site, report);
  await report.check("cdk diff finds nothing left to deploy", async () => {
    const nothing = ["--exclusively", "--fail"];
    const cdk = { env: emulator.env, isShown: false };
    await runCdk(["diff", state, api, "--app", assembly.directory, ...nothing], cdk);
  });
  const provisioningFunction = outputOf(outputs, api, "ProvisioningFunction");
  const operatorDirectory = join(site.operatorsDirectory, fleetName);
  const ca = await readFile(server.authority, "utf8");
  const where = { stage: stageName, region, account, directory, operatorDirectory, ca, secrets: [] };
  const stage = { ...where, emulator, front, clients, assembly, outputs, provisioningFunction };
  return { ...stage, fleet: await (evaluatesIam ? makeFleet : findFleet)(stage, report) };
}

async function play(options: PerformanceOptions, report: Report, endings: Ending[]): Promise<void> {
  const { evaluatesIam } = options;
  const stage = await prepare(options, report, endings);
  // Synthesised anew, which is slow: once.
  if (!evaluatesIam) await rehearseDeploymentAgain(stage, report);
  const device = await rehearseDeviceLife(stage, report);
  const [serialNumber] = device.serialNumbers;
  const owner = await rehearseOperatorLife(stage, serialNumber, report);
  await rehearsePipelineLife(stage, serialNumber, report, { evaluatesIam });
  await rehearsePublication(stage, report);
  await rehearseRefusals(stage, report);
  await rehearseFigures(stage, report);
  await rehearseServerCertificate(stage, owner, report, { evaluatesIam });
  await rehearseDataAtRest(stage, owner, report);
  // Last of what needs an operator's certificate: issuing-1 is retired in it.
  await rehearseEmergencyRollover(stage, owner, options.successorAssembly, report);
  await rehearseEvidence(stage, device, report);
  if (evaluatesIam) {
    await rehearseLeastPrivilege(stage, report);
    await rehearseLoans(stage, report);
    // Once is enough to wait for: here the schedule needs its role's permission besides.
    await report.check("the schedule runs the reconciliation", () => expectScheduledRun(stage, 75_000));
  }
  await rehearseTearDown(stage, report, { signs: !evaluatesIam });
  await report.check("no function opened a port to the outside", async () => {
    const found = await listenersBeyondLoopback(stage.emulator.processId);
    expectThat(found.length === 0, `something listens on ${found.join(", ")}`);
  });
}

/** Everything that was started is ended when this resolves; rejects with SceneEnded after a check that the rest needs. */
export async function perform(options: PerformanceOptions, report: Report): Promise<void> {
  const endings: Ending[] = [];
  try {
    await play(options, report, endings);
  } finally {
    await endAll(endings, report);
  }
}
