/**
 * Room: scripts/rehearsal. What each function's role may not do, tried with that role's own credentials. Every
 * refusal stands beside something the same role may do, so that it is no refusal of everything.
 */
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { CreateKeyCommand, GetPublicKeyCommand, PutKeyPolicyCommand, SignCommand } from "@aws-sdk/client-kms";
import { InvokeCommand, UpdateFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { PublishCommand } from "@aws-sdk/client-sns";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import { outputOf } from "../deployment/cdk.ts";
import { stackNames } from "../deployment/stage.ts";
import type { Clients } from "./aws-clients.ts";
import { functionOf, type RehearsedStage, roleOf } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

/** What the probes are aimed at. */
interface Targets {
  readonly table: string;
  readonly artifacts: string;
  readonly trustStores: string;
  readonly records: string;
  readonly topic: string;
  readonly bootstrapFunction: string;
  readonly publicationFunction: string;
  /** ARNs of keys. */
  readonly root: string;
  readonly issuing: string;
  readonly ocsp: string;
  readonly trust: string;
  readonly otherRole: string;
  readonly fleet: string;
}

type Act = (clients: Clients, targets: Targets) => Promise<unknown>;

const sign =
  (key: "root" | "issuing" | "ocsp" | "trust"): Act =>
  ({ kms }, targets) =>
    kms.send(
      new SignCommand({
        KeyId: targets[key],
        Message: Buffer.from("rehearsal"),
        MessageType: "RAW",
        SigningAlgorithm: key === "root" ? "ECDSA_SHA_384" : "ECDSA_SHA_256",
      }),
    );
const probeItem = (pk: string) => ({ pk: { S: pk }, sk: { S: "rehearsal" } });
const putItem =
  (pk: string): Act =>
  ({ dynamodb }, { table }) =>
    dynamodb.send(new PutItemCommand({ TableName: table, Item: probeItem(pk) }));
const putItems =
  (...pks: string[]): Act =>
  ({ dynamodb }, { table: TableName }) =>
    dynamodb.send(
      new TransactWriteItemsCommand({
        TransactItems: pks.map((pk) => ({ Put: { TableName, Item: probeItem(pk) } })),
      }),
    );
const deleteItem =
  (pk: string): Act =>
  ({ dynamodb }, { table }) =>
    dynamodb.send(new DeleteItemCommand({ TableName: table, Key: probeItem(pk) }));
const deleteHoldAnd =
  (kind: "Put" | "Delete", pk: string): Act =>
  ({ dynamodb }, { table: TableName }) => {
    const release = { Delete: { TableName, Key: probeItem("DEVICE#rehearsal#2") } };
    const other =
      kind === "Put"
        ? { Put: { TableName, Item: probeItem(pk) } }
        : { Delete: { TableName, Key: probeItem(pk) } };
    return dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [release, other] }));
  };
const putObject =
  (bucket: "artifacts" | "trustStores" | "records", key: (targets: Targets) => string): Act =>
  ({ s3 }, targets) =>
    s3.send(new PutObjectCommand({ Bucket: targets[bucket], Key: key(targets), Body: "rehearsal" }));

