/**
 * Room: scripts/deployment. A deployment must not lose what the stage keeps. Everything in the State stack is
 * retained when it leaves it, but what is retained so belongs to no stack: put back, it would be made anew, while
 * the records go on naming the old one.
 */
import { type Assembly, attemptCdk, cdkFailure } from "./cdk.ts";
import type { CommandResult } from "./command.ts";
import { StepFailure } from "./failure.ts";

/** One resource that a deployment would take out of its stack or make anew. */
export interface DestructiveChange {
  readonly stack: string;
  /** `AWS::KMS::Key` */
  readonly type: string;
  /** Where the app makes it: `State/Fleet-pumps/Authorities/Root1`. */
  readonly path: string;
  readonly logicalId: string;
  /** `will be orphaned`, `may be replaced`, `cannot change its KeySpec`. */
  readonly impact: string;
}

/** By resource type: what a stage is without it. */
const reasons: Readonly<Record<string, string>> = {
  "AWS::KMS::Key": "what it signed or encrypted names this key, and no other can take its place",
  "AWS::KMS::Alias": "whoever asks for a key by this name finds none, or another",
  "AWS::DynamoDB::Table": "it holds every device, certificate and token, or the keys of all protected data",
  "AWS::DynamoDB::GlobalTable": "it holds every device, certificate and token",
  "AWS::S3::Bucket": "it holds what others read or what the law has kept",
  "AWS::Backup::BackupVault": "it holds the table's copies",
  "AWS::SNS::Topic": "whoever subscribed hears of no alarm any more",
};

/**
 * CloudFormation refuses these changes of a key that is there (AWS::KMS::Key, "the update request fails"), halfway
 * through the deployment; the CDK takes them for harmless.
 */
const fixedOfKeys = ["KeySpec", "KeyUsage", "Origin", "MultiRegion"];

const announced = /Found (\d+) destructive change\(s\)/;
const listed =
  /^ {2}(?<stack>\S+): (?<type>\w+::\w+::\w+) (?:(?<path>\S+) )?(?<logicalId>\w+) (?<impact>(?:will|may) be \w+)/gm;

const changed =
  /^\[~\] AWS::KMS::Key (?:(?<path>\S+) )?(?<logicalId>\w+)[^\n]*\n(?<properties>(?: [^\n]+\n)*)/gm;

function readKeyChanges(text: string): readonly DestructiveChange[] {
  const stack = /^Stack (\S+)/m.exec(text)?.[1] ?? "";
  return [...text.matchAll(changed)].flatMap(({ groups = {} }) => {
    const { path = "", logicalId = "", properties = "" } = groups;
    const names = [...properties.matchAll(/^ [├└]─ \[.\] (\w+)/gm)].map(([, name = ""]) => name);
    const fixed = names.filter((name) => fixedOfKeys.includes(name));
    if (fixed.length === 0) return [];
    return [
      { stack, type: "AWS::KMS::Key", path, logicalId, impact: `cannot change its ${fixed.join(", ")}` },
    ];
  });
}

/**
 * What `cdk diff --fail-on destructive` lists: the changes by which a resource is destroyed, orphaned or replaced;
 * and changes of a key that it cannot survive.
 * @throws StepFailure when it announces other than it lists: an unread line could be a key.
 */
export function readDestructiveChanges({
  stdout,
  stderr,
}: Omit<CommandResult, "code">): readonly DestructiveChange[] {
  const text = `${stdout}\n${stderr}`;
  const changes = [...text.matchAll(listed)].map(({ groups = {} }): DestructiveChange => {
    const { stack = "", type = "", path = "", logicalId = "", impact = "" } = groups;
    return { stack, type, path, logicalId, impact };
  });
  const expected = Number(announced.exec(text)?.[1] ?? 0);
  if (expected === changes.length) {
    const ids = new Set(changes.map(({ logicalId }) => logicalId));
    return [...changes, ...readKeyChanges(stdout).filter(({ logicalId }) => !ids.has(logicalId))];
  }
  throw new StepFailure(
    `cdk diff announces ${expected} destructive changes and ${changes.length} of them can be read`,
    "deploy with the aws-cdk of package-lock.json (`npm ci`); see `npx cdk diff --fail-on destructive`",
  );
}

/** Throws StepFailure for every change that loses what a stage keeps and that `accepted` does not name. */
export function assertNothingIsLost(
  changes: readonly DestructiveChange[],
  accepted: readonly string[],
): void {
  const losses = changes.filter(
    ({ type, logicalId }) => Object.hasOwn(reasons, type) && !accepted.includes(logicalId),
  );
  if (losses.length === 0) return;
  const lines = losses.map(
    ({ type, path, logicalId, impact }) => `${type} ${path} ${logicalId} ${impact}: ${reasons[type]}`,
  );
  const flags = losses.map(({ logicalId }) => `--accept-loss ${logicalId}`).join(" ");
  throw new StepFailure(
    `${losses[0]?.stack} would lose what it keeps, so nothing was deployed:\n  ${lines.join("\n  ")}`,
    "put fleet and algorithms in cdk.json back as they were deployed, and leave the names of constructs alone. " +
      `If the loss is meant, run the same command again with ${flags}`,
  );
}

/**
 * Compares the templates themselves: a change set needs a stack that can be changed, and a refusal must not rest on it.
 * @throws StepFailure when a deployment of `stack` would lose what it keeps.
 */
export async function refuseLosses(
  assembly: Assembly,
  stack: string,
  { env, accepted }: { readonly env: NodeJS.ProcessEnv; readonly accepted: readonly string[] },
): Promise<void> {
  const judge = ["--method", "template", "--fail-on", "destructive", "--exclusively"];
  const result = await attemptCdk(["diff", stack, "--app", assembly.directory, ...judge], {
    env,
    isShown: false,
  });
  const changes = readDestructiveChanges(result);
  // 1 is the answer "something is destroyed", and also how every failure ends.
  if (result.code !== 0 && changes.length === 0) throw cdkFailure("diff", result, false);
  assertNothingIsLost(changes, accepted);
}
