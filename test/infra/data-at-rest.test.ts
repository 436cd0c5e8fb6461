import { beforeAll, describe, expect, it } from "vitest";
import { encodeItem } from "../../adapters/aws/dynamodb/item-encoding.ts";
import {
  fleetTombstoneKey,
  subjectKeyContext,
  subjectKeyItem,
  subjectTombstoneKey,
} from "../../core/records/subject-key-record.ts";
import { subjectKeyPartitions } from "../../infra/constructs/protection-grants.ts";
import { routes, tasks } from "../../lambdas/routes.ts";
import {
  keyWithAlias,
  ofType,
  type Resource,
  type SynthesisedStage,
  statementsOf,
  statementsOfRole,
  synthesise,
} from "./synthesised-stage.ts";

const arnOf = (region: string): string =>
  `arn:aws:acm:${region}:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef`;

/** With everything that a stage may have, and a fleet whose keys have moved on. */
let stage: SynthesisedStage;
beforeAll(() => {
  stage = synthesise({
    account: "123456789012",
    region: "eu-central-1",
    fleets: { pumps: { keys: { protection: 2 } }, scales: {} },
    domains: {
      mutualTls: { name: "devices.example.org", certificateArn: arnOf("eu-central-1") },
      public: { name: "enrol.example.org", certificateArn: arnOf("eu-central-1") },
    },
    artifacts: { domainName: "trust.example.org", certificateArn: arnOf("us-east-1") },
  });
});

const all = (type: string): [string, Resource][] =>
  [...stage.parts.values()].flatMap((resources) => ofType(resources, type));

/** Ids of the keys that this app makes, which are all of its customers'. */
const ownKeys = (): string[] => all("AWS::KMS::Key").map(([id]) => id);
const ownKeyOf = (value: unknown): string | undefined =>
  ownKeys().find((id) => typeof value === "string" && value.replace(/\.Arn$/, "") === id);

/** Where each type of resource that keeps something names its key. */
const keyIn: Readonly<Record<string, (properties: Resource["Properties"]) => unknown>> = {
  "AWS::DynamoDB::Table": ({ SSESpecification: sse }) =>
    (sse as { KMSMasterKeyId?: unknown } | undefined)?.KMSMasterKeyId,
  "AWS::S3::Bucket": ({ BucketEncryption: encryption }) =>
    (
      encryption as {
        ServerSideEncryptionConfiguration: {
          ServerSideEncryptionByDefault: { KMSMasterKeyID?: unknown };
        }[];
      }
    ).ServerSideEncryptionConfiguration[0]?.ServerSideEncryptionByDefault.KMSMasterKeyID,
  "AWS::SQS::Queue": ({ KmsMasterKeyId }) => KmsMasterKeyId,
  "AWS::SNS::Topic": ({ KmsMasterKeyId }) => KmsMasterKeyId,
  "AWS::Logs::LogGroup": ({ KmsKeyId }) => KmsKeyId,
  "AWS::Lambda::Function": ({ KmsKeyArn }) => KmsKeyArn,
  "AWS::Backup::BackupVault": ({ EncryptionKeyArn }) => EncryptionKeyArn,
};

