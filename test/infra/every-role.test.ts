import { beforeAll, describe, expect, it } from "vitest";
import {
  ofType,
  type Resource,
  type SynthesisedStage,
  statementsOf,
  synthesise,
} from "./synthesised-stage.ts";

const certificate = (region: string): string =>
  `arn:aws:acm:${region}:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef`;

/** With everything that a stage may have, so that there is a template of each stack. */
let stage: SynthesisedStage;
beforeAll(() => {
  stage = synthesise({
    account: "123456789012",
    region: "eu-central-1",
    domains: {
      mutualTls: { name: "devices.example.org", certificateArn: certificate("eu-central-1") },
      public: { name: "enrol.example.org", certificateArn: certificate("eu-central-1") },
    },
    artifacts: { domainName: "trust.example.org", certificateArn: certificate("us-east-1") },
  });
});

const all = (type: string): (readonly [part: string, id: string, resource: Resource])[] =>
  [...stage.parts].flatMap(([part, resources]) =>
    ofType(resources, type).map(([id, resource]) => [part, id, resource] as const),
  );

describe("every role of every stack", () => {
  it("is one of a function, of the scheduler, or of AWS Backup", () => {
    expect([...stage.parts.keys()]).toEqual(["State", "Api", "Domains", "Artifacts"]);
    const assumedBy = all("AWS::IAM::Role").flatMap(([part, , { Properties }]) =>
      statementsOf(Properties["AssumeRolePolicyDocument"]).map(
        ({ Principal }) => `${part} ${(Principal as { Service: string }).Service}`,
      ),
    );
    expect(assumedBy.toSorted()).toEqual([
      ...Array.from({ length: 16 }, () => "Api lambda.amazonaws.com"),
      "Api scheduler.amazonaws.com",
      "State backup.amazonaws.com",
    ]);
  });

  it("has customer-managed policies alone: none of AWS's own, and none inline", () => {
    for (const [part, id, { Properties }] of all("AWS::IAM::Role")) {
      expect(Properties, id).not.toHaveProperty("ManagedPolicyArns");
      expect(Properties, id).not.toHaveProperty("Policies");
      const policies = all("AWS::IAM::ManagedPolicy").filter(
        ([of, , policy]) => of === part && (policy.Properties["Roles"] as string[]).includes(id),
      );
      expect(policies.length, id).toBeGreaterThan(0);
    }
    for (const type of ["Policy", "RolePolicy", "User", "Group"])
      expect(all(`AWS::IAM::${type}`), type).toEqual([]);
  });

  it("may do nothing by a wildcard, and to nothing by one but log streams, records, what is published and certificates in ACM", () => {
    const found = all("AWS::IAM::ManagedPolicy").flatMap(([, id, { Properties }]) =>
      statementsOf(Properties["PolicyDocument"]).flatMap(({ Action, Resource: resources, ...others }) => {
        // Neither everything but some, nor everyone.
        expect(others, id).not.toHaveProperty("NotAction");
        expect(others, id).not.toHaveProperty("NotResource");
        const named = resources.map((one) =>
          one.replace(/^.*(:log-stream:|\/ceremonies\/|\/fleets\/)/, "$1"),
        );
        return [...Action, ...named].filter((one) => one.includes("*"));
      }),
    );
    expect([...new Set(found)].toSorted()).toEqual([
      "/ceremonies/default/*",
      // Who serves what is published serves it of every fleet there ever was.
      "/fleets/*",
      "/fleets/default/*",
      // Lists alone are removed.
      "/fleets/default/crl/*",
      ":log-stream:*",
      // ACM names them: the tag of the stage says which are ours.
      "arn:aws:acm:eu-central-1:123456789012:certificate/*",
    ]);
  });
});

describe("the role of AWS Backup", () => {
  const only = (type: string, part: string): Resource => {
    const found = ofType(stage.state, type).filter(([id]) => id.includes(part));
    const [[, resource] = [undefined, undefined]] = found;
    if (found.length !== 1 || resource === undefined) throw new Error(`${found.length} are ${type} ${part}`);
    return resource;
  };

  it("copies the one table, through its one key; it restores, reads and deletes nothing", () => {
    const statements = statementsOf(only("AWS::IAM::ManagedPolicy", "Backup").Properties["PolicyDocument"]);
    expect(statements).toEqual([
      {
        Sid: "CopyTable",
        Effect: "Allow",
        Action: ["dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:StartAwsBackupJob"],
        Resource: [expect.stringMatching(/^StateTableItems\w+\.Arn$/)],
      },
      {
        Sid: "TableEncryption",
        Effect: "Allow",
        Action: ["kms:Decrypt", "kms:GenerateDataKey"],
        Resource: [expect.stringMatching(/^StateDataKey\w+\.Arn$/)],
        Condition: {
          StringEquals: { "kms:ViaService": expect.stringMatching(/^dynamodb\.eu-central-1\./) },
        },
      },
    ]);
  });

  it("is the selection's, which is made after its policy", () => {
    const selection = only("AWS::Backup::BackupSelection", "");
    expect(selection.Properties["BackupSelection"]).toMatchObject({
      IamRoleArn: expect.stringMatching(/^StateTableBackupRole\w+\.Arn$/),
    });
    expect(JSON.stringify(selection)).toMatch(/"DependsOn":\["StateTableBackupPolicy\w+"/);
  });
});
