/** Room: scripts/deployment. Who deploys, where, and whether the account is ready; nothing is changed before it is known. */
import { KMSClient } from "@aws-sdk/client-kms";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import type { StageConfiguration } from "../../infra/stage-configuration.ts";
import { assertPlace, bootstrapVersion, identifyCaller, signInAdvice } from "./account.ts";
import { type CdkOptions, runCdk } from "./cdk.ts";
import { StepFailure } from "./failure.ts";
import { say, step } from "./narration.ts";
import { chooseFleets, type Options } from "./options.ts";
import { readStage } from "./stage.ts";

export interface Deployment {
  readonly options: Options;
  readonly configuration: StageConfiguration;
  readonly account: string;
  readonly region: string;
  readonly env: NodeJS.ProcessEnv;
  readonly lambda: LambdaClient;
  readonly kms: KMSClient;
}

/** Throws StepFailure unless the credentials lead where the stage belongs. */
export async function preflight(options: Options): Promise<Deployment> {
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
  const clients = { lambda: new LambdaClient(client), kms: new KMSClient(client) };
  return { options, configuration, account: caller.account, region, env, ...clients };
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

/** The CDK's own words go to the person who deploys. */
export const cdkOptions = ({ env }: Deployment): Omit<CdkOptions, "context"> => ({ env, isShown: true });

/** Throws StepFailure with the command to run when the account lacks the CDK's bootstrap stack, unless it may be made. */
export async function ensureBootstrap(
  deployment: Deployment,
  needed: number,
  region: string = deployment.region,
): Promise<void> {
  const { account, options } = deployment;
  const found = await bootstrapVersion(new SSMClient({ region }));
  if (found !== undefined && found >= needed)
    return say(`CDK bootstrap stack in ${region}: version ${found}, ${needed} needed`);
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
