import { beforeAll, describe, expect, it } from "vitest";
import { encodeItem } from "../../adapters/aws/dynamodb/item-encoding.ts";
import { itemAttributes } from "../../adapters/aws/dynamodb/table-schema.ts";
import { holdKey } from "../../core/records/hold-record.ts";
import { ocspAnswerItem } from "../../core/records/ocsp-answer-record.ts";
import { proofItem } from "../../core/records/proof-record.ts";
import { type Route, routes, type Task, type Touches, tasks } from "../../lambdas/routes.ts";
import {
  keyWithAlias,
  ofType,
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

const keyOf = (alias: string): string => keyWithAlias(stage, alias);

const kinds = ["root", "issuing", "ocsp", "trust"] as const;
type Kind = (typeof kinds)[number];
const kindOf = (authority: string): Kind => authority.split("-").at(-2) as Kind;
const authorities = Object.keys(fleets).flatMap((fleet) => kinds.map((kind) => `${fleet}-${kind}-1`));

/** Which keys each word of routes.ts stands for. */
const signsWith: Readonly<Record<Touches["keys"], readonly Kind[]>> = {
  none: [],
  issue: ["issuing"],
  respond: ["ocsp"],
  publish: ["issuing", "ocsp", "trust"],
  certify: ["root", "issuing", "ocsp", "trust"],
};

const named = (prefix: string): string => {
  const [id] = Object.keys(stage.state).filter((name) => name.startsWith(prefix));
  if (id === undefined) throw new Error(`the state has no ${prefix}`);
  return id;
};

const protectionOf = (fleet: string): string => `${keyOf(`${fleet}-protection`)}.Arn`;

/** Tasks that a request or another task starts. */
const isStartedTask = (id: string): boolean =>
  [...everyRoute, ...everyTask].some(({ touches }) => touches.starts?.some((started) => started === id));

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

/** As a policy names it. */
function functionArn(id: string): string {
  // Of two that start each other one is known by its name.
  if (id === "rollover")
    return "arn:AWS::Partition:lambda:AWS::Region:AWS::AccountId:function:fleetkey-test-rollover";
  const [[name] = [""]] = ofType(stage.api, "AWS::Lambda::Function").filter(([logicalId]) =>
    logicalId.startsWith(`Service${id}Function`),
  );
  return `${name}.Arn`;
}

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
  if (items.some((one) => ["read", "answer", "write"].includes(one))) {
    add(table, "dynamodb:GetItem", "dynamodb:Query");
    for (const index of ["byDevice", "byIssue", "byExpiry", "open"])
      add(`${table}/index/${index}`, "dynamodb:Query");
  }
  if (items.includes("write")) add(table, "dynamodb:PutItem", "dynamodb:ConditionCheckItem");
  if (items.includes("answer")) add(table, "dynamodb:PutItem");
  if (items.includes("probe")) add(table, "dynamodb:GetItem", "dynamodb:PutItem");
  if (remembersProofs(id)) add(table, "dynamodb:PutItem");
  if (own.some((row) => row.touches.releases)) add(table, "dynamodb:DeleteItem");
  if (items.some((one) => one !== "none")) add(data, "kms:DescribeKey");
  if (items.some((one) => ["write", "probe", "answer"].includes(one)) || remembersProofs(id))
    add(data, "kms:Encrypt", "kms:GenerateDataKey");
  for (const authority of authorities) {
    const kind = kindOf(authority);
    if (!keys.some((use) => signsWith[use].includes(kind))) continue;
    // A root signs for nobody by a policy: it is lent by a grant.
    add(`${keyOf(authority)}.Arn`, "kms:GetPublicKey", ...(kind === "root" ? [] : ["kms:Sign"]));
  }
  if (own.some((row) => row.touches.custody === true))
    for (const authority of authorities) {
      const key = `${keyOf(authority)}.Arn`;
      add(key, "kms:DescribeKey", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion", "kms:EnableKey");
      if (kindOf(authority) === "root") add(key, "kms:CreateGrant", "kms:RevokeGrant");
    }
  if (own.some((row) => row.touches.dataKeys === true))
    for (const key of [data, operations, ...Object.keys(fleets).map(protectionOf)])
      for (const action of ["DescribeKey", "GetKeyRotationStatus", "ListKeyRotations", "RotateKeyOnDemand"])
        add(key, `kms:${action}`);
  const protects = new Set(own.map((row) => row.touches.protection));
  const subjectKeys = `${named("StateSubjectKeys")}.Arn`;
  const used = protects.has("use") || protects.has("keep");
  if (used) add(subjectKeys, "dynamodb:GetItem", "dynamodb:Query");
  if (used) add(subjectKeys, "dynamodb:PutItem", "dynamodb:ConditionCheckItem");
  if (protects.has("keep")) add(subjectKeys, "dynamodb:DeleteItem");
  for (const key of Object.keys(fleets).map(protectionOf)) {
    if (protects.has("use")) add(key, "kms:Decrypt", "kms:GenerateDataKey");
    if (protects.has("keep")) add(key, "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo");
    if (protects.has("keep")) add(key, "kms:DescribeKey", "kms:ScheduleKeyDeletion");
  }
  if (own.some((row) => row.touches.certificates === true))
    add(
      "arn:AWS::Partition:acm:AWS::Region:AWS::AccountId:certificate/*",
      ...["acm:ImportCertificate", "acm:DescribeCertificate"],
      ...["acm:DeleteCertificate", "acm:AddTagsToCertificate"],
    );
  const [artifacts, trustStores, records] = ["Artifacts", "TrustStores", "Records"].map(
    (bucket) => `${named(`StateBuckets${bucket}`)}.Arn`,
  );
  if (ownTasks.some((task) => task.publishes === "everything")) {
    for (const bucket of [artifacts, trustStores, records]) add(String(bucket), "s3:ListBucket");
    const objects = [`${trustStores}/mutual-tls/clients.pem`];
    for (const fleet of Object.keys(fleets))
      objects.push(`${artifacts}/fleets/${fleet}/*`, `${records}/ceremonies/${fleet}/*`);
    for (const object of objects) add(object, "s3:GetObject", "s3:PutObject");
    add(data, "kms:GenerateDataKey");
  }
  if (ownTasks.some((task) => task.publishes === "artifacts")) {
    add(String(artifacts), "s3:ListBucket");
    for (const fleet of Object.keys(fleets)) {
      add(`${artifacts}/fleets/${fleet}/*`, "s3:GetObject", "s3:PutObject");
      add(`${artifacts}/fleets/${fleet}/crl/*`, "s3:DeleteObject");
    }
    add(data, "kms:GenerateDataKey");
  }
  if (own.some((row) => row.touches.artifacts === "read")) {
    add(String(artifacts), "s3:ListBucket");
    add(`${artifacts}/fleets/*`, "s3:GetObject");
  }
  for (const started of own.flatMap((row) => row.touches.starts ?? []))
    add(functionArn(everyTask.find((task) => task.id === started)?.function ?? ""), "lambda:InvokeFunction");
  if (ownTasks.some((task) => task.notifies) || protects.has("use")) {
    add(named("StateNotices"), "sns:Publish");
    add(operations, "kms:Decrypt", "kms:GenerateDataKey");
  }
  if (ownTasks.some((task) => task.trigger !== "invocation" || isStartedTask(task.id))) {
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

  /** Statements that are about a key itself, and let nobody encrypt or decrypt. */
  const lookedAfter = [
    ...["Sign", "FindRoots", "KeepKeys", "LendRoots", "TakeRootsBack"],
    ...["DataKeys", "FleetDataKeys", "EndWrappingKeys"],
  ];

  /** Statements about one fleet's keys that wrap, which are used directly and in that fleet's name. */
  const wraps = /^(?:Wrap|Rewrap)[0-9]+$/;

  it("use an encryption key through the one service that it is for, and no other way", () => {
    for (const id of functions)
      for (const { Sid, Action, Condition } of statementsOfRole(stage.api, `-${id}`)) {
        if (lookedAfter.includes(Sid ?? "") || !Action.some((action) => action.startsWith("kms:"))) continue;
        if (wraps.test(Sid ?? "")) continue;
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

  it("ocsp, which answers strangers, writes in certificates' partitions, where its answers are, and in no index", () => {
    expect(conditionsOf("ocsp", "dynamodb:PutItem")).toEqual([
      {
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["CERTIFICATE#*"] },
        "ForAllValues:StringEquals": { "dynamodb:Attributes": Object.values(itemAttributes) },
      },
    ]);
    for (const action of ["dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem"])
      expect(conditionsOf("ocsp", action)).toEqual([]);
    const kept = {
      ...{ fleet: "pumps", serialNumber: "4f1c0a9be27d5583", form: "sha256", status: "good" },
      responderSerial: "4f1c0a9be27d5584",
    };
    const answer = ocspAnswerItem({ ...kept, body: Buffer.from("answer"), nextUpdate: 1, refreshAt: 1 });
    expect(Object.keys(encodeItem(answer, 1)).toSorted()).toEqual(Object.values(itemAttributes).toSorted());
    expect(answer.pk).toMatch(/^CERTIFICATE#/);
  });

  it("enrolment deletes items of devices, where holds are, safekeeping subject keys, and no other function deletes any", () => {
    const deleters = functions.filter((id) => conditionsOf(id, "dynamodb:DeleteItem").length > 0);
    expect(deleters.toSorted()).toEqual(["enrollment", "safekeeping"]);
    expect(conditionsOf("enrollment", "dynamodb:DeleteItem")).toEqual([
      { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["DEVICE#*"] } },
    ]);
    expect(holdKey("pumps", "pump-1").pk).toMatch(/^DEVICE#/);
  });

  it("answers about revocation come from a function that can sign as no authority, for all that strangers send it", () => {
    const signing = rows(statementsOfRole(stage.api, "-ocsp")).filter((row) =>
      row.startsWith("kms:Sign on "),
    );
    const ocspKeys = authorities.filter((authority) => kindOf(authority) === "ocsp");
    expect(signing).toEqual(ocspKeys.map((authority) => `kms:Sign on ${keyOf(authority)}.Arn`).toSorted());
  });

  it("publication uses no root, and writes neither trust stores nor records", () => {
    const granted = rows(statementsOfRole(stage.api, "-publication"));
    for (const root of authorities.filter((authority) => kindOf(authority) === "root"))
      expect(granted.join("\n")).not.toContain(keyOf(root));
    expect(granted.filter((row) => /StateBuckets(?:TrustStores|Records)/.test(row))).toEqual([]);
  });

  it("distribution reads what is published and can change none of it", () => {
    const onObjects = rows(statementsOfRole(stage.api, "-distribution")).filter((row) =>
      row.startsWith("s3:"),
    );
    const artifacts = `${named("StateBucketsArtifacts")}.Arn`;
    expect(onObjects).toEqual([`s3:GetObject on ${artifacts}/fleets/*`, `s3:ListBucket on ${artifacts}`]);
  });

  it("objects are removed by publication alone: lists, and no trust; a version of each stays", () => {
    const removers = functions.filter((id) => conditionsOf(id, "s3:DeleteObject").length > 0);
    expect(removers).toEqual(["publication"]);
    const removed = rows(statementsOfRole(stage.api, "-publication")).filter((row) =>
      row.startsWith("s3:DeleteObject on "),
    );
    expect(removed).toHaveLength(Object.keys(fleets).length);
    for (const row of removed) expect(row).toMatch(/\/fleets\/(pumps|scales)\/crl\/\*$/);
    const everything = functions.flatMap((id) =>
      statementsOfRole(stage.api, `-${id}`).flatMap(({ Action }) => Action),
    );
    expect(everything).not.toContain("s3:DeleteObjectVersion");
  });

  it("functions are started by those whose rows say so, and by nobody whom strangers or devices call", () => {
    const starters = functions.filter((id) => conditionsOf(id, "lambda:InvokeFunction").length > 0);
    const named = functions.filter((id) =>
      [...everyRoute, ...everyTask].some((row) => row.function === id && row.touches.starts !== undefined),
    );
    expect(starters.toSorted()).toEqual(named.toSorted());
    expect(starters).toEqual(expect.arrayContaining(["maintenance", "revocation", "rollover", "ceremony"]));
    for (const id of ["enrollment", "distribution", "ocsp", "provisioning", "reconciliation"])
      expect(starters).not.toContain(id);
  });
});

const roleArns = (ids: readonly string[]): string[] =>
  ids.map((id) => `arn:AWS::Partition:iam::AWS::AccountId:role/fleetkey-test-AWS::Region-${id}`);
const policyOf = (authority: string): Statement[] =>
  statementsOf(stage.state[keyOf(authority)]?.Properties["KeyPolicy"]);
const account = { AWS: "arn:AWS::Partition:iam::AWS::AccountId:root" };
const withoutSid = ({ Effect, Principal, Condition }: Statement) => ({ Effect, Principal, Condition });

describe("signing keys", () => {
  const signers: Readonly<Record<Exclude<Kind, "root">, readonly string[]>> = {
    issuing: ["enrollment", "reconciliation", "bootstrap", "publication", "ceremony", "servers"],
    ocsp: ["ocsp", "bootstrap", "publication", "ceremony"],
    trust: ["bootstrap", "publication", "ceremony"],
  };
  const others = authorities.filter((authority) => kindOf(authority) !== "root");
  const signersOf = (authority: string): readonly string[] =>
    signers[kindOf(authority) as Exclude<Kind, "root">];

  for (const authority of others) {
    it(`${authority} signs for exactly ${signersOf(authority).join(", ")}, by the policies of roles`, () => {
      const holders = functions.filter((id) =>
        rows(statementsOfRole(stage.api, `-${id}`)).includes(`kms:Sign on ${keyOf(authority)}.Arn`),
      );
      expect(holders.toSorted()).toEqual(signersOf(authority).toSorted());
    });

    it(`${authority} signs for exactly those by its own policy, and for nobody else whatever theirs say`, () => {
      const signing = policyOf(authority).filter(({ Action }) => Action.includes("kms:Sign"));
      const expected = roleArns(signersOf(authority));
      expect(signing.map(withoutSid)).toEqual([
        {
          Effect: "Allow",
          Principal: account,
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
    const services = ["ECC_NIST_P256", "ECC_NIST_P256"];
    expect(authorities.map(specOf)).toEqual([
      ...["ECC_NIST_P384", "ECC_NIST_P256", ...services],
      ...["RSA_4096", "RSA_3072", ...services],
    ]);
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
