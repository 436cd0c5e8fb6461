/** Room: test/infra. A stage as it would be deployed, its templates read back: intrinsics as short words, policies as rows. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { afterAll } from "vitest";
import cdkJson from "../../cdk.json" with { type: "json" };
import { createApp } from "../../infra/app.ts";

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export type Resources = Readonly<Record<string, Resource>>;

/** `Fn::GetAtt` is `Id.Attribute`, `Ref` is `Id`, an output of another stack is what it outputs there, a part is the whole. */
function flatten(value: unknown, outputs: Readonly<Record<string, unknown>>): unknown {
  if (Array.isArray(value)) return value.map((one) => flatten(one, outputs));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value);
  const [[name, argument] = ["", undefined]] = members;
  if (members.length === 1) {
    if (name === "Ref") return String(argument);
    if (name === "Fn::GetAtt") return (argument as string[]).join(".");
    if (name === "Fn::Join") return (flatten((argument as unknown[])[1], outputs) as string[]).join("");
    if (name === "Fn::Split") return flatten((argument as unknown[])[1], outputs);
    if (name === "Fn::Select") return flatten((argument as unknown[])[1], outputs);
    if (name === "Fn::GetStackOutput") return outputs[(argument as { OutputName: string }).OutputName];
  }
  return Object.fromEntries(members.map(([key, one]) => [key, flatten(one, outputs)]));
}

function stackOf(app: App, part: string): Stack | undefined {
  return app.node.children.find(
    (child): child is Stack => child instanceof Stack && child.stackName.endsWith(`-${part}`),
  );
}

export interface SynthesisedStage {
  readonly app: App;
  readonly outdir: string;
  readonly state: Resources;
  readonly api: Resources;
  readonly stack: (part: string) => Stack | undefined;
  /** Of each stack of the app, by its part of the name, such as `Domains`. */
  readonly parts: ReadonlyMap<string, Resources>;
}

const scratch = mkdtempSync(join(tmpdir(), "fleetkey-synth-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let synthesised = 0;

export function stageApp(
  members: object = {},
  context: Readonly<Record<string, unknown>> = {},
  outdir?: string,
): App {
  synthesised += 1;
  return createApp({
    outdir: outdir ?? join(scratch, `${synthesised}`),
    context: {
      ...cdkJson.context,
      stage: "test",
      "fleetkey:stages": { test: members },
      "aws:cdk:bundling-stacks": [],
      ...context,
    },
  });
}

/** Synthesises one stage, without bundles unless `context` asks for them; the rule pack judges it by the way. */
export function synthesise(
  members: object = {},
  context: Readonly<Record<string, unknown>> = {},
): SynthesisedStage {
  const app = stageApp(members, context);
  const stack = (part: string): Stack | undefined => stackOf(app, part);
  const templateOf = (part: string): Readonly<Record<string, Record<string, unknown>>> => {
    const found = stack(part);
    if (found === undefined) throw new Error(`there is no stack ${part}`);
    return Template.fromStack(found).toJSON() as Record<string, Record<string, unknown>>;
  };
  const state = templateOf("State");
  const outputs = Object.fromEntries(
    Object.entries(state["Outputs"] ?? {}).map(([name, output]) => [
      name,
      flatten((output as { Value: unknown }).Value, {}),
    ]),
  );
  const names = app.node.children.filter((child) => child instanceof Stack).map((one) => one.stackName);
  const parts = names.map((name) => name.slice(name.lastIndexOf("-") + 1));
  return {
    app,
    outdir: app.outdir,
    parts: new Map(
      parts.map((part) => [part, flatten(templateOf(part)["Resources"], outputs) as Resources] as const),
    ),
    state: flatten(state["Resources"], {}) as Resources,
    api: flatten(templateOf("Api")["Resources"], outputs) as Resources,
    stack,
  };
}

export const ofType = (resources: Resources, type: string): [string, Resource][] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);

export interface Statement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: unknown;
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const list = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : [String(value)]);

export function statementsOf(document: unknown): Statement[] {
  return (document as { Statement: Record<string, unknown>[] }).Statement.map(
    (statement) =>
      ({
        ...statement,
        Action: list(statement["Action"]),
        Resource: list(statement["Resource"]),
      }) as unknown as Statement,
  );
}

/** Everything that the named role may do, from every policy that is attached to it. */
export function statementsOfRole(resources: Resources, roleName: string): Statement[] {
  const [[roleId] = [""]] = ofType(resources, "AWS::IAM::Role").filter(([, { Properties }]) =>
    String(Properties["RoleName"]).endsWith(roleName),
  );
  if (roleId === "") throw new Error(`there is no role ${roleName}`);
  return ["AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"]
    .flatMap((type) => ofType(resources, type))
    .filter(([, { Properties }]) => (Properties["Roles"] as string[]).includes(roleId))
    .flatMap(([, { Properties }]) => statementsOf(Properties["PolicyDocument"]));
}

/** Logical id of the key with that alias, behind the stage's prefix. */
export function keyWithAlias({ state }: SynthesisedStage, alias: string): string {
  const [[, found] = [undefined, undefined]] = ofType(state, "AWS::KMS::Alias").filter(
    ([, { Properties }]) => Properties["AliasName"] === `alias/fleetkey/test/${alias}`,
  );
  const arn = found?.Properties["TargetKeyId"];
  if (arn === undefined) throw new Error(`no key has the alias ${alias}`);
  return String(arn).replace(".Arn", "");
}
