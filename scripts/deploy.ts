/**
 * Room: scripts. `npm run deploy -- --stage NAME`: from a checkout to a service in which a device has enrolled.
 * Every step may be repeated, so after a failure the same command goes on where it stopped.
 *
 * `--help` names its flags. Credentials come from the SDK's default chain alone. See docs/deploy.md.
 */
import { join } from "node:path";
import { outputOf, type StackOutputs } from "./deployment/cdk.ts";
import { bootstrapFleet, confirmGateway } from "./deployment/fleets.ts";
import { type Addresses, printCommands, printOutputs, say, step } from "./deployment/narration.ts";
import { type BootstrappedFleet, checkOperator, operatorFiles } from "./deployment/operator.ts";
import { chooseFleets, deployUsage, readOptions } from "./deployment/options.ts";
import { type Deployment, preflight } from "./deployment/preflight.ts";
import { runProgram } from "./deployment/program.ts";
import { withRoots } from "./deployment/roots.ts";
import { smokeEnrollment } from "./deployment/smoke.ts";
import { addressesOf, artifactsOf, deployEdge, deployService, originOf } from "./deployment/stacks.ts";
import { stackNames } from "./deployment/stage.ts";

function lendingRoots<Result>(
  { options, configuration, region, kms }: Deployment,
  fleet: string,
  work: (grantTokens: readonly string[]) => Promise<Result>,
): Promise<Result> {
  if (!options.withRoots) return work([]);
  const { [fleet]: configured = {} } = configuration.fleets;
  return withRoots({ kms, stage: options.stage, region, fleet, configuration: configured }, work);
}

/** Of the fleets that were deployed now; without --fleet, all that come through the gateway. */
async function tellGateway(
  { options, configuration, lambda }: Deployment,
  service: StackOutputs,
  versionId: string | undefined,
): Promise<void> {
  if (configuration.domains === undefined || versionId === undefined) return;
  const bootstrapFunction = outputOf(service, stackNames(options.stage).api, "BootstrapFunction");
  await confirmGateway({
    lambda,
    bootstrapFunction,
    fleets: chooseFleets(options, configuration),
    versionId,
  });
}

async function bootstrapFleets(
  deployment: Deployment,
  outputs: StackOutputs,
): Promise<readonly BootstrappedFleet[]> {
  const { options, configuration, lambda } = deployment;
  const bootstrapFunction = outputOf(outputs, stackNames(options.stage).api, "BootstrapFunction");
  const places = { origin: originOf(options.stage, outputs), ...artifactsOf(configuration) };
  const made: BootstrappedFleet[] = [];
  for (const fleet of chooseFleets(options, configuration)) {
    step(`Fleet ${fleet}`);
    const directory = join(options.operatorDirectory, fleet);
    const { withOperator } = options;
    const request = { lambda, bootstrapFunction, fleet, directory, withOperator, ...places };
    const answer = await lendingRoots(deployment, fleet, (grantTokens) =>
      bootstrapFleet({ ...request, grantTokens }),
    );
    const files = operatorFiles(directory);
    say(`root SHA-256 ${answer.rootFingerprint}, in ${files.root}`);
    if (withOperator) say(`operator's key ${files.key} (keep it secret), certificate ${files.certificate}`);
    made.push(answer);
  }
  return made;
}

async function smoke(
  deployment: Deployment,
  outputs: StackOutputs,
  fleets: readonly BootstrappedFleet[],
  at: Addresses,
): Promise<void> {
  const { options, lambda } = deployment;
  const provisioningFunction = outputOf(outputs, stackNames(options.stage).api, "ProvisioningFunction");
  for (const { fleet, rootFingerprint } of fleets) {
    step(`Smoke enrolment in fleet ${fleet} at ${at.url}`);
    const operatorDirectory = join(options.operatorDirectory, fleet);
    const { withOperator } = options;
    const there = { fleet, rootFingerprint, operatorDirectory, withOperator, ...at };
    const report = await smokeEnrollment({ lambda, provisioningFunction, ...there });
    const without = withOperator ? "no domain to renew over" : "no operator to revoke with";
    const what = report.didRenewAndRevoke ? "enrolled, renewed, revoked" : `enrolled; ${without}`;
    say(`${report.deviceId}: ${what}; serial ${report.serialNumber}, chain verified`);
  }
}

export async function deploy(argv: readonly string[]): Promise<void> {
  const deployment = await preflight(readOptions(argv));
  const { options, configuration } = deployment;
  for (const fleet of chooseFleets(options, configuration))
    if (options.withOperator) await checkOperator(join(options.operatorDirectory, fleet));
  const service = await deployService(deployment);
  const fleets = await bootstrapFleets(deployment, service);
  const { versionId } = fleets.at(-1)?.trustStore ?? {};
  const outputs = { ...service, ...(await deployEdge(deployment, versionId)) };
  await tellGateway(deployment, service, versionId);
  const addresses = addressesOf(deployment, outputs);
  step("Outputs");
  printOutputs(outputs);
  printCommands(deployment.options.operatorDirectory, fleets, addresses);
  if (deployment.options.skipsSmoke) say("\nno smoke enrolment: --skip-smoke");
  else await smoke(deployment, outputs, fleets, addresses);
  step(`Stage ${deployment.options.stage} is deployed`);
}

if (import.meta.main) await runProgram({ usage: deployUsage, run: deploy });
