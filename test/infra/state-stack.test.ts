import { beforeAll, describe, expect, it } from "vitest";
import { indexNames } from "../../core/item-limits.ts";
import {
  ofType,
  type Resource,
  type SynthesisedStage,
  statementsOf,
  synthesise,
} from "./synthesised-stage.ts";

let stage: SynthesisedStage;
beforeAll(() => {
  stage = synthesise({
    recoveryDays: 7,
    dataKeyRotationDays: 180,
    recordRetention: { mode: "COMPLIANCE", days: 30 },
  });
});

const properties = (type: string): Readonly<Record<string, unknown>>[] =>
  ofType(stage.state, type).map(([, resource]) => resource.Properties);

/** The one resource of that type whose id holds `part`. */
function only(type: string, part = ""): Resource {
  const found = ofType(stage.state, type).filter(([id]) => id.includes(part));
  const [[, resource] = [undefined, undefined]] = found;
  if (found.length !== 1 || resource === undefined)
    throw new Error(`${found.length} resources are ${type} ${part}`);
  return resource;
}

describe("state stack", () => {
  it("is protected against deletion, and so is everything in it that holds state", () => {
    expect(stage.stack("State")?.terminationProtection).toBe(true);
    const counts = {
      "AWS::KMS::Key": 7,
      "AWS::DynamoDB::Table": 2,
      "AWS::Backup::BackupVault": 1,
      "AWS::S3::Bucket": 4,
      "AWS::S3::BucketPolicy": 4,
      "AWS::SNS::Topic": 1,
    };
    for (const [type, count] of Object.entries(counts)) {
      const found = ofType(stage.state, type);
      expect(found, type).toHaveLength(count);
      for (const [id, resource] of found)
        expect(resource, id).toMatchObject({
          // What has a name of its own goes when its first deployment fails, or no second one could be made.
          DeletionPolicy: /BackupVault|Artifacts[0-9A-F]{8}$/.test(id) ? "RetainExceptOnCreate" : "Retain",
          UpdateReplacePolicy: "Retain",
        });
    }
  });

  it("rotates every key that encrypts, and waits 30 days before it deletes any key", () => {
    const keys = properties("AWS::KMS::Key");
    for (const key of keys) expect(key["PendingWindowInDays"]).toBe(30);
    const encrypting = keys.filter((key) => key["KeyUsage"] === undefined);
    expect(encrypting).toHaveLength(3);
    for (const key of encrypting)
      expect(key).toMatchObject({ EnableKeyRotation: true, RotationPeriodInDays: 180 });
  });

  it("45 CFR 164.308(a)(7)(ii)(A): tells of every copy of the table that was not made, and names nobody", () => {
    const { EventPattern: pattern, Targets: targets } = only("AWS::Events::Rule").Properties;
    expect(pattern).toEqual({
      source: ["aws.backup"],
      "detail-type": ["Backup Job State Change"],
      detail: { state: ["ABORTED", "EXPIRED", "FAILED"], backupVaultName: [expect.anything()] },
    });
    expect(JSON.stringify(pattern)).toContain("BackupVault");
    expect(JSON.stringify(targets)).toContain("StateNotices");
    expect(JSON.stringify(targets)).toContain("backup.failed");
  });

  it("encrypts, protects and expires the item table", () => {
    expect(only("AWS::DynamoDB::Table", "TableItems").Properties).toMatchObject({
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
        KMSMasterKeyId: expect.stringMatching(/^StateDataKey\w+\.Arn$/),
      },
      TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
    });
  });

  it("has exactly the indexes that the ItemStore port names, with string keys and whole items", () => {
    expect(only("AWS::DynamoDB::Table", "TableItems").Properties).toMatchObject({
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
    expect(only("AWS::Backup::BackupSelection").Properties).toMatchObject({
      BackupSelection: { Resources: [expect.stringMatching(/^StateTableItems\w+\.Arn$/)] },
    });
    const { EncryptionKeyArn: key, AccessPolicy: policy } = only("AWS::Backup::BackupVault").Properties;
    expect(key).toMatch(/^StateDataKey\w+\.Arn$/);
    expect(statementsOf(policy)).toMatchObject([
      { Effect: "Deny", Action: expect.arrayContaining(["backup:DeleteRecoveryPoint"]) },
    ]);
  });
});

describe("buckets", () => {
  it("keep every version, are private to their owner, and finish no upload after a week", () => {
    for (const bucket of properties("AWS::S3::Bucket"))
      expect(bucket).toMatchObject({
        VersioningConfiguration: { Status: "Enabled" },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
        LifecycleConfiguration: {
          Rules: [expect.objectContaining({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } })],
        },
      });
  });

  it("45 CFR 164.312(e)(1): take TLS 1.2 and later only", () => {
    const buckets = ofType(stage.state, "AWS::S3::Bucket").map(([id]) => id);
    const policies = properties("AWS::S3::BucketPolicy");
    expect(policies.map((policy) => policy["Bucket"]).toSorted()).toEqual(buckets.toSorted());
    for (const policy of policies) {
      const resources = [`${policy["Bucket"]}.Arn`, `${policy["Bucket"]}.Arn/*`];
      const deny = { Effect: "Deny", Action: ["s3:*"], Principal: { AWS: "*" }, Resource: resources };
      expect(statementsOf(policy["PolicyDocument"])).toEqual(
        expect.arrayContaining([
          { ...deny, Condition: { Bool: { "aws:SecureTransport": "false" } } },
          { ...deny, Condition: { NumericLessThan: { "s3:TlsVersion": 1.2 } } },
        ]),
      );
    }
  });

  it("of artefacts and records are encrypted under the data key; API Gateway reads trust stores without it", () => {
    const encryptionOf = (bucket: string): unknown =>
      only("AWS::S3::Bucket", `Buckets${bucket}`).Properties["BucketEncryption"];
    for (const bucket of ["Artifacts", "Records"])
      expect(encryptionOf(bucket)).toMatchObject({
        ServerSideEncryptionConfiguration: [
          {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: {
              SSEAlgorithm: "aws:kms",
              KMSMasterKeyID: expect.stringMatching(/^StateDataKey\w+\.Arn$/),
            },
          },
        ],
      });
    for (const bucket of ["TrustStores", "AccessLogs"])
      expect(encryptionOf(bucket)).toMatchObject({
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      });
  });

  it("45 CFR 164.316(b)(2)(i): records are locked for the stage's retention, six years without one", () => {
    const lockOf = (from: SynthesisedStage): unknown[] =>
      ofType(from.state, "AWS::S3::Bucket").flatMap(
        ([, { Properties }]) => Properties["ObjectLockConfiguration"] ?? [],
      );
    const lock = (mode: string, days: number): unknown[] => [
      { ObjectLockEnabled: "Enabled", Rule: { DefaultRetention: { Mode: mode, Days: days } } },
    ];
    expect(lockOf(stage)).toEqual(lock("COMPLIANCE", 30));
    expect(only("AWS::S3::Bucket", "Records").Properties["ObjectLockEnabled"]).toBe(true);
    expect(lockOf(synthesise())).toEqual(lock("GOVERNANCE", 2_192));
  });

  it("say who read them, in a log of their own that is kept for six years", () => {
    const log = ofType(stage.state, "AWS::S3::Bucket").find(([id]) => id.includes("AccessLogs"));
    for (const bucket of ["Artifacts", "Records", "TrustStores"])
      expect(only("AWS::S3::Bucket", `Buckets${bucket}`).Properties["LoggingConfiguration"]).toEqual({
        DestinationBucketName: log?.[0],
        LogFilePrefix: `${bucket.toLowerCase()}/`,
      });
    expect(log?.[1].Properties["LifecycleConfiguration"]).toMatchObject({
      Rules: [{ ExpirationInDays: 2_192 }],
    });
  });
});