const acts = {
  "sign with the root key": sign("root"),
  "sign with the issuing key": sign("issuing"),
  "sign with the OCSP key": sign("ocsp"),
  "sign with the trust key": sign("trust"),
  "read a public key": ({ kms }, { issuing }) => kms.send(new GetPublicKeyCommand({ KeyId: issuing })),
  "create a key": ({ kms }) => kms.send(new CreateKeyCommand({})),
  "change a key's policy": ({ kms }, { issuing }) =>
    kms.send(new PutKeyPolicyCommand({ KeyId: issuing, Policy: "{}", PolicyName: "default" })),
  "read an item": ({ dynamodb }, { table }) =>
    dynamodb.send(new GetItemCommand({ TableName: table, Key: probeItem("REHEARSAL") })),
  "write an item": putItem("REHEARSAL"),
  "keep an answer about a certificate": putItem("CERTIFICATE#rehearsal#1"),
  "keep an answer in a transaction": putItems("CERTIFICATE#rehearsal#2"),
  "keep an answer and write another item in one transaction": putItems(
    "CERTIFICATE#rehearsal#3",
    "REHEARSAL",
  ),
  "write an item whose name ends as a certificate's": putItem("REHEARSAL#CERTIFICATE#1"),
  "write an intent that stands in an index": ({ dynamodb }, { table }) => {
    const index = { openPk: { S: "REHEARSAL" }, openSk: { S: "REHEARSAL" } };
    const Item = { ...probeItem("CERTIFICATE#rehearsal#4"), ...index };
    return dynamodb.send(new PutItemCommand({ TableName: table, Item }));
  },
  "write the health item": putItem("HEALTH"),
  "write the health item and another in one transaction": putItems("HEALTH", "REHEARSAL"),
  "remember a proof": putItem("PROOF#rehearsal#1"),
  "remember a proof in a transaction": putItems("PROOF#rehearsal#2"),
  "remember a proof and write another item in one transaction": putItems("PROOF#rehearsal#3", "REHEARSAL"),
  "write an item whose name ends as a proof's": putItem("REHEARSAL#PROOF#1"),
  "delete the hold of a device": deleteItem("DEVICE#rehearsal#1"),
  "delete the hold of a device and tell of it in one transaction": deleteHoldAnd("Put", "AUDIT#rehearsal"),
  "delete the hold of a device and an audit entry in one transaction": deleteHoldAnd(
    "Delete",
    "AUDIT#rehearsal",
  ),
  "delete an item": deleteItem("REHEARSAL"),
  "scan the table": ({ dynamodb }, { table }) =>
    dynamodb.send(new ScanCommand({ TableName: table, Limit: 1 })),
  "write a trust bundle": putObject("artifacts", ({ fleet }) => `fleets/${fleet}/trust.pem`),
  "write the trust store": putObject("trustStores", () => "mutual-tls/clients.pem"),
  "write a record": putObject("records", ({ fleet }) => `ceremonies/${fleet}/rehearsal`),
  "read a trust bundle": ({ s3 }, { artifacts, fleet }) =>
    s3.send(new GetObjectCommand({ Bucket: artifacts, Key: `fleets/${fleet}/trust.pem` })),
  "remove a list": ({ s3 }, { artifacts, fleet }) =>
    s3.send(new DeleteObjectCommand({ Bucket: artifacts, Key: `fleets/${fleet}/crl/rehearsal` })),
  "remove a trust manifest": ({ s3 }, { artifacts, fleet }) =>
    s3.send(new DeleteObjectCommand({ Bucket: artifacts, Key: `fleets/${fleet}/trust/rehearsal.jws` })),
  "write another object": putObject("artifacts", () => "index.html"),
  "read the trust store": ({ s3 }, { trustStores }) =>
    s3.send(new GetObjectCommand({ Bucket: trustStores, Key: "mutual-tls/clients.pem" })),
  "delete a record": ({ s3 }, { records, fleet }) =>
    s3.send(new DeleteObjectCommand({ Bucket: records, Key: `ceremonies/${fleet}/rehearsal` })),
  "publish a notice": ({ sns }, { topic }) =>
    sns.send(new PublishCommand({ TopicArn: topic, Message: "{}" })),
  "invoke the bootstrap": ({ lambda }, { bootstrapFunction }) =>
    lambda.send(new InvokeCommand({ FunctionName: bootstrapFunction, Payload: Buffer.from("{}") })),
  "start the publication": ({ lambda }, { publicationFunction: FunctionName }) =>
    lambda.send(new InvokeCommand({ FunctionName, InvocationType: "Event", Payload: Buffer.from("{}") })),
  "change a function": ({ lambda }, { bootstrapFunction }) =>
    lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: bootstrapFunction, Timeout: 1 })),
  "take another function's role": ({ sts }, { otherRole }) =>
    sts.send(new AssumeRoleCommand({ RoleArn: otherRole, RoleSessionName: "rehearsal" })),
} as const satisfies Record<string, Act>;

type ActName = keyof typeof acts;

const writes = [
  "read an item",
  "write an item",
  "write the health item",
  "write the health item and another in one transaction",
  "remember a proof",
  "remember a proof in a transaction",
  "remember a proof and write another item in one transaction",
  "write an item whose name ends as a proof's",
  "keep an answer about a certificate",
  "keep an answer in a transaction",
  "keep an answer and write another item in one transaction",
  "write an item whose name ends as a certificate's",
  "write an intent that stands in an index",
] as const satisfies readonly ActName[];

