import { statSync } from "node:fs";
import { join } from "node:path";
import { Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, it } from "vitest";
import {
  ofType,
  type Resource,
  type SynthesisedStage,
  statementsOf,
  synthesise,
} from "./synthesised-stage.ts";

const fleets = { pumps: { trustDomain: "pumps.example.org" }, scales: {} };

let stage: SynthesisedStage;
beforeAll(() => {
  stage = synthesise({ fleets });
});

const named = (prefix: string): string => {
  const [id] = Object.keys(stage.state).filter((name) => name.startsWith(prefix));
  if (id === undefined) throw new Error(`the state has no ${prefix}`);
  return id;
};

/** The longest ARNs stand in for references. */
const lengthOf = (document: unknown): number =>
  JSON.stringify(document)
    .replace(/StateFleet\w+\.Arn/g, `arn:aws-us-gov:kms:ap-southeast-2:123456789012:key/${"x".repeat(36)}`)
    .replace(/StateBuckets\w+\.Arn/g, `arn:aws-us-gov:s3:::${"x".repeat(63)}`)
    .replace(/State\w+\.Arn/g, `arn:aws-us-gov:dynamodb:ap-southeast-2:123456789012:table/${"x".repeat(60)}`)
    .length;

/** How many policies each role has; roles by their reference. */
function policiesOfRoles(policies: readonly [string, Resource][]): ReadonlyMap<string, number> {
  const roles = policies.flatMap(([, { Properties }]) =>
    (Properties["Roles"] as readonly unknown[]).map((role) => JSON.stringify(role)),
  );
  return new Map(roles.map((role) => [role, roles.filter((one) => one === role).length]));
}

