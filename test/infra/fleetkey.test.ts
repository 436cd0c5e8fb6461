import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { beforeEach, describe, expect, it } from "vitest";
import { DutyFunction, FleetKey, FleetKeyState, Observability } from "../../infra/index.ts";
import { observedService } from "./observed-stack.ts";

// As an importer's app: nothing of this repository but infra/index.ts, and no context of ours.
const context = { "aws:cdk:bundling-stacks": [] };

let stack: Stack;
let grantee: Role;
beforeEach(() => {
  stack = new Stack(new App({ context }), "Importer");
  grantee = new Role(stack, "Backend", { assumedBy: new ServicePrincipal("ecs-tasks.amazonaws.com") });
});

interface Granted {
  readonly Action: unknown;
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** What the importer's own role was granted. */
function granted(): Granted[] {
  const policies = Object.values(Template.fromStack(stack).findResources("AWS::IAM::Policy"));
  return policies.flatMap(
    (policy) =>
      (policy["Properties"] as { PolicyDocument: { Statement: Granted[] } }).PolicyDocument.Statement,
  );
}

/** ARNs of the API's routes that the importer's role may call and nothing else, what is known at deployment as `_`. */
function grantedRoutes(): string[] {
  const [statement, ...others] = granted();
  expect(others).toEqual([]);
  expect(statement).toMatchObject({ Effect: "Allow", Action: "execute-api:Invoke" });
  return ((statement?.Resource ?? []) as { "Fn::Join": [string, unknown[]] }[])
    .map(({ "Fn::Join": [, parts] }) => parts.map((part) => (typeof part === "string" ? part : "_")).join(""))
    .toSorted();
}

const attribute = (id: RegExp) => ({ "Fn::GetAtt": [expect.stringMatching(id), "Arn"] });

describe("new FleetKey(this, id)", () => {
  it("is a whole service in one stack, with defaults for everything", () => {
    new FleetKey(stack, "Pki");
    const template = Template.fromStack(stack);
    const counts = {
      "AWS::Lambda::Function": 16,
      "AWS::ApiGatewayV2::Api": 1,
      "AWS::DynamoDB::Table": 2,
      "AWS::S3::Bucket": 4,
      "AWS::KMS::Key": 7,
      "AWS::Scheduler::Schedule": 6,
    };
    for (const [type, count] of Object.entries(counts)) template.resourceCountIs(type, count);
    template.hasResourceProperties("AWS::KMS::Alias", { AliasName: "alias/fleetkey/pki/default-root-1" });
  });

  it("takes state from another stack, and makes none of its own", () => {
    const app = new App({ context });
    const state = new FleetKeyState(new Stack(app, "Kept"), "State", { stage: "own" });
    const code = new Stack(app, "Code");
    new FleetKey(code, "Pki", { state });
    const template = Template.fromStack(code);
    for (const type of ["AWS::KMS::Key", "AWS::DynamoDB::Table", "AWS::S3::Bucket"])
      template.resourceCountIs(type, 0);
  });

  it("refuses a stage that cannot stand in names", () => {
    expect(() => new FleetKey(stack, "Pki", { stage: "My_Pki" })).toThrow(/stage "My_Pki" is not 1 to 20/);
  });

  it.each([
    ["an account of its own", { account: "123456789012", region: "eu-central-1" }],
    ["no account yet", {}],
  ])("with %s, refuses what believes a header about who calls", (_name, env) => {
    const real = new Stack(new App(), "Real", { env });
    expect(() => new FleetKey(real, "Emulator", { emulator: true })).toThrow(
      /for account 000000000000 alone/,
    );
    expect(() => new FleetKey(real, "Gateway", { emulatedGateway: "/any/module.ts" })).toThrow(/alone/);
    expect(() => new FleetKeyState(real, "State", { emulator: true })).toThrow(/alone/);
    const watched = { ...observedService(real), emulator: true };
    expect(() => new Observability(real, "Observability", watched)).toThrow(/alone/);
    const duty = {
      duty: "enrollment",
      state: new FleetKeyState(real, "Kept"),
      reservedConcurrency: 1,
    } as const;
    expect(() => new DutyFunction(real, "Function", { ...duty, wrapper: "/any/module.ts" })).toThrow(/alone/);
  });

  it("the package's own name leads to it", async () => {
    const { FleetKey: exported } = await import("fleetkey/infra");
    expect(exported).toBe(FleetKey);
  });

  it("grantEnrollmentTokenCreation lets invoke the one function that makes tokens", () => {
    new FleetKey(stack, "Pki").grantEnrollmentTokenCreation(grantee);
    expect(granted()).toEqual([
      { Effect: "Allow", Action: "lambda:InvokeFunction", Resource: attribute(/^Pkiprovisioning/) },
    ]);
  });

  it("grantBootstrap lets invoke the one function that makes fleets and operators", () => {
    new FleetKey(stack, "Pki").grantBootstrap(grantee);
    expect(granted()).toEqual([
      { Effect: "Allow", Action: "lambda:InvokeFunction", Resource: attribute(/^Pkibootstrap/) },
    ]);
  });

  it("grantDataKeys lets wrap and unwrap under one fleet's key, in that fleet's name only", () => {
    const fleet = { trustDomain: "example.org", rootAlgorithm: "P-384", issuingAlgorithm: "P-256" } as const;
    const pki = new FleetKey(stack, "Pki", { fleets: { pumps: fleet, scales: fleet } });
    pki.grantDataKeys(grantee, "pumps");
    expect(granted()).toEqual([
      {
        Effect: "Allow",
        Action: ["kms:Decrypt", "kms:GenerateDataKey"],
        Resource: attribute(/^PkiStateFleetpumpsProtectionKey/),
        Condition: {
          StringEquals: { "kms:EncryptionContext:fleet": "pumps" },
          // Purposes of the service's own: subject keys, sealed fields.
          StringNotLike: { "kms:EncryptionContext:purpose": "fleetkey-*" },
        },
      },
    ]);
  });

  it("grantDataKeys and grantSubjectKeys name every generation: what an older one has wrapped is opened still", () => {
    const fleet = { trustDomain: "example.org", rootAlgorithm: "P-384", issuingAlgorithm: "P-256" } as const;
    const fleets = { pumps: { ...fleet, keys: { protection: 2 } } };
    const pki = new FleetKey(stack, "Pki", { fleets });
    pki.grantDataKeys(grantee, "pumps");
    expect(granted()).toMatchObject([
      {
        Resource: [
          attribute(/^PkiStateFleetpumpsProtectionKey[0-9A-F]{8}$/),
          attribute(/^PkiStateFleetpumpsProtectionKey2[0-9A-F]{8}$/),
        ],
      },
    ]);
  });

  it("grantSubjectKeys lets read one fleet's wrapped keys and open them; it makes, changes and deletes none", () => {
    const fleet = { trustDomain: "example.org", rootAlgorithm: "P-384", issuingAlgorithm: "P-256" } as const;
    const pki = new FleetKey(stack, "Pki", { fleets: { pumps: fleet, scales: fleet } });
    pki.grantSubjectKeys(grantee, "pumps");
    const service = {
      "Fn::Join": ["", ["dynamodb.", { Ref: "AWS::Region" }, ".", { Ref: "AWS::URLSuffix" }]],
    };
    expect(granted()).toEqual([
      {
        Effect: "Allow",
        Action: "kms:Decrypt",
        Resource: attribute(/^PkiStateFleetpumpsProtectionKey/),
        Condition: {
          StringEquals: {
            "kms:EncryptionContext:fleet": "pumps",
            "kms:EncryptionContext:purpose": "fleetkey-subject-key",
          },
        },
      },
      {
        Effect: "Allow",
        Action: ["dynamodb:GetItem", "dynamodb:Query"],
        Resource: attribute(/^PkiStateSubjectKeys/),
        Condition: {
          "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["SUBJECTKEY#pumps#*", "SUBJECTKEYS#pumps"] },
        },
      },
      {
        Effect: "Allow",
        Action: ["kms:Decrypt", "kms:DescribeKey"],
        Resource: attribute(/^PkiStateDataKey/),
        Condition: { StringEquals: { "kms:ViaService": service } },
      },
    ]);
  });

  it("grantTrustRead lets read one fleet's trust bundle, and decrypt nothing else", () => {
    new FleetKey(stack, "Pki").grantTrustRead(grantee, "default");
    const artifacts = attribute(/^PkiStateBucketsArtifacts/);
    expect(granted()).toEqual([
      {
        Effect: "Allow",
        Action: "kms:Decrypt",
        Resource: attribute(/^PkiStateDataKey/),
        Condition: {
          StringEquals: {
            "kms:ViaService": {
              "Fn::Join": ["", ["s3.", { Ref: "AWS::Region" }, ".", { Ref: "AWS::URLSuffix" }]],
            },
            "kms:EncryptionContext:aws:s3:arn": artifacts,
          },
        },
      },
      {
        Effect: "Allow",
        Action: "s3:GetObject",
        Resource: { "Fn::Join": ["", [artifacts, "/fleets/default/trust.pem"]] },
      },
    ]);
  });

  it("grantPipelineInvocation lets call the IAM routes of one fleet, and no other route", () => {
    const fleet = { trustDomain: "example.org", rootAlgorithm: "P-384", issuingAlgorithm: "P-256" } as const;
    const pki = new FleetKey(stack, "Pki", { fleets: { pumps: fleet, scales: fleet } });
    pki.grantPipelineInvocation(grantee, "pumps");
    const prefix = "arn:_:execute-api:_:_:_/$default";
    expect(grantedRoutes()).toEqual([
      `${prefix}/GET/v1/iam/fleets/pumps/certificates`,
      `${prefix}/GET/v1/iam/fleets/pumps/certificates/*`,
      `${prefix}/GET/v1/iam/fleets/pumps/devices/*/keys`,
      `${prefix}/GET/v1/iam/fleets/pumps/server-certificates/*`,
      `${prefix}/GET/v1/iam/fleets/pumps/trust/adoption`,
      `${prefix}/POST/v1/iam/fleets/pumps/data-key-pairs`,
      `${prefix}/POST/v1/iam/fleets/pumps/data-keys`,
      `${prefix}/POST/v1/iam/fleets/pumps/data-keys/unwrap`,
      `${prefix}/POST/v1/iam/fleets/pumps/decrypt`,
      `${prefix}/POST/v1/iam/fleets/pumps/devices`,
      `${prefix}/POST/v1/iam/fleets/pumps/encrypt`,
      `${prefix}/POST/v1/iam/fleets/pumps/enrollment-tokens`,
      `${prefix}/POST/v1/iam/fleets/pumps/reencrypt`,
      `${prefix}/POST/v1/iam/fleets/pumps/server-certificates`,
      `${prefix}/POST/v1/iam/fleets/pumps/subject-keys`,
      `${prefix}/POST/v1/iam/fleets/pumps/trust/acknowledgements`,
    ]);
  });

  it("grantPipelineInvocation for named operations lets call the routes of those alone", () => {
    const pki = new FleetKey(stack, "Pki");
    pki.grantPipelineInvocation(grantee, "default", "createEnrollmentToken", "listCertificates");
    const prefix = "arn:_:execute-api:_:_:_/$default";
    expect(grantedRoutes()).toEqual([
      `${prefix}/GET/v1/iam/fleets/default/certificates`,
      `${prefix}/POST/v1/iam/fleets/default/enrollment-tokens`,
    ]);
  });

  it("grants nothing on a fleet that is not configured, and says which are", () => {
    const pki = new FleetKey(stack, "Pki");
    for (const grant of [
      () => pki.grantDataKeys(grantee, "pump"),
      () => pki.grantSubjectKeys(grantee, "pump"),
      () => pki.grantTrustRead(grantee, "pump"),
      () => pki.grantPipelineInvocation(grantee, "pump"),
    ])
      expect(grant).toThrow(/fleet "pump" is not configured \(there are: default\)/);
  });

  it("metric counts the requests of its own API", () => {
    const { namespace, metricName, dimensions } = new FleetKey(stack, "Pki").metric();
    expect({ namespace, metricName }).toEqual({ namespace: "AWS/ApiGateway", metricName: "Count" });
    expect(Object.keys(dimensions ?? {})).toEqual(["ApiId"]);
  });
});
