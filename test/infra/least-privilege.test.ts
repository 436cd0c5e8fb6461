import { beforeAll, describe, expect, it } from "vitest";
import { holdKey } from "../../core/records/hold-record.ts";
import { proofItem } from "../../core/records/proof-record.ts";
import { type Route, routes, type Task, tasks } from "../../lambdas/routes.ts";
import {
  ofType,
  type Resource,
  type Statement,
  type SynthesisedStage,
  statementsOf,
  statementsOfRole,
  synthesise,
} from "./synthesised-stage.ts";

const everyRoute: readonly Route[] = routes;
const everyTask: readonly Task[] = tasks;
const functions = [...new Set([...everyRoute, ...everyTask].map((row) => row.function))];

const fleets = {
  pumps: { trustDomain: "pumps.example.org" },
  scales: { rootAlgorithm: "RSA-4096", issuingAlgorithm: "RSA-3072" },
};

let stage: SynthesisedStage;
beforeAll(() => {
  stage = synthesise({ fleets });
});

/** Logical id of the key with that alias. */
function keyOf(alias: string): string {
  const [[, found] = [undefined, undefined]] = ofType(stage.state, "AWS::KMS::Alias").filter(
    ([, { Properties }]) => Properties["AliasName"] === `alias/fleetkey/test/${alias}`,
  );
  const arn = found?.Properties["TargetKeyId"];
  if (arn === undefined) throw new Error(`no key has the alias ${alias}`);
  return String(arn).replace(".Arn", "");
}

const authorities = Object.keys(fleets).flatMap((fleet) => [`${fleet}-root-1`, `${fleet}-issuing-1`]);

const named = (prefix: string): string => {
  const [id] = Object.keys(stage.state).filter((name) => name.startsWith(prefix));
  if (id === undefined) throw new Error(`the state has no ${prefix}`);
  return id;
};

/** Rows as `action on resource`, conditions left out. */
const rows = (statements: readonly Statement[]): string[] =>
  statements
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Action, Resource }) =>
      Action.flatMap((action) => Resource.map((one) => `${action} on ${one}`)),
    )
    .toSorted();

/** Of its rows one is for sessions, which prove their key with every request (RFC 9449). */
const remembersProofs = (id: string): boolean =>
  everyRoute.some(
    ({ function: of, access, touches }) =>
      of === id &&
      touches.items !== "none" &&
      access !== "public" &&
      access.by.some((kind) => ["operator", "proof"].includes(kind)),
  );

/** What the rows of routes.ts come to, worked out here once more and by other code. */
function expectedRows(id: string): string[] {
  const own = [...everyRoute, ...everyTask].filter((row) => row.function === id);
  const ownTasks = everyTask.filter((task) => task.function === id);
  const items = own.map((row) => row.touches.items);
  const keys = own.map((row) => row.touches.keys);
  const table = `${named("StateTableItems")}.Arn`;
  const data = `${named("StateDataKey")}.Arn`;
  const operations = `${named("StateOperationsKey")}.Arn`;
  const [[logId] = [""]] = ofType(stage.api, "AWS::Logs::LogGroup").filter(
    ([, { Properties }]) => Properties["LogGroupName"] === `/fleetkey/test/${id}`,
  );
  const log = `arn:AWS::Partition:logs:AWS::Region:AWS::AccountId:log-group:${logId}:log-stream:*`;
  const expected = new Set([
    `logs:CreateLogStream on ${log}`,
    `logs:PutLogEvents on ${log}`,
    `kms:Decrypt on ${data}`,
  ]);
  const add = (resource: string, ...actions: string[]): void => {
    for (const action of actions) expected.add(`${action} on ${resource}`);
  };
  if (items.some((one) => one === "read" || one === "write")) {
    add(table, "dynamodb:GetItem", "dynamodb:Query");
    for (const index of ["byDevice", "byIssue", "open"]) add(`${table}/index/${index}`, "dynamodb:Query");
  }
  if (items.includes("write")) add(table, "dynamodb:PutItem", "dynamodb:ConditionCheckItem");
  if (items.includes("probe")) add(table, "dynamodb:GetItem", "dynamodb:PutItem");
  if (remembersProofs(id)) add(table, "dynamodb:PutItem");
  if (own.some((row) => row.touches.releases)) add(table, "dynamodb:DeleteItem");
  if (items.some((one) => one !== "none")) add(data, "kms:DescribeKey");
  if (items.some((one) => one === "write" || one === "probe") || remembersProofs(id))
    add(data, "kms:Encrypt", "kms:GenerateDataKey");
  const signing = ["kms:Sign", "kms:GetPublicKey"];
  for (const authority of authorities) {
    const mine = authority.includes("root") ? keys.includes("certify") : keys.some((one) => one !== "none");
    if (mine) add(`${keyOf(authority)}.Arn`, ...signing);
  }
  if (ownTasks.some((task) => task.publishes)) {
    const [artifacts, trustStores, records] = ["Artifacts", "TrustStores", "Records"].map(
      (bucket) => `${named(`StateBuckets${bucket}`)}.Arn`,
    );
    for (const bucket of [artifacts, trustStores, records]) add(String(bucket), "s3:ListBucket");
    const objects = [`${trustStores}/mutual-tls/clients.pem`];
    for (const fleet of Object.keys(fleets))
      objects.push(`${artifacts}/fleets/${fleet}/trust.pem`, `${records}/ceremonies/${fleet}/*`);
    for (const object of objects) add(object, "s3:GetObject", "s3:PutObject");
    add(data, "kms:GenerateDataKey");
  }
  if (ownTasks.some((task) => task.notifies)) {
    add(named("StateNotices"), "sns:Publish");
    add(operations, "kms:Decrypt", "kms:GenerateDataKey");
  }
  if (ownTasks.some((task) => task.trigger !== "invocation")) {
    const [[queue] = [""]] = ofType(stage.api, "AWS::SQS::Queue").filter(([name]) => name.includes(id));
    add(`${queue}.Arn`, "sqs:SendMessage");
    add(operations, "kms:Decrypt", "kms:GenerateDataKey");
  }
  return [...expected].toSorted();
}

