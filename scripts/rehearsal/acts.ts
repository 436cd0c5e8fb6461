/** Room: scripts/rehearsal. What the roles of functions are let do or refused: each act as one call of the SDK. */
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import {
  CancelKeyDeletionCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  EnableKeyCommand,
  GenerateDataKeyCommand,
  GetKeyRotationStatusCommand,
  GetPublicKeyCommand,
  type GrantOperation,
  PutKeyPolicyCommand,
  RevokeGrantCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
} from "@aws-sdk/client-kms";
import { InvokeCommand, UpdateFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { PublishCommand } from "@aws-sdk/client-sns";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import type { Clients } from "./aws-clients.ts";

/** What the probes are aimed at. */
export interface Targets {
  readonly table: string;
  readonly subjectKeys: string;
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
  readonly data: string;
  readonly protection: string;
  readonly otherRole: string;
  /** ARN of the role of a function. */
  roleArn(duty: string): string;
  readonly fleet: string;
}

export type Act = (clients: Clients, targets: Targets) => Promise<unknown>;

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
const lend =
  (key: "root" | "issuing", to: string, Operations: GrantOperation[] = ["Sign"]): Act =>
  async ({ kms }, targets) => {
    const GranteePrincipal = targets.roleArn(to);
    const { GrantId } = await kms.send(
      new CreateGrantCommand({ KeyId: targets[key], Name: "rehearsal", GranteePrincipal, Operations }),
    );
    await kms.send(new RevokeGrantCommand({ KeyId: targets[key], GrantId }));
  };
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

export const acts = {
  "sign with the root key": sign("root"),
  "sign with the issuing key": sign("issuing"),
  "sign with the OCSP key": sign("ocsp"),
  "sign with the trust key": sign("trust"),
  "lend a root to the ceremony, and take it back": lend("root", "ceremony"),
  "lend a root to the bootstrap": lend("root", "bootstrap"),
  "lend a root for more than signing": lend("root", "ceremony", ["Sign", "GetPublicKey"]),
  "lend the issuing key": lend("issuing", "ceremony"),
  "destroy a key in 30 days, and think better of it": async ({ kms }, { trust: KeyId }) => {
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 30 }));
    await kms.send(new CancelKeyDeletionCommand({ KeyId }));
    await kms.send(new EnableKeyCommand({ KeyId }));
  },
  "destroy a key in 7 days": ({ kms }, { trust: KeyId }) =>
    kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 })),
  "look how a key that encrypts rotates": ({ kms }, { data: KeyId }) =>
    kms.send(new GetKeyRotationStatusCommand({ KeyId })),
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
  "read a subject key": ({ dynamodb }, { subjectKeys, fleet }) =>
    dynamodb.send(new GetItemCommand({ TableName: subjectKeys, Key: probeItem(`SUBJECTKEY#${fleet}#00`) })),
  "write a subject key": ({ dynamodb }, { subjectKeys, fleet }) =>
    dynamodb.send(new PutItemCommand({ TableName: subjectKeys, Item: probeItem(`SUBJECTKEY#${fleet}#00`) })),
  "destroy a subject key": ({ dynamodb }, { subjectKeys, fleet }) =>
    dynamodb.send(
      new DeleteItemCommand({ TableName: subjectKeys, Key: probeItem(`SUBJECTKEY#${fleet}#00`) }),
    ),
  "wrap a key of the fleet's data": ({ kms }, { protection: KeyId, fleet }) =>
    kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: "AES_256", EncryptionContext: { fleet } })),
  "wrap a key for nobody's data": ({ kms }, { protection: KeyId }) =>
    kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: "AES_256" })),
  "wrap a key for another fleet's data": ({ kms }, { protection: KeyId }) =>
    kms.send(
      new GenerateDataKeyCommand({ KeyId, KeySpec: "AES_256", EncryptionContext: { fleet: "another" } }),
    ),
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

export type ActName = keyof typeof acts;
