import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type App, Stack, Validations } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { indexNames } from "../../core/item-limits.ts";
import { createApp } from "../../infra/app.ts";
import { StateStack } from "../../infra/state-stack.ts";

const outdir = mkdtempSync(join(tmpdir(), "fleetkey-synth-"));
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

function testApp(name: string): App {
  return createApp({
    outdir: join(outdir, name),
    context: { stage: "test", "fleetkey:stages": { test: { recoveryDays: 7, dataKeyRotationDays: 180 } } },
  });
}

function stateStack(app: App): StateStack {
  const stack = app.node.children.find((child) => child instanceof StateStack);
  if (stack === undefined) throw new Error("the app has no StateStack");
  return stack;
}

describe("state stack", () => {
  let stack: StateStack;
  let template: Template;
  beforeAll(() => {
    stack = stateStack(testApp("state"));
    template = Template.fromStack(stack);
  });

  it("is protected against deletion", () => {
    expect(stack.terminationProtection).toBe(true);
    for (const type of ["AWS::KMS::Key", "AWS::DynamoDB::Table", "AWS::Backup::BackupVault"]) {
      template.resourceCountIs(type, 1);
      template.allResources(type, { DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" });
    }
  });

  it("rotates the data key and waits 30 days before deleting it", () => {
    template.hasResourceProperties("AWS::KMS::Key", {
      EnableKeyRotation: true,
      RotationPeriodInDays: 180,
      PendingWindowInDays: 30,
    });
  });

  it("encrypts, protects and expires the item table", () => {
    template.hasResourceProperties("AWS::DynamoDB::Table", {
      BillingMode: "PAY_PER_REQUEST",
      DeletionProtectionEnabled: true,
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 7 },
      SSESpecification: {
        SSEEnabled: true,
        SSEType: "KMS",
        KMSMasterKeyId: {
          "Fn::GetAtt": [stack.getLogicalId(stack.dataKey.node.defaultChild as never), "Arn"],
        },
      },
      TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
    });
  });

  it("has exactly the indexes that the ItemStore port names, with string keys and whole items", () => {
    template.hasResourceProperties("AWS::DynamoDB::Table", {
      GlobalSecondaryIndexes: indexNames.map((index) => ({
        IndexName: index,
        KeySchema: [
          { AttributeName: `${index}Pk`, KeyType: "HASH" },
          { AttributeName: `${index}Sk`, KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "ALL" },
      })),
      AttributeDefinitions: ["pk", "sk", ...indexNames.flatMap((index) => [`${index}Pk`, `${index}Sk`])].map(
        (name) => ({ AttributeName: name, AttributeType: "S" }),
      ),
    });
  });

  it("backs the table up to a vault whose copies cannot be deleted", () => {
    template.hasResourceProperties("AWS::Backup::BackupSelection", {
      BackupSelection: { Resources: [Match.anyValue()] },
    });
    template.hasResourceProperties("AWS::Backup::BackupVault", {
      EncryptionKeyArn: Match.anyValue(),
      AccessPolicy: Match.objectLike({
        Statement: [
          Match.objectLike({
            Effect: "Deny",
            Action: Match.arrayWith(["backup:DeleteRecoveryPoint"]),
          }),
        ],
      }),
    });
  });
});

/** The constructs on which the pack reports `rule`, from the report that a failed synthesis leaves. */
function reported(name: string, rule: string): string[] {
  const text = readFileSync(join(outdir, name, "validation-report.json"), "utf8");
  const report = JSON.parse(text) as {
    pluginReports: {
      violations: { ruleName: string; violatingConstructs: { constructPath: string }[] }[];
    }[];
  };
  return report.pluginReports
    .flatMap((plugin) => plugin.violations)
    .filter((violation) => violation.ruleName.endsWith(rule))
    .flatMap((violation) => violation.violatingConstructs.map((construct) => construct.constructPath));
}

describe("HIPAA rule pack", () => {
  it("finds nothing in the app", () => {
    expect(() => testApp("clean").synth()).not.toThrow();
  });

  it("an unacknowledged finding fails the synthesis", () => {
    const app = testApp("finding");
    new Bucket(new Stack(app, "Careless"), "Bucket");
    expect(() => app.synth()).toThrow();
    expect(reported("finding", "S3BucketLoggingEnabled")).toEqual(["Careless/Bucket/Resource"]);
  });

  it("an acknowledgement covers its own resource only", () => {
    const app = testApp("acknowledged");
    const stack = new Stack(app, "Careless");
    const bucket = new Bucket(stack, "Bucket");
    new Bucket(stack, "Other");
    Validations.of(bucket).acknowledge({
      id: "HIPAA.Security::HIPAA.Security-S3BucketLoggingEnabled",
      reason: "the test acknowledges one finding of one bucket",
    });
    expect(() => app.synth()).toThrow();
    expect(reported("acknowledged", "S3BucketLoggingEnabled")).toEqual(["Careless/Other/Resource"]);
  });
});