const issues = ["sign with the issuing key", "read a public key", ...writes] as const;

/** What each role may do; it is refused every other act. */
const allowed = {
  access: writes,
  enrollment: [
    ...issues,
    "delete the hold of a device",
    "delete the hold of a device and tell of it in one transaction",
  ],
  distribution: [
    "read an item",
    "write the health item",
    "remember a proof",
    "remember a proof in a transaction",
    "read a trust bundle",
  ],
  revocation: [...writes, "start the publication"],
  ocsp: [
    "read an item",
    "keep an answer about a certificate",
    "keep an answer in a transaction",
    "sign with the OCSP key",
  ],
  publication: [
    ...issues,
    "sign with the OCSP key",
    "sign with the trust key",
    "write a trust bundle",
    "read a trust bundle",
    "remove a list",
    "publish a notice",
  ],
  maintenance: [...writes, "start the publication", "publish a notice"],
  provisioning: writes,
  reconciliation: [...issues, "publish a notice"],
  bootstrap: [
    ...issues,
    "sign with the root key",
    "sign with the OCSP key",
    "sign with the trust key",
    "write a trust bundle",
    "read a trust bundle",
    "write the trust store",
    "write a record",
    "read the trust store",
    "publish a notice",
  ],
} as const satisfies Record<string, readonly ActName[]>;

const refusals = new Set([
  "AccessDenied",
  "AccessDeniedException",
  "AuthorizationError",
  "AuthorizationErrorException",
]);

/** `allowed`, `refused`, or what else went wrong. */
async function outcome(act: Act, clients: Clients, targets: Targets): Promise<string> {
  try {
    await act(clients, targets);
    return "allowed";
  } catch (error) {
    const name = error instanceof Error ? error.name : String(error);
    return refusals.has(name) ? "refused" : `${name}: ${error instanceof Error ? error.message : ""}`;
  }
}

async function keyArn({ clients, stage, fleet }: RehearsedStage, authority: string): Promise<string> {
  const KeyId = `alias/fleetkey/${stage}/${fleet.fleet}-${authority}`;
  const { KeyId: arn = "" } = await clients.kms.send(new GetPublicKeyCommand({ KeyId }));
  return arn;
}

async function aim(stage: RehearsedStage): Promise<Targets> {
  const names = stackNames(stage.stage);
  const state = (name: string): string => outputOf(stage.outputs, names.state, name);
  return {
    table: state("ItemTable"),
    artifacts: state("ArtifactsBucket"),
    trustStores: state("TrustStoresBucket"),
    records: state("RecordsBucket"),
    topic: state("NoticeTopic"),
    bootstrapFunction: outputOf(stage.outputs, names.api, "BootstrapFunction"),
    publicationFunction: await functionOf(stage, "publication"),
    root: await keyArn(stage, "root-1"),
    issuing: await keyArn(stage, "issuing-1"),
    ocsp: await keyArn(stage, "ocsp-1"),
    trust: await keyArn(stage, "trust-1"),
    otherRole: `arn:aws:iam::${stage.account}:role/${roleOf(stage, "bootstrap")}`,
    fleet: stage.fleet.fleet,
  };
}

export async function rehearseLeastPrivilege(stage: RehearsedStage, report: Report): Promise<void> {
  const targets = await aim(stage);
  const names = Object.keys(acts) as ActName[];
  for (const [duty, may] of Object.entries(allowed) as [string, readonly ActName[]][]) {
    const clients = await stage.clients.as(roleOf(stage, duty));
    for (const kind of ["allowed", "refused"] as const) {
      const tried = names.filter((name) => may.includes(name) === (kind === "allowed"));
      const what = kind === "allowed" ? `to ${tried.join(", ")}` : `the other ${tried.length} acts`;
      await report.check(`${duty} is ${kind} ${what}`, async () => {
        const wrong: string[] = [];
        for (const name of tried) {
          const found = await outcome(acts[name], clients, targets);
          if (found !== kind) wrong.push(`${name}: ${found}`);
        }
        expectThat(wrong.length === 0, wrong.join("\n"));
      });
    }
    clients.close();
  }
}
