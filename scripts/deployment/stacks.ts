/** Room: scripts/deployment. Shows what would change, has it agreed to, and deploys the very same. */
import { createInterface } from "node:readline/promises";
import { type Assembly, deployStacks, outputOf, runCdk, type StackOutputs, synthesize } from "./cdk.ts";
import { StepFailure } from "./failure.ts";
import { refuseLosses } from "./losses.ts";
import { type Addresses, step } from "./narration.ts";
import { cdkOptions, type Deployment, ensureBootstrap } from "./preflight.ts";
import { stackNames } from "./stage.ts";

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

/** State and API. */
export async function deployService(deployment: Deployment): Promise<StackOutputs> {
  const { stage, context, acceptedLosses: accepted } = deployment.options;
  const { state, api } = stackNames(stage);
  const assembly = await synthesize({ ...cdkOptions(deployment), context: { ...context, stage } });
  try {
    await ensureBootstrap(deployment, assembly.bootstrapVersion);
    await refuseLosses(assembly, state, { env: deployment.env, accepted });
    await agree(deployment, assembly, [state, api]);
    step(`Deploy ${state}, ${api}`);
    return await deployStacks(assembly, [state, api], cdkOptions(deployment));
  } finally {
    await assembly.remove();
  }
}

/** The stacks that rest on what the bootstrap of the fleets wrote. */
export async function deployEdge(
  deployment: Deployment,
  trustStoreVersion: string | undefined,
): Promise<StackOutputs> {
  const { stage, context } = deployment.options;
  const { domains, artifacts } = deployment.configuration;
  const names = stackNames(stage);
  const stacks = [...(domains ? [names.domains] : []), ...(artifacts ? [names.artifacts] : [])];
  if (stacks.length === 0) return {};
  if (domains && trustStoreVersion === undefined) {
    throw new StepFailure(
      "the trust store has no version, and API Gateway reads none without",
      "see that the bucket of trust stores keeps versions, then run the same command again",
    );
  }
  const version = trustStoreVersion === undefined ? {} : { "fleetkey:trustStoreVersion": trustStoreVersion };
  const assembly = await synthesize({
    ...cdkOptions(deployment),
    context: { ...context, stage, ...version },
  });
  try {
    // CloudFront takes firewalls and certificates of that region only.
    if (artifacts) await ensureBootstrap(deployment, assembly.bootstrapVersion, "us-east-1");
    await agree(deployment, assembly, stacks);
    step(`Deploy ${stacks.join(", ")}`);
    return await deployStacks(assembly, stacks, cdkOptions(deployment));
  } finally {
    await assembly.remove();
  }
}

/**
 * Where operators use their passkeys: the public domain of the stage, or else the name that API Gateway gave. Passkeys hold
 * for one host name alone, and the API does not answer under the gateway's once it has its own.
 */
export function originOf(stage: string, outputs: StackOutputs): string {
  return new URL(outputOf(outputs, stackNames(stage).api, "ApiUrl")).origin;
}

/** Where others read what is published: CloudFront, once the stage has a name for it. */
export function artifactsOf({ artifacts }: Deployment["configuration"]): { readonly artifacts?: string } {
  return artifacts === undefined ? {} : { artifacts: `https://${artifacts.domainName}` };
}

/** The emulator's front, the domains of the stage, or else the name that API Gateway gave. */
export function addressesOf(deployment: Deployment, outputs: StackOutputs): Addresses {
  const { stage, front } = deployment.options;
  if (front !== undefined) return { url: front, mutualTlsUrl: front };
  const names = stackNames(stage);
  if (deployment.configuration.domains === undefined)
    return { url: outputOf(outputs, names.api, "ApiUrl").replace(/\/$/, "") };
  return {
    url: outputOf(outputs, names.domains, "PublicUrl"),
    mutualTlsUrl: outputOf(outputs, names.domains, "MutualTlsUrl"),
  };
}