describe("functions", () => {
  for (const id of functions)
    it(`${id} may do what its rows declare, and nothing else`, () => {
      const granted = [...new Set(rows(statementsOfRole(stage.api, `-${id}`)))];
      expect(granted).toEqual(expectedRows(id));
    });

  it("each has a role and a customer-managed policy of its own; none has an inline or an AWS-managed one", () => {
    const roles = ofType(stage.api, "AWS::IAM::Role");
    expect(roles).toHaveLength(functions.length + 1);
    for (const [, { Properties }] of roles) {
      expect(Properties).not.toHaveProperty("ManagedPolicyArns");
      expect(Properties).not.toHaveProperty("Policies");
    }
    expect(ofType(stage.api, "AWS::IAM::Policy")).toEqual([]);
    const roleOf = ofType(stage.api, "AWS::Lambda::Function").map(([, { Properties }]) => Properties["Role"]);
    expect(new Set(roleOf).size).toBe(functions.length);
  });

  it("use an encryption key through the one service that it is for, and no other way", () => {
    for (const id of functions)
      for (const { Sid, Action, Condition } of statementsOfRole(stage.api, `-${id}`)) {
        if (Sid === "Sign" || !Action.some((action) => action.startsWith("kms:"))) continue;
        const services = Condition?.["StringEquals"]?.["kms:ViaService"];
        expect(services, `${id} ${Sid}`).toMatch(
          /^(lambda|dynamodb|s3|sns|sqs)\.AWS::Region\.AWS::URLSuffix$/,
        );
      }
  });

  const conditionsOf = (id: string, action: string): unknown[] =>
    statementsOfRole(stage.api, `-${id}`)
      .filter(({ Action }) => Action.includes(action))
      .map(({ Condition }) => Condition);

  it("distribution writes the health item and used proofs, and no other item", () => {
    expect(conditionsOf("distribution", "dynamodb:PutItem")).toEqual([
      { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["HEALTH"] } },
      { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["PROOF#*"] } },
    ]);
    const { pk } = proofItem("pumps", { keyThumbprint: "thumbprint", proofId: "proof", expiresAt: 1 });
    expect(pk).toMatch(/^PROOF#/);
  });

  it("enrolment deletes items of devices, where holds are, and no other function deletes any", () => {
    const deleters = functions.filter((id) => conditionsOf(id, "dynamodb:DeleteItem").length > 0);
    expect(deleters).toEqual(["enrollment"]);
    expect(conditionsOf("enrollment", "dynamodb:DeleteItem")).toEqual([
      { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["DEVICE#*"] } },
    ]);
    expect(holdKey("pumps", "pump-1").pk).toMatch(/^DEVICE#/);
  });

  it("the scheduler starts the scheduled function, keeps what it cannot hand over, and does nothing else", () => {
    const actions = statementsOfRole(stage.api, "-scheduler").flatMap(({ Action }) => Action);
    expect(new Set(actions)).toEqual(
      new Set(["lambda:InvokeFunction", "sqs:SendMessage", "kms:Decrypt", "kms:GenerateDataKey"]),
    );
  });
});

