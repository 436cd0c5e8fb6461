/** Room: scripts/deployment. The CDK's command line: what is synthesised once is what is shown and deployed. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type CommandResult, repository, runCommand, withThisNode } from "./command.ts";
import { StepFailure } from "./failure.ts";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

export interface CdkOptions {
  /** Context flags; they beat those of cdk.json. */
  readonly context: Readonly<Record<string, string>>;
  readonly env: NodeJS.ProcessEnv;
  /** Whether the CDK's own words go to stderr. */
  readonly isShown: boolean;
  /** Whose cdk.json is read. @default the repository */
  readonly directory?: string;
}

/** Outputs by stack and name. */
export type StackOutputs = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A synthesised deployment in a directory of its own. */
export interface Assembly {
  readonly directory: string;
  /** Names of its stacks. */
  readonly stacks: readonly string[];
  /** The version of the bootstrap stack that it needs. */
  readonly bootstrapVersion: number;
  remove(): Promise<void>;
}

const cdkProgram = join(repository, "node_modules/aws-cdk/bin/cdk");

/** Runs `cdk`; resolves with any exit code, for a command whose code is an answer. */
export function attemptCdk(
  args: readonly string[],
  { env, isShown, directory = repository }: Omit<CdkOptions, "context">,
): Promise<CommandResult> {
  const all = [cdkProgram, ...args, "--no-notices", "--no-color"];
  return runCommand(process.execPath, all, { env: withThisNode(env), isShown, directory });
}

/** What to throw when `cdk` ended with another code than it should: its last words, unless they were shown. */
export function cdkFailure(command: string, result: CommandResult, isShown: boolean): StepFailure {
  const words = `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-25).join("\n");
  return new StepFailure(
    `cdk ${command} ended with ${result.code}${isShown ? "" : `:\n${words}`}`,
    "correct what it names above, then run the same command again: it goes on where it stopped",
  );
}

/** Runs `cdk`; throws StepFailure with its last words for any exit code but 0. */
export async function runCdk(
  args: readonly string[],
  options: Omit<CdkOptions, "context">,
): Promise<CommandResult> {
  const result = await attemptCdk(args, options);
  if (result.code === 0) return result;
  throw cdkFailure(args[0] ?? "", result, options.isShown);
}

interface Manifest {
  readonly artifacts: Readonly<
    Record<
      string,
      {
        readonly type: string;
        readonly displayName?: string;
        readonly properties?: {
          readonly stackName?: string;
          readonly requiresBootstrapStackVersion?: number;
        };
      }
    >
  >;
}

/** Synthesises every stack into a temporary directory, with all checks of the app. */
export async function synthesize(options: CdkOptions): Promise<Assembly> {
  const temporary = await makeTemporaryDirectory("assembly");
  const { path: directory } = temporary;
  try {
    const context = Object.entries(options.context).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    await runCdk(["synth", "--quiet", "--output", directory, ...context], { ...options, isShown: false });
    const manifest = JSON.parse(await readFile(join(directory, "manifest.json"), "utf8")) as Manifest;
    const stacks = Object.entries(manifest.artifacts).filter(
      ([, { type }]) => type === "aws:cloudformation:stack",
    );
    return {
      directory,
      stacks: stacks.map(([id, { properties }]) => properties?.stackName ?? id),
      bootstrapVersion: Math.max(
        0,
        ...stacks.map(([, { properties }]) => properties?.requiresBootstrapStackVersion ?? 0),
      ),
      remove: temporary.remove,
    };
  } catch (error) {
    await temporary.remove();
    throw error;
  }
}

/** Deploys `stacks` of the assembly and nothing else; resolves to their outputs. */
export async function deployStacks(
  assembly: Assembly,
  stacks: readonly string[],
  options: Omit<CdkOptions, "context">,
): Promise<StackOutputs> {
  const outputs = join(assembly.directory, "outputs.json");
  await rm(outputs, { force: true });
  // The differences were shown and agreed to before this.
  const flags = ["--require-approval", "never", "--outputs-file", outputs, "--exclusively"];
  await runCdk(["deploy", ...stacks, "--app", assembly.directory, ...flags], options);
  return JSON.parse(await readFile(outputs, "utf8")) as StackOutputs;
}

/** One output; throws StepFailure when the stack did not give it. */
export function outputOf(outputs: StackOutputs, stack: string, name: string): string {
  const value = outputs[stack]?.[name];
  if (value !== undefined) return value;
  throw new StepFailure(
    `stack ${stack} has no output ${name} (there are: ${Object.keys(outputs[stack] ?? {}).join(", ") || "none"})`,
    "deploy the stack again from an unchanged checkout",
  );
}