describe("the notice topic", () => {
  it("is encrypted, takes TLS only, and takes alarms and rules of this account", () => {
    expect(only("AWS::SNS::Topic").Properties).toMatchObject({
      KmsMasterKeyId: expect.stringMatching(/^StateOperationsKey/),
    });
    const statements = statementsOf(only("AWS::SNS::TopicPolicy").Properties["PolicyDocument"]);
    expect(statements).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          Effect: "Deny",
          Action: ["sns:Publish"],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        }),
        expect.objectContaining({
          Effect: "Allow",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Condition: { StringEquals: { "aws:SourceAccount": "AWS::AccountId" } },
        }),
      ]),
    );
  });

  it("EventBridge user guide, SNS developer guide: nothing that a rule publishes with stands under a condition", () => {
    const policies = [
      only("AWS::SNS::TopicPolicy").Properties["PolicyDocument"],
      only("AWS::KMS::Key", "OperationsKey").Properties["KeyPolicy"],
    ];
    for (const policy of policies) {
      const ofRules = statementsOf(policy).filter(({ Sid }) => Sid === "Rules");
      expect(ofRules).toHaveLength(1);
      expect(ofRules[0]).toMatchObject({ Effect: "Allow", Principal: { Service: "events.amazonaws.com" } });
      expect(ofRules[0]).not.toHaveProperty("Condition");
    }
  });
});