describe("signing keys", () => {
  const signersOf = (authority: string): string[] =>
    authority.includes("-root-") ? ["bootstrap"] : ["enrollment", "reconciliation", "bootstrap"];
  const roleArns = (ids: readonly string[]): string[] =>
    ids.map((id) => `arn:AWS::Partition:iam::AWS::AccountId:role/fleetkey-test-AWS::Region-${id}`);
  const policyOf = (authority: string): Statement[] =>
    statementsOf(stage.state[keyOf(authority)]?.Properties["KeyPolicy"]);

  for (const authority of authorities) {
    it(`${authority} signs for exactly ${signersOf(authority).join(", ")}, by the policies of roles`, () => {
      const holders = functions.filter((id) =>
        rows(statementsOfRole(stage.api, `-${id}`)).includes(`kms:Sign on ${keyOf(authority)}.Arn`),
      );
      expect(holders.toSorted()).toEqual(signersOf(authority).toSorted());
    });

    it(`${authority} signs for exactly those by its own policy, and for nobody else whatever theirs say`, () => {
      const signing = policyOf(authority).filter(({ Action }) => Action.includes("kms:Sign"));
      const expected = roleArns(signersOf(authority));
      expect(signing.map(({ Effect, Principal, Condition }) => ({ Effect, Principal, Condition }))).toEqual([
        {
          Effect: "Allow",
          Principal: { AWS: "arn:AWS::Partition:iam::AWS::AccountId:root" },
          Condition: { StringEquals: { "aws:PrincipalArn": expected } },
        },
        {
          Effect: "Deny",
          Principal: { AWS: "*" },
          Condition: { StringNotEquals: { "aws:PrincipalArn": expected } },
        },
      ]);
    });

    it(`${authority} can be administered and not lent: whoever writes its policy can write the next one`, () => {
      const [administration] = policyOf(authority).filter(({ Sid }) => Sid === "Administration");
      expect(administration?.Action).toContain("kms:PutKeyPolicy");
      const everything = policyOf(authority).flatMap(({ Action }) => Action);
      for (const action of ["kms:CreateGrant", "kms:ImportKeyMaterial", "kms:*"])
        expect(everything).not.toContain(action);
    });
  }

  it("are of the algorithms that the stage names", () => {
    const specOf = (authority: string): unknown => stage.state[keyOf(authority)]?.Properties["KeySpec"];
    expect(authorities.map(specOf)).toEqual(["ECC_NIST_P384", "ECC_NIST_P256", "RSA_4096", "RSA_3072"]);
    for (const authority of authorities)
      expect(stage.state[keyOf(authority)]?.Properties).toMatchObject({
        KeyUsage: "SIGN_VERIFY",
        PendingWindowInDays: 30,
      });
  });

  it("are made by the state stack alone: no function may create a key or a name for one", () => {
    const actions = ofType(stage.api, "AWS::IAM::ManagedPolicy").flatMap(([, { Properties }]) =>
      statementsOf(Properties["PolicyDocument"]).flatMap(({ Action }) => Action),
    );
    for (const action of ["kms:CreateKey", "kms:CreateAlias", "kms:UpdateAlias", "kms:PutKeyPolicy"])
      expect(actions).not.toContain(action);
  });
});

describe("policies", () => {
  it("IAM: hold as many fleets as a stage may have, within 6,144 characters and 10 policies a role", () => {
    // Names as long as they may be; the longest ARNs stand in for references.
    const names = Array.from({ length: 30 }, (_, i) => `fleet-with-a-name-of-32-chars-${10 + i}`);
    const trustDomain = "e.org";
    const many = synthesise({ fleets: Object.fromEntries(names.map((name) => [name, { trustDomain }])) });
    const policies = ofType(many.api, "AWS::IAM::ManagedPolicy").filter(([id]) => id.startsWith("Service"));
    for (const [id, { Properties }] of policies) {
      const document = JSON.stringify(Properties["PolicyDocument"])
        .replace(
          /StateFleet\w+\.Arn/g,
          `arn:aws-us-gov:kms:ap-southeast-2:123456789012:key/${"x".repeat(36)}`,
        )
        .replace(/StateBuckets\w+\.Arn/g, `arn:aws-us-gov:s3:::${"x".repeat(63)}`)
        .replace(
          /State\w+\.Arn/g,
          `arn:aws-us-gov:dynamodb:ap-southeast-2:123456789012:table/${"x".repeat(60)}`,
        );
      expect(document.length, id).toBeLessThanOrEqual(6_144);
    }
    const bootstrap = policies.filter(([id]) => id.startsWith("Servicebootstrap"));
    expect(bootstrap.length).toBeGreaterThan(1);
    expect(bootstrap.length).toBeLessThanOrEqual(10);
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

  it("no resource of a role has a wildcard, but log streams and records, whose names AWS and the clock make", () => {
    const found = ofType(stage.api, "AWS::IAM::ManagedPolicy").flatMap(([, { Properties }]) =>
      statementsOf(Properties["PolicyDocument"]).flatMap(({ Action, Resource }) =>
        Resource.filter((one) => one.includes("*")).map(
          (one) => `${Action.join()} on ${one.split(":").at(-1)}`,
        ),
      ),
    );
    const records = `s3:GetObject,s3:PutObject on ${named("StateBucketsRecords")}.Arn/ceremonies`;
    expect([...new Set(found)].toSorted()).toEqual([
      "logs:CreateLogStream,logs:PutLogEvents on *",
      `${records}/pumps/*`,
      `${records}/scales/*`,
    ]);
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