/** Types that keep nothing of ours but what stands in the template. */
const keepNothing = [
  ...["AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::DomainName"],
  ...["AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage"],
  ...["AWS::Backup::BackupPlan", "AWS::Backup::BackupSelection"],
  ...["AWS::CloudFront::Distribution", "AWS::CloudFront::OriginAccessControl"],
  ...["AWS::CloudFront::ResponseHeadersPolicy", "AWS::CloudFront::CachePolicy"],
  ...["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Dashboard"],
  ...["AWS::Events::Rule", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role"],
  ...["AWS::KMS::Alias", "AWS::KMS::Key", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission"],
  ...[
    "AWS::Logs::MetricFilter",
    "AWS::Logs::ResourcePolicy",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
  ],
  ...["AWS::Scheduler::Schedule", "AWS::Scheduler::ScheduleGroup"],
  ...["AWS::WAFv2::LoggingConfiguration", "AWS::WAFv2::WebACL", "AWS::CDK::Metadata"],
];

describe("45 CFR 164.312(a)(2)(iv): what a stage keeps is under customer-managed keys", () => {
  it("every type of resource is known here: to keep something, or nothing", () => {
    const types = new Set(
      [...stage.parts.values()].flatMap((part) => Object.values(part)).map((r) => r.Type),
    );
    const known = [...Object.keys(keyIn), ...keepNothing];
    expect([...types].filter((type) => !known.includes(type))).toEqual([]);
    for (const type of Object.keys(keyIn)) expect(all(type).length, type).toBeGreaterThan(0);
  });

  it("every table, bucket, queue, topic, log group, environment and vault; two buckets of what is public or S3's own log are not", () => {
    const without = Object.entries(keyIn).flatMap(([type, keyOf]) =>
      all(type).flatMap(([id, { Properties }]) => (ownKeyOf(keyOf(Properties)) === undefined ? [id] : [])),
    );
    expect(without.toSorted()).toEqual([
      expect.stringMatching(/^StateBucketsAccessLogs[0-9A-F]{8}$/),
      expect.stringMatching(/^StateBucketsTrustStores[0-9A-F]{8}$/),
    ]);
  });

  it("no key that encrypts stands still: each is rotated within a year", () => {
    const encrypting = all("AWS::KMS::Key").filter(
      ([, { Properties }]) => Properties["KeyUsage"] === undefined,
    );
    // data, operations, the firewall's log, three that wrap.
    expect(encrypting).toHaveLength(6);
    for (const [id, { Properties }] of encrypting) expect(Properties["EnableKeyRotation"], id).toBe(true);
  });
});

const variablesOf = ({ Properties }: Resource): Readonly<Record<string, string>> =>
  (Properties["Environment"] as { Variables: Record<string, string> }).Variables;

const subjectKeys = (): [string, Resource] => {
  const [found, ...others] = ofType(stage.state, "AWS::DynamoDB::Table").filter(([id]) =>
    id.startsWith("StateSubjectKeys"),
  );
  if (found === undefined || others.length > 0)
    throw new Error("the state has not one table of subject keys");
  return found;
};

describe("the table of subject keys", () => {
  it("is as the item table but for indexes and expiry: encrypted, protected, kept", () => {
    const [, { Properties, ...policies }] = subjectKeys();
    expect(Properties).toMatchObject({
      BillingMode: "PAY_PER_REQUEST",
      DeletionProtectionEnabled: true,
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      SSESpecification: { SSEEnabled: true, SSEType: "KMS" },
    });
    expect(policies).toMatchObject({ DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" });
    for (const absent of ["GlobalSecondaryIndexes", "TimeToLiveSpecification", "StreamSpecification"])
      expect(Properties).not.toHaveProperty(absent);
    const record = {
      ...{ fleet: "pumps", subject: "patient-1", version: 1, keyId: "key", contextVersion: 1 },
      ...{ wrapped: Buffer.from("wrapped"), createdAt: 1, wrappedAt: 1 },
    };
    // So what it keeps stands in no index.
    expect(Object.keys(encodeItem(subjectKeyItem(record), 1)).toSorted()).toEqual([
      ...["attributes", "pk", "sk", "version"],
    ]);
  });

  it.each([
    [undefined, "7", { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 7 }],
    [{ keyRecoveryDays: 1 }, "1", { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 1 }],
    [{ keyRecoveryDays: 0 }, "0", { PointInTimeRecoveryEnabled: false }],
  ])("SP 800-88 r1 §2.6: with protection %j can be restored for %s days", (protection, days, recovery) => {
    const { state, api } = synthesise(protection === undefined ? {} : { protection });
    const [[, table] = [undefined, undefined]] = ofType(state, "AWS::DynamoDB::Table").filter(([id]) =>
      id.startsWith("StateSubjectKeys"),
    );
    expect(table?.Properties["PointInTimeRecoverySpecification"]).toEqual(recovery);
    // The certificate of a destruction says until when keys could be restored.
    const told = ofType(api, "AWS::Lambda::Function").flatMap(
      ([, resource]) => variablesOf(resource)["FLEETKEY_KEY_RECOVERY_DAYS"] ?? [],
    );
    expect(told).toEqual([days]);
  });

  it("is in no backup plan: the one selection names the item table, by its ARN and by no tag", () => {
    const selections = all("AWS::Backup::BackupSelection").map(
      ([, { Properties }]) => Properties["BackupSelection"] as Readonly<Record<string, unknown>>,
    );
    expect(selections).toHaveLength(1);
    for (const { Resources: resources, ListOfTags: tags, Conditions: conditions } of selections) {
      expect(resources).toEqual([expect.stringMatching(/^StateTableItems\w+\.Arn$/)]);
      expect({ tags, conditions }).toEqual({ tags: undefined, conditions: undefined });
    }
    const [id] = subjectKeys();
    const backup = ofType(stage.state, "AWS::IAM::ManagedPolicy").map(([, { Properties }]) =>
      JSON.stringify(Properties["PolicyDocument"]),
    );
    expect(backup.length).toBeGreaterThan(0);
    for (const document of backup) expect(document).not.toContain(id);
  });

  it("is reached by the two functions that protect, and by no other role of any stack", () => {
    const [id] = subjectKeys();
    const reached = [...stage.parts.values()].flatMap((resources) =>
      ofType(resources, "AWS::IAM::ManagedPolicy")
        .filter(([, { Properties }]) => JSON.stringify(Properties["PolicyDocument"]).includes(id))
        .flatMap(([, { Properties }]) => Properties["Roles"] as string[])
        .map((role) => String(resources[role]?.Properties["RoleName"])),
    );
    expect(reached.toSorted()).toEqual([
      "fleetkey-test-eu-central-1-protection",
      "fleetkey-test-eu-central-1-safekeeping",
    ]);
    // Nor is another told its name.
    const told = ofType(stage.api, "AWS::Lambda::Function").filter(([, { Properties }]) =>
      JSON.stringify(Properties["Environment"]).includes(id),
    );
    expect(told.map(([name]) => name.replace(/Function[0-9A-F]{8}$/, "")).toSorted()).toEqual([
      "Serviceprotection",
      "Servicesafekeeping",
    ]);
  });

  it("is where safekeeping deletes, and the only place", () => {
    const [id] = subjectKeys();
    const deletes = statementsOfRole(stage.api, "-safekeeping").filter(({ Action }) =>
      Action.includes("dynamodb:DeleteItem"),
    );
    expect(deletes.map(({ Resource: tables }) => tables)).toEqual([[`${id}.Arn`]]);
  });

  it("the function that opens keys deletes none; the one that destroys them makes none and opens no message", () => {
    const actionsOf = (role: string): string[] =>
      statementsOfRole(stage.api, role).flatMap(({ Action }) => Action);
    const opens = actionsOf("-protection");
    for (const action of ["dynamodb:DeleteItem", "dynamodb:UpdateItem", "kms:ScheduleKeyDeletion"])
      expect(opens).not.toContain(action);
    const keeps = statementsOfRole(stage.api, "-safekeeping").filter(({ Resource }) =>
      Resource.some((one) => one.includes("ProtectionKey")),
    );
    expect(keeps.flatMap(({ Action }) => Action)).not.toContain("kms:GenerateDataKey");
    for (const role of ["-protection", "-safekeeping"])
      for (const action of ["kms:CancelKeyDeletion", "kms:CreateGrant", "kms:Encrypt", "kms:PutKeyPolicy"])
        expect(
          statementsOfRole(stage.api, role)
            .filter(({ Resource }) => Resource.some((one) => one.includes("ProtectionKey")))
            .flatMap(({ Action }) => Action),
        ).not.toContain(action);
  });

  it("partitions of a fleet's keys are those that a grant names, and no other fleet's", () => {
    const matches = (pattern: string, pk: string): boolean =>
      pattern.endsWith("*") ? pk.startsWith(pattern.slice(0, -1)) : pk === pattern;
    const inside = (fleet: string, pk: string): boolean =>
      subjectKeyPartitions(fleet).some((pattern) => matches(pattern, pk));
    const kept = (fleet: string): string[] => [
      subjectTombstoneKey(fleet, "patient-1").pk,
      fleetTombstoneKey(fleet).pk,
    ];
    for (const pk of kept("pumps")) expect(inside("pumps", pk), pk).toBe(true);
    for (const other of ["pump", "pumps-2", "s", "scales"])
      for (const pk of kept(other)) expect(inside("pumps", pk), pk).toBe(false);
  });
});

const environmentOf = (id: string): Readonly<Record<string, string>> => {
  const [[, found] = [undefined, undefined]] = ofType(stage.api, "AWS::Lambda::Function").filter(([name]) =>
    name.startsWith(`Service${id}Function`),
  );
  if (found === undefined) throw new Error(`there is no function ${id}`);
  return variablesOf(found);
};

describe("keys that wrap", () => {
  it("KMS: the policy of each lets callers say its own fleet alone, and lets one role move what it has wrapped", () => {
    for (const [fleet, alias] of [
      ["pumps", "pumps-protection"],
      ["pumps", "pumps-protection-2"],
      ["scales", "scales-protection"],
    ]) {
      const key = stage.state[keyWithAlias(stage, String(alias))];
      const uses = statementsOf(key?.Properties["KeyPolicy"]).filter(({ Sid }) => Sid !== "Administration");
      const inItsName = { "kms:EncryptionContext:fleet": fleet };
      expect(uses.map(({ Sid, Action, Condition }) => ({ Sid, Action, Condition }))).toEqual([
        {
          Sid: "UseForFleet",
          Action: ["kms:Decrypt", "kms:GenerateDataKey"],
          Condition: { StringEquals: inItsName },
        },
        {
          Sid: "RewrapForFleet",
          Action: ["kms:ReEncryptFrom", "kms:ReEncryptTo"],
          Condition: {
            StringEquals: {
              ...inItsName,
              "kms:EncryptionContext:purpose": "fleetkey-subject-key",
              "aws:PrincipalArn": expect.stringMatching(/:role\/fleetkey-test-eu-central-1-safekeeping$/),
            },
          },
        },
      ]);
    }
    const record = { fleet: "pumps", subject: "patient-1", version: 1, contextVersion: 1 };
    expect(subjectKeyContext(record)).toMatchObject({ fleet: "pumps", purpose: "fleetkey-subject-key" });
  });

  it("are used in the name of that very fleet, by the two functions that protect; safekeeping opens subject keys alone", () => {
    const wraps = /^(?:Wrap|Rewrap)[0-9]+$/;
    const functions = [...new Set([...routes, ...tasks].map((row) => row.function))];
    const statementsOn = (id: string) =>
      statementsOfRole(stage.api, `-${id}`).filter(({ Sid }) => wraps.test(Sid ?? ""));
    const arn = (alias: string) => `${keyWithAlias(stage, alias)}.Arn`;
    const users = functions.filter((id) => statementsOn(id).length > 0);
    expect(users.toSorted()).toEqual(["protection", "safekeeping"]);
    for (const id of users) {
      const purpose = { "kms:EncryptionContext:purpose": "fleetkey-subject-key" };
      const inNameOf = (fleet: string) => ({
        StringEquals: { "kms:EncryptionContext:fleet": fleet, ...(id === "safekeeping" && purpose) },
      });
      expect(
        statementsOn(id).map(({ Resource: keys, Condition }) => ({ keys: keys.toSorted(), Condition })),
      ).toEqual([
        {
          keys: ["pumps-protection", "pumps-protection-2"].map(arn).toSorted(),
          Condition: inNameOf("pumps"),
        },
        { keys: [arn("scales-protection")], Condition: inNameOf("scales") },
      ]);
    }
  });

  it("are told to both functions with the newest first, which is the one in force", () => {
    for (const id of ["protection", "safekeeping"]) {
      const text = JSON.stringify(environmentOf(id)["FLEETKEY_WRAPPING_KEYS"]);
      const places = ["pumps-protection-2", "pumps-protection", "scales-protection"].map((alias) =>
        text.indexOf(`${keyWithAlias(stage, alias)}.Arn`),
      );
      expect(Math.min(...places), text).toBeGreaterThan(0);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
    }
    for (const { function: id } of [...routes, ...tasks].filter(
      (row) => !["protection", "safekeeping"].includes(row.function),
    ))
      expect(environmentOf(id), id).not.toHaveProperty("FLEETKEY_WRAPPING_KEYS");
  });

  it("the first keeps its place and its name when the second comes: nothing is replaced", () => {
    const one = synthesise({ fleets: { pumps: {} } });
    const two = synthesise({ fleets: { pumps: { keys: { protection: 2 } } } });
    expect(keyWithAlias(two, "pumps-protection")).toBe(keyWithAlias(one, "pumps-protection"));
    const missing = Object.keys(one.state).filter((id) => two.state[id] === undefined);
    expect(missing).toEqual([]);
  });

  it("a generation that is left out is told to nobody, and granted to nobody", () => {
    const { state, api } = synthesise({ fleets: { pumps: { keys: { protection: { from: 2, to: 2 } } } } });
    const aliases = ofType(state, "AWS::KMS::Alias").map(([, { Properties }]) => Properties["AliasName"]);
    expect(aliases).toContain("alias/fleetkey/test/pumps-protection-2");
    expect(aliases).not.toContain("alias/fleetkey/test/pumps-protection");
    expect(JSON.stringify(api)).not.toMatch(/ProtectionKey[0-9A-F]{8}\b/);
  });
});