describe("for the emulator", () => {
  it("the stack leaves out backup selections and may be deleted; everything else stays", () => {
    const emulated = synthesise({ account: "000000000000" }, { "fleetkey:emulator": "true" });
    expect(emulated.stack("State")?.terminationProtection).toBe(false);
    const types = (from: SynthesisedStage): Set<string> =>
      new Set(Object.values(from.state).map((resource) => resource.Type));
    expect([...types(stage)].filter((type) => !types(emulated).has(type)).toSorted()).toEqual([
      "AWS::Backup::BackupSelection",
      // What tells that none was made.
      "AWS::Events::Rule",
      // Who makes the copies.
      "AWS::IAM::ManagedPolicy",
      "AWS::IAM::Role",
    ]);
  });
});

describe("where artefacts are distributed", () => {
  it("distributions of this account, and nothing else of CloudFront, read what is published", () => {
    const distributed = synthesise({
      account: "123456789012",
      region: "eu-central-1",
      artifacts: {
        domainName: "trust.example.org",
        certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef",
      },
    });
    const admitted = [
      ...ofType(distributed.state, "AWS::KMS::Key").map(([, { Properties }]) => Properties["KeyPolicy"]),
      ...ofType(distributed.state, "AWS::S3::BucketPolicy").map(
        ([, { Properties }]) => Properties["PolicyDocument"],
      ),
    ]
      .flatMap(statementsOf)
      .filter(({ Sid }) => Sid === "Distributions");
    expect(admitted.map(({ Action }) => Action)).toEqual([["kms:Decrypt"], ["s3:GetObject"]]);
    for (const { Condition, Principal } of admitted) {
      expect(Principal).toEqual({ Service: "cloudfront.amazonaws.com" });
      expect(Condition).toEqual({
        ArnLike: { "aws:SourceArn": "arn:aws:cloudfront::123456789012:distribution/*" },
      });
    }
  });

  it("replaces nothing when distribution begins or ends: no name and no resource of the state changes", () => {
    const members = { account: "123456789012", region: "eu-central-1" };
    const artifacts = {
      domainName: "trust.example.org",
      certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef",
    };
    const named = (of: SynthesisedStage) =>
      Object.entries(of.state).map(([id, { Type, Properties }]) => [id, Type, Properties?.["BucketName"]]);
    expect(named(synthesise({ ...members, artifacts }))).toEqual(named(synthesise(members)));
  });
});
