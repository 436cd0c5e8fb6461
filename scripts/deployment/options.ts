/** Room: scripts/deployment. What may be said to `npm run deploy`. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { StageConfiguration } from "../../infra/stage-configuration.ts";
import { StepFailure, UsageFailure } from "./failure.ts";

export interface Options {
  readonly stage: string;
  readonly isAgreed: boolean;
  readonly mayBootstrap: boolean;
  readonly fleets: readonly string[];
  readonly operatorDirectory: string;
  readonly skipsSmoke: boolean;
  /** False for a pipeline, which needs no power over the fleet. */
  readonly withOperator: boolean;
  /** False where no root has to sign: none is lent, so nobody needs a second factor. */
  readonly withRoots: boolean;
  /** Logical ids of what the State stack may lose. */
  readonly acceptedLosses: readonly string[];
  /** What stands before the emulator as the domains stand before AWS. */
  readonly front?: string | undefined;
  /** More context flags for the CDK. */
  readonly context: Readonly<Record<string, string>>;
}

/** As parseArgs takes them; docs/deploy.md has each in its table. */
export const deployFlags = {
  stage: { type: "string" },
  yes: { type: "boolean", default: false },
  bootstrap: { type: "boolean", default: false },
  fleet: { type: "string", multiple: true, default: [] as string[] },
  "operator-dir": { type: "string" },
  "without-operator": { type: "boolean", default: false },
  "without-roots": { type: "boolean", default: false },
  "skip-smoke": { type: "boolean", default: false },
  "accept-loss": { type: "string", multiple: true, default: [] as string[] },
  context: { type: "string", multiple: true, default: [] as string[] },
  front: { type: "string" },
} as const;

export const deployUsage = `npm run deploy -- --stage NAME [FLAGS]

  --stage NAME              the stage of cdk.json to deploy
  --yes                     does not ask before it changes something
  --bootstrap               runs \`cdk bootstrap\` when its stack is missing or old
  --fleet F                 only this fleet is made and smoke-tested; may be repeated
  --operator-dir DIR        where operators' files go; deployments/NAME otherwise
  --without-operator        certifies no operator: for pipelines, which need no power over a fleet
  --without-roots           lends no root to the bootstrap: for pipelines, which have no second factor
  --skip-smoke              enrols no device
  --accept-loss LOGICAL_ID  lets this resource of the State stack go; may be repeated
  --context NAME=VALUE      one more context flag for the CDK; may be repeated
  --front URL               of a rehearsal: where the emulator's front answers
  --help                    prints this

See docs/deploy.md.`;

function readContext(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const mark = pair.indexOf("=");
      if (mark < 1) throw new Error(`--context ${pair} is not NAME=VALUE`);
      return [pair.slice(0, mark), pair.slice(mark + 1)];
    }),
  );
}

/** Throws UsageFailure. */
export function readOptions(argv: readonly string[]): Options {
  try {
    const { values } = parseArgs({ args: [...argv], options: deployFlags });
    const { stage, front } = values;
    if (stage === undefined) throw new Error("--stage is missing");
    const context = readContext(values.context);
    // Behind API Gateway a front's word about its clients counts for nothing.
    if (front !== undefined && context["fleetkey:emulator"] !== "true")
      throw new Error("--front is for --context fleetkey:emulator=true alone");
    return {
      stage,
      isAgreed: values.yes,
      mayBootstrap: values.bootstrap,
      fleets: values.fleet,
      operatorDirectory: values["operator-dir"] ?? join("deployments", stage),
      skipsSmoke: values["skip-smoke"],
      withOperator: !values["without-operator"],
      withRoots: !values["without-roots"],
      acceptedLosses: values["accept-loss"],
      front,
      context,
    };
  } catch (error) {
    throw new UsageFailure(error instanceof Error ? error.message : String(error), deployUsage, error);
  }
}

/** Those that --fleet names, or all; throws StepFailure for one that the stage does not have. */
export function chooseFleets({ fleets }: Options, configuration: StageConfiguration): readonly string[] {
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
