/**
 * Room: scripts. `npm run deploy -- --stage NAME`: from a checkout to a service in which a device has enrolled.
 * Every step may be repeated, so after a failure the same command goes on where it stopped.
 *
 *     npm run deploy -- --stage NAME [--yes] [--bootstrap] [--fleet F]... [--operator-dir DIR] [--skip-smoke]
 *
 * Credentials come from the SDK's default chain alone. See docs/deploy.md.
 */
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import type { StageConfiguration } from "../infra/stage-configuration.ts";
import { assertPlace, bootstrapVersion, identifyCaller, signInAdvice } from "./deployment/account.ts";
import {
  type Assembly,
  type CdkOptions,
  deployStacks,
  outputOf,
  runCdk,
  type StackOutputs,
  synthesize,
} from "./deployment/cdk.ts";
import { describeFailure, StepFailure } from "./deployment/failure.ts";
import { bootstrapFleet } from "./deployment/fleets.ts";
import { type BootstrappedFleet, operatorFiles } from "./deployment/operator.ts";
import { smokeEnrollment } from "./deployment/smoke.ts";
import { readStage, stackNames } from "./deployment/stage.ts";

interface Options {
  readonly stage: string;
  readonly isAgreed: boolean;
  readonly mayBootstrap: boolean;
  readonly fleets: readonly string[];
  readonly operatorDirectory: string;
  readonly skipsSmoke: boolean;
}

interface Deployment {
  readonly options: Options;
  readonly configuration: StageConfiguration;
  readonly account: string;
  readonly region: string;
  readonly env: NodeJS.ProcessEnv;
  readonly lambda: LambdaClient;
}

const usage =
  "npm run deploy -- --stage NAME [--yes] [--bootstrap] [--fleet F]... [--operator-dir DIR] [--skip-smoke]";

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const step = (text: string): void => say(`\n== ${text}`);

function readOptions(argv: readonly string[]): Options {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        stage: { type: "string" },
        yes: { type: "boolean", default: false },
        bootstrap: { type: "boolean", default: false },
        fleet: { type: "string", multiple: true, default: [] },
        "operator-dir": { type: "string" },
        "skip-smoke": { type: "boolean", default: false },
      },
    });
    const { stage } = values;
    if (stage === undefined) throw new Error("--stage is missing");
    return {
      stage,
      isAgreed: values.yes,
      mayBootstrap: values.bootstrap,
      fleets: values.fleet,
      operatorDirectory: values["operator-dir"] ?? join("deployments", stage),
      skipsSmoke: values["skip-smoke"],
    };
  } catch (error) {
    throw new StepFailure(error instanceof Error ? error.message : String(error), usage, error);
  }
}

function chooseFleets({ fleets }: Options, configuration: StageConfiguration): readonly string[] {
  const configured = Object.keys(configuration.fleets);
  const unknown = fleets.filter((fleet) => !configured.includes(fleet));
  if (unknown.length > 0) {
    throw new StepFailure(
      `fleet ${unknown.join(", ")} is not one of the stage's (there are: ${configured.join(", ")})`,
      "add it to the stage in cdk.json, or leave --fleet out for all",
    );
  }
  return fleets.length > 0 ? fleets : configured;
}

/** Who, where, and with which Node; nothing is changed before this is known. */
async function preflight(options: Options): Promise<Deployment> {
  step(`Preflight of stage ${options.stage}`);
  const configuration = await readStage(options.stage);
  chooseFleets(options, configuration);
  const region = await resolveRegion(configuration);
  const client = { region };
  const caller = await identifyCaller(new STSClient(client), options.stage);
  assertPlace(configuration, caller, region);
  say(`account ${caller.account}, region ${region}, as ${caller.arn}; Node ${process.version}`);
  const advice = signInAdvice(caller);
  if (advice !== undefined) say(`note: ${advice}`);
  const env = { ...process.env, AWS_REGION: region, AWS_DEFAULT_REGION: region };
  return { options, configuration, account: caller.account, region, env, lambda: new LambdaClient(client) };
}

async function resolveRegion({ stage, region }: StageConfiguration): Promise<string> {
  if (process.env["AWS_REGION"] === undefined && region !== undefined) return region;
  try {
    return await new STSClient({}).config.region();
  } catch (error) {
    throw new StepFailure(
      `neither stage ${stage} nor the environment names a region`,
      "set AWS_REGION, or add region to the stage in cdk.json",
      error,
    );
  }
}

const cdkOptions = ({ env }: Deployment): Omit<CdkOptions, "context"> => ({ env, isShown: true });

async function ensureBootstrap(deployment: Deployment, needed: number): Promise<void> {
  const { account, region, options } = deployment;
  const found = await bootstrapVersion(new SSMClient({ region }));
  if (found !== undefined && found >= needed)
    return say(`CDK bootstrap stack: version ${found}, ${needed} needed`);
  const place = `aws://${account}/${region}`;
  const state = found === undefined ? "is missing" : `has version ${found}; ${needed} is needed`;
  if (!options.mayBootstrap) {
    throw new StepFailure(
      `the CDK's bootstrap stack in ${place} ${state}`,
      `npx cdk bootstrap ${place}, or run this again with --bootstrap`,
    );
  }
  step(`CDK bootstrap of ${place}`);
  await runCdk(["bootstrap", place, "--app", "node infra/app.ts"], cdkOptions(deployment));
}

/** Shows what would change and waits for a yes; without a terminal only --yes is one. */
async function agree(deployment: Deployment, assembly: Assembly, stacks: readonly string[]): Promise<void> {
  step(`What changes in ${stacks.join(", ")}`);
  await runCdk(["diff", ...stacks, "--app", assembly.directory, "--exclusively"], cdkOptions(deployment));
  if (deployment.options.isAgreed) return;
  if (!process.stdin.isTTY) {
    throw new StepFailure(
      "nobody can be asked: this is not a terminal",
      "look at the changes, then add --yes",
    );
  }
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await reader.question("\nDeploy this? Type yes: ");
  reader.close();
  if (answer.trim() !== "yes")
    throw new StepFailure("nothing was deployed", "run the same command again to deploy");
}

