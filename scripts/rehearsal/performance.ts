/** Room: scripts/rehearsal. One whole rehearsal on one emulator: deployed, used, attacked, taken down. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { bootstrapVersion, identifyCaller } from "../deployment/account.ts";
import { type Assembly, deployStacks, outputOf, runCdk } from "../deployment/cdk.ts";
import { bootstrapFleet } from "../deployment/fleets.ts";
import { stackNames } from "../deployment/stage.ts";
import { type Clients, createClients } from "./aws-clients.ts";
import { rehearseDeploymentAgain } from "./deploy-again.ts";
import { rehearseDeviceLife } from "./device-life.ts";
import { type Emulator, listenersBeyondLoopback, startEmulator } from "./emulator.ts";
import { expectScheduledRun, rehearseEvidence } from "./evidence.ts";
import { rehearseFigures } from "./figures.ts";
import { type Front, startFront } from "./front.ts";
import { rehearseLeastPrivilege } from "./least-privilege.ts";
import { rehearseRefusals } from "./refusals.ts";
import type { RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";
import { rehearseTearDown } from "./tear-down.ts";
import { makeServerFiles } from "./throwaway-authority.ts";

export interface PerformanceOptions {
  /** For its files; the caller removes it. */
  readonly directory: string;
  readonly evaluatesIam: boolean;
  /** The stacks of stage `rehearsal`, synthesised for the emulator. */
  readonly assembly: Assembly;
}

/** As cdk.json describes it: the emulator's account, and a region. */
export const stageName = "rehearsal";
const account = "000000000000";
const region = "eu-central-1";
const fleetName = "default";

/** What must be ended, whatever happened; the last one first. */
type Endings = (() => Promise<void>)[];

async function deployService(emulator: Emulator, assembly: Assembly, clients: Clients, report: Report) {
  const cdk = { env: emulator.env, isShown: false };
  await report.need("the deployment's account and region are the emulator's", async () => {
    const caller = await identifyCaller(clients.sts, stageName);
    expectThat(caller.account === account, caller.arn);
  });
  await report.need("cdk bootstrap", () =>
    runCdk(["bootstrap", `aws://${account}/${region}`, "--app", assembly.directory], cdk).then(
      () => undefined,
    ),
  );
  await report.need(`the bootstrap stack has version ${assembly.bootstrapVersion} at least`, async () => {
    const version = (await bootstrapVersion(clients.ssm)) ?? 0;
    expectThat(version >= assembly.bootstrapVersion, `it has ${version}`);
  });
  const { state, api } = stackNames(stageName);
  const outputs = await report.need("cdk deploy", () => deployStacks(assembly, [state, api], cdk));
  await report.check("cdk diff finds nothing left to deploy", async () => {
    await runCdk(["diff", state, api, "--app", assembly.directory, "--exclusively", "--fail"], cdk);
  });
  return outputs;
}

async function makeFleet(stage: Omit<RehearsedStage, "fleet">, report: Report) {
  const { clients, operatorDirectory, outputs } = stage;
  const bootstrapFunction = outputOf(outputs, stackNames(stageName).api, "BootstrapFunction");
  const request = {
    lambda: clients.lambda,
    bootstrapFunction,
    fleet: fleetName,
    directory: operatorDirectory,
  };
  const fleet = await report.need("the bootstrap function makes the fleet and certifies an operator", () =>
    bootstrapFleet(request),
  );
  await report.check("the bootstrap run again changes nothing", async () => {
    const again = await bootstrapFleet(request);
    expectThat(JSON.stringify(again) === JSON.stringify(fleet), "its second answer differs");
  });
  return fleet;
}

async function prepare(
  options: PerformanceOptions,
  report: Report,
  endings: Endings,
): Promise<RehearsedStage> {
  const { directory, evaluatesIam, assembly } = options;
  await mkdir(join(directory, "home"), { recursive: true });
  const server = await makeServerFiles(directory);
  const emulator = await report.need("ministack starts", () =>
    startEmulator({ directory, server, region, evaluatesIam }),
  );
  endings.push(() => emulator.stop());
  await report.check("it listens on the loopback alone", async () => {
    const found = await listenersBeyondLoopback(emulator.processId);
    expectThat(found.length === 0, `it listens on ${found.join(", ")}`);
  });
  const ca = await readFile(server.authority, "utf8");
  const clients = createClients({ endpoint: emulator.url, region, account, ca });
  endings.push(async () => clients.close());
  const outputs = await deployService(emulator, assembly, clients, report);
  const host = new URL(outputOf(outputs, stackNames(stageName).api, "ApiUrl")).host;
  const front: Front = await startFront({ server, target: emulator.url, host });
  endings.push(() => front.close());
  const provisioningFunction = outputOf(outputs, stackNames(stageName).api, "ProvisioningFunction");
  const operatorDirectory = join(directory, "deployments", stageName, fleetName);
  const where = { stage: stageName, region, account, directory, operatorDirectory, ca, secrets: [] };
  const stage = { ...where, emulator, front, clients, assembly, outputs, provisioningFunction };
  return { ...stage, fleet: await makeFleet(stage, report) };
}

async function play(options: PerformanceOptions, report: Report, endings: Endings): Promise<void> {
  const stage = await prepare(options, report, endings);
  // Synthesised anew, which is slow: once.
  if (!options.evaluatesIam) await rehearseDeploymentAgain(stage, report);
  const device = await rehearseDeviceLife(stage, report);
  await rehearseRefusals(stage, report);
  await rehearseFigures(stage, report);
  await rehearseEvidence(stage, device, report);
  if (options.evaluatesIam) {
    await rehearseLeastPrivilege(stage, report);
    // Once is enough to wait for: here the schedule needs its role's permission besides.
    await report.check("the schedule runs the reconciliation", () => expectScheduledRun(stage, 75_000));
  }
  await rehearseTearDown(stage, report);
  await report.check("no function opened a port to the outside", async () => {
    const found = await listenersBeyondLoopback(stage.emulator.processId);
    expectThat(found.length === 0, `something listens on ${found.join(", ")}`);
  });
}

/** Everything that was started is ended when this resolves; rejects with SceneEnded after a check that the rest needs. */
export async function perform(options: PerformanceOptions, report: Report): Promise<void> {
  const endings: Endings = [];
  try {
    await play(options, report, endings);
  } finally {
    for (const end of endings.reverse()) await end();
  }
}