describe("policies", () => {
  it("IAM: hold as many fleets as a stage may have, within 6,144 characters and 10 policies a role", () => {
    // Names as long as an environment has room for.
    const names = Array.from({ length: 30 }, (_, i) => `a-fleet-of-20-chars-${10 + i}`);
    const trustDomain = "e.org";
    const many = synthesise({ fleets: Object.fromEntries(names.map((name) => [name, { trustDomain }])) });
    const policies = ofType(many.api, "AWS::IAM::ManagedPolicy").filter(([id]) => id.startsWith("Service"));
    for (const [id, { Properties }] of policies)
      expect(lengthOf(Properties["PolicyDocument"]), id).toBeLessThanOrEqual(6_144);
    expect(Math.max(...policiesOfRoles(policies).values())).toBeGreaterThan(1);
    for (const [role, count] of policiesOfRoles(policies)) expect(count, role).toBeLessThanOrEqual(10);
  });

  it.each(["root", "issuing"])("IAM: and while each of them moves on to the next key (%s)", (kind) => {
    const fleet = { trustDomain: "e.org", keys: { [kind]: 2 } };
    const names = Array.from({ length: 30 }, (_, i) => `a-fleet-of-20-chars-${10 + i}`);
    const many = synthesise({ fleets: Object.fromEntries(names.map((name) => [name, fleet])) });
    const policies = ofType(many.api, "AWS::IAM::ManagedPolicy");
    for (const [id, { Properties }] of policies)
      expect(lengthOf(Properties["PolicyDocument"]), id).toBeLessThanOrEqual(6_144);
    for (const [role, count] of policiesOfRoles(policies)) expect(count, role).toBeLessThanOrEqual(10);
  });

  it("IAM: and while seventeen of them move on to the next key that wraps, as many as an environment can tell of", () => {
    const fleet = { trustDomain: "e.org", keys: { protection: 2 } };
    const names = Array.from({ length: 17 }, (_, i) => `fleet-with-a-name-of-32-chars-${10 + i}`);
    const many = synthesise({ fleets: Object.fromEntries(names.map((name) => [name, fleet])) });
    const policies = ofType(many.api, "AWS::IAM::ManagedPolicy");
    for (const [id, { Properties }] of policies)
      expect(lengthOf(Properties["PolicyDocument"]), id).toBeLessThanOrEqual(6_144);
    for (const [role, count] of policiesOfRoles(policies)) expect(count, role).toBeLessThanOrEqual(10);
  });

  it("CloudFormation: as many fleets, each with one key more, fit into stacks of 500 resources, 200 outputs and a megabyte", () => {
    const names = Array.from({ length: 30 }, (_, i) => `fleet-${10 + i}`);
    const fleet = { trustDomain: "e.org", keys: { issuing: 2 } };
    const many = synthesise({ fleets: Object.fromEntries(names.map((name) => [name, fleet])) });
    for (const part of ["State", "Api"]) {
      const stack = many.stack(part);
      if (stack === undefined) throw new Error(`there is no stack ${part}`);
      const template = Template.fromStack(stack).toJSON() as Record<string, object>;
      const { Resources, Outputs } = template;
      expect(statSync(join(many.outdir, stack.templateFile)).size, part).toBeLessThanOrEqual(1_000_000);
      expect(Object.keys(Resources ?? {}).length, part).toBeLessThanOrEqual(500);
      expect(Object.keys(Outputs ?? {}).length, part).toBeLessThanOrEqual(200);
    }
  });

  const documents = (): [string, Resource, string][] =>
    [stage.state, stage.api].flatMap((resources) =>
      Object.entries(resources).flatMap(([id, resource]) =>
        ["PolicyDocument", "KeyPolicy", "AssumeRolePolicyDocument", "AccessPolicy"]
          .filter((member) => resource.Properties?.[member] !== undefined)
          .map((member): [string, Resource, string] => [id, resource, member]),
      ),
    );

  it("no action has a wildcard, in policies of roles, keys, buckets, queues and topics alike", () => {
    const found = documents().flatMap(([id, { Properties }, member]) =>
      statementsOf(Properties[member])
        // What is refused over plain HTTP is refused whole.
        .filter(({ Effect }) => Effect === "Allow")
        .flatMap(({ Action }) =>
          Action.filter((action) => action.includes("*")).map((action) => `${id} ${action}`),
        ),
    );
    expect(documents().length).toBeGreaterThan(25);
    expect(found).toEqual([]);
  });

  it("no resource of a role has a wildcard, but log streams, records, what is published and certificates in ACM, whose names are made later", () => {
    const found = ofType(stage.api, "AWS::IAM::ManagedPolicy").flatMap(([, { Properties }]) =>
      statementsOf(Properties["PolicyDocument"]).flatMap(({ Action, Resource }) =>
        Resource.filter((one) => one.includes("*")).map(
          (one) => `${Action.join()} on ${one.split(":").at(-1)}`,
        ),
      ),
    );
    const records = `s3:GetObject,s3:PutObject on ${named("StateBucketsRecords")}.Arn/ceremonies`;
    const artifacts = `${named("StateBucketsArtifacts")}.Arn/fleets`;
    expect([...new Set(found)].toSorted()).toEqual(
      [
        "acm:AddTagsToCertificate,acm:ImportCertificate on certificate/*",
        "acm:DeleteCertificate,acm:ImportCertificate on certificate/*",
        "acm:DescribeCertificate on certificate/*",
        "logs:CreateLogStream,logs:PutLogEvents on *",
        `s3:GetObject on ${artifacts}/*`,
        ...Object.keys(fleets).flatMap((fleet) => [
          `${records}/${fleet}/*`,
          `s3:GetObject,s3:PutObject on ${artifacts}/${fleet}/*`,
          `s3:DeleteObject on ${artifacts}/${fleet}/crl/*`,
        ]),
      ].toSorted(),
    );
  });

  it("a key's policy speaks of itself: elsewhere no resource is `*`", () => {
    for (const [id, { Type, Properties }, member] of documents())
      for (const { Effect, Resource, Principal } of statementsOf(Properties[member]))
        if (Effect === "Allow" && member !== "AssumeRolePolicyDocument" && Type !== "AWS::KMS::Key")
          expect(Resource, `${id} ${JSON.stringify(Principal)}`).not.toContain("*");
  });

  it("no key lets an account use it at large: through services, as signers, or for one fleet", () => {
    const uses = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:Sign", "kms:CreateGrant"];
    // What rules publish with: SNS takes no condition there (see state-stack.test.ts).
    for (const [id, { Properties }] of ofType(stage.state, "AWS::KMS::Key"))
      for (const { Effect, Action, Condition, Sid } of statementsOf(Properties["KeyPolicy"]))
        if (Effect === "Allow" && Sid !== "Rules" && Action.some((action) => uses.includes(action)))
          expect(Object.keys(Condition ?? {}), `${id} ${Sid}`).not.toEqual([]);
  });
});