async function deployService(deployment: Deployment): Promise<StackOutputs> {
  const { stage } = deployment.options;
  const { state, api } = stackNames(stage);
  const assembly = await synthesize({ ...cdkOptions(deployment), context: { stage } });
  try {
    await ensureBootstrap(deployment, assembly.bootstrapVersion);
    await agree(deployment, assembly, [state, api]);
    step(`Deploy ${state}, ${api}`);
    return await deployStacks(assembly, [state, api], cdkOptions(deployment));
  } finally {
    await assembly.remove();
  }
}

/** The stacks that rest on what the bootstrap of the fleets wrote. */
async function deployEdge(
  deployment: Deployment,
  trustStoreVersion: string | undefined,
): Promise<StackOutputs> {
  const { stage } = deployment.options;
  const { domains, artifacts } = deployment.configuration;
  const names = stackNames(stage);
  const stacks = [...(domains ? [names.domains] : []), ...(artifacts ? [names.artifacts] : [])];
  if (stacks.length === 0) return {};
  const version = trustStoreVersion === undefined ? {} : { "fleetkey:trustStoreVersion": trustStoreVersion };
  const assembly = await synthesize({ ...cdkOptions(deployment), context: { stage, ...version } });
  try {
    await agree(deployment, assembly, stacks);
    step(`Deploy ${stacks.join(", ")}`);
    return await deployStacks(assembly, stacks, cdkOptions(deployment));
  } finally {
    await assembly.remove();
  }
}

async function bootstrapFleets(
  deployment: Deployment,
  outputs: StackOutputs,
): Promise<readonly BootstrappedFleet[]> {
  const { options, configuration, lambda } = deployment;
  const bootstrapFunction = outputOf(outputs, stackNames(options.stage).api, "BootstrapFunction");
  const made: BootstrappedFleet[] = [];
  for (const fleet of chooseFleets(options, configuration)) {
    step(`Fleet ${fleet}`);
    const directory = join(options.operatorDirectory, fleet);
    const answer = await bootstrapFleet({ lambda, bootstrapFunction, fleet, directory });
    const files = operatorFiles(directory);
    say(`root SHA-256 ${answer.rootFingerprint}, in ${files.root}`);
    say(`operator's key ${files.key} (keep it secret), certificate ${files.certificate}`);
    made.push(answer);
  }
  return made;
}

interface Addresses {
  readonly url: string;
  readonly mutualTlsUrl?: string;
}

function addressesOf(deployment: Deployment, outputs: StackOutputs): Addresses {
  const names = stackNames(deployment.options.stage);
  if (deployment.configuration.domains === undefined)
    return { url: outputOf(outputs, names.api, "ApiUrl").replace(/\/$/, "") };
  return {
    url: outputOf(outputs, names.domains, "PublicUrl"),
    mutualTlsUrl: outputOf(outputs, names.domains, "MutualTlsUrl"),
  };
}

/** Data for other programs goes to stdout, as `name=value` lines. */
function printOutputs(outputs: StackOutputs): void {
  for (const [stack, values] of Object.entries(outputs))
    for (const [name, value] of Object.entries(values)) {
      if (!name.startsWith("Export")) process.stdout.write(`${stack}.${name}=${value}\n`);
    }
}

function printCommands(deployment: Deployment, fleets: readonly BootstrappedFleet[], at: Addresses): void {
  step("Commands to go on with");
  const renewal = at.mutualTlsUrl === undefined ? "" : ` --renewal-url ${at.mutualTlsUrl}`;
  for (const { fleet, rootFingerprint } of fleets) {
    const files = operatorFiles(join(deployment.options.operatorDirectory, fleet));
    say(
      `fleetkey device enroll --device ID --token-file FILE --fleet ${fleet} --url ${at.url}${renewal} ` +
        `--ca system --fingerprint ${rootFingerprint}`,
    );
    if (at.mutualTlsUrl === undefined) continue;
    const operator = `--cert ${files.certificate} --key ${files.key}`;
    say(`fleetkey cert list --fleet ${fleet} --url ${at.mutualTlsUrl} --ca system ${operator}`);
  }
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
    const there = { fleet, rootFingerprint, operatorDirectory, ...at };
    const report = await smokeEnrollment({ lambda, provisioningFunction, ...there });
    const what = report.didRenewAndRevoke
      ? "enrolled, renewed, revoked"
      : "enrolled; no domain to renew over";
    say(`${report.deviceId}: ${what}; serial ${report.serialNumber}, chain verified`);
  }
}

export async function deploy(argv: readonly string[]): Promise<void> {
  const deployment = await preflight(readOptions(argv));
  const service = await deployService(deployment);
  const fleets = await bootstrapFleets(deployment, service);
  const outputs = { ...service, ...(await deployEdge(deployment, fleets.at(-1)?.trustStore.versionId)) };
  const addresses = addressesOf(deployment, outputs);
  step("Outputs");
  printOutputs(outputs);
  printCommands(deployment, fleets, addresses);
  if (deployment.options.skipsSmoke) say("\nno smoke enrolment: --skip-smoke");
  else await smoke(deployment, outputs, fleets, addresses);
  step(`Stage ${deployment.options.stage} is deployed`);
}

if (import.meta.main) {
  try {
    await deploy(process.argv.slice(2));
  } catch (error) {
    say(`\nfailed: ${describeFailure(error)}`);
    process.exitCode = 1;
  }
}
