/** Room: scripts/deployment. What may be said to `npm run deploy`. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { StageConfiguration } from "../../infra/stage-configuration.ts";
import { StepFailure } from "./failure.ts";

export interface Options {
  readonly stage: string;
  readonly isAgreed: boolean;
  readonly mayBootstrap: boolean;
  readonly fleets: readonly string[];
  readonly operatorDirectory: string;
  readonly skipsSmoke: boolean;
  /** More context flags for the CDK. */
  readonly context: Readonly<Record<string, string>>;
}

const usage =
  "npm run deploy -- --stage NAME [--yes] [--bootstrap] [--fleet F]... [--operator-dir DIR] [--skip-smoke] " +
  "[--context NAME=VALUE]...";

function readContext(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const mark = pair.indexOf("=");
      if (mark < 1) throw new Error(`--context ${pair} is not NAME=VALUE`);
      return [pair.slice(0, mark), pair.slice(mark + 1)];
    }),
  );
}

/** Throws StepFailure with the usage. */
export function readOptions(argv: readonly string[]): Options {
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
        context: { type: "string", multiple: true, default: [] },
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
      context: readContext(values.context),
    };
  } catch (error) {
    throw new StepFailure(error instanceof Error ? error.message : String(error), usage, error);
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
