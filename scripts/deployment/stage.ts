/** Room: scripts/deployment. The stage to deploy, as cdk.json describes it, and the names that follow from it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readStageConfiguration, type StageConfiguration } from "../../infra/stage-configuration.ts";
import { repository } from "./command.ts";
import { StepFailure } from "./failure.ts";

export interface StackNames {
  readonly state: string;
  readonly api: string;
  readonly domains: string;
  readonly artifacts: string;
}

export function stackNames(stage: string): StackNames {
  const prefix = `Fleetkey-${stage}`;
  return {
    state: `${prefix}-State`,
    api: `${prefix}-Api`,
    domains: `${prefix}-Domains`,
    artifacts: `${prefix}-Artifacts`,
  };
}

/** Throws StepFailure with every problem of the stage's configuration at once. */
export async function readStage(stage: string): Promise<StageConfiguration> {
  const cdk = JSON.parse(await readFile(join(repository, "cdk.json"), "utf8")) as {
    readonly context?: Readonly<Record<string, unknown>>;
  };
  try {
    return readStageConfiguration(stage, cdk.context?.["fleetkey:stages"]);
  } catch (error) {
    throw new StepFailure(
      error instanceof Error ? error.message : String(error),
      "edit cdk.json, then run the same command again",
      error,
    );
  }
}
