/**
 * Room: infra. The IAM statements that follow from a duty. Each names its actions and its resources; the places where
 * names are made later (log streams, records, what a fleet publishes) have a wildcard, and are named here and in the tests.
 */
import type { PolicyStatement, PolicyStatementProps } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { type SigningKeyKind, signingKeyKinds } from "../configuration/key-generations.ts";
import { certificateStatements, custodyStatements, dataKeyStatements } from "./custody-grants.ts";
import { logGroupArn, objectKeys } from "./deployment-names.ts";
import { type Duty, signingKeysOf } from "./duty.ts";
import type { FleetKeyState } from "./fleetkey-state.ts";
import { itemIndexes } from "./item-table.ts";
import { endpoint } from "./key-policies.ts";
import {
  subjectKeyStatements,
  wrappingKeyArns,
  wrappingMentions,
  wrappingStatements,
} from "./protection-grants.ts";
import { allow, keyArns } from "./statements.ts";

/** Whatever else it touches, a function writes its log and reads its own environment. */
export interface DutyResources {
  readonly state: FleetKeyState;
  readonly logGroup: LogGroup;
  /** Receives what an asynchronous invocation failed at. */
  readonly deadLetters?: Queue;
  /** Functions of the tasks that it starts. */
  readonly starts: readonly IFunction[];
}

function through(scope: Construct, service: string): PolicyStatementProps {
  return { conditions: { StringEquals: { "kms:ViaService": endpoint(scope, service) } } };
}

/** The partition of the one item that the health check writes: see lambdas/distribution/health.ts. */
const healthPartition = "HEALTH";
/** Partitions of remembered proofs: see core/records/proof-record.ts. */
const proofPartitions = "PROOF#*";
/** Partitions of devices, in which their holds are: see core/records/hold-record.ts. */
const devicePartitions = "DEVICE#*";

/** Partitions of certificates, in which the answers about them are: see core/records/ocsp-answer-record.ts. */
const certificatePartitions = "CERTIFICATE#*";
/** What an item has that stands in no index: see adapters/aws/dynamodb/table-schema.ts, and a test that compares. */
const unindexedAttributes = ["pk", "sk", "version", "attributes", "expiresAt"];

/** Every call of the actions that this is for has the key, so that `ForAllValues` is never vacuous. */
const within = (match: "StringEquals" | "StringLike", partition: string): PolicyStatementProps => ({
  conditions: { [`ForAllValues:${match}`]: { "dynamodb:LeadingKeys": [partition] } },
});

interface ItemUse {
  readonly reads: boolean;
  readonly writes: boolean;
  readonly probes: boolean;
  readonly proves: boolean;
  readonly answers: boolean;
}

function itemUse({ items, proves }: Duty): ItemUse {
  const writes = items.has("write");
  const answers = items.has("answer");
  const reads = writes || answers || items.has("read");
  return { reads, writes, answers, probes: items.has("probe"), proves: proves && reads };
}

function readStatements(tableArn: string): PolicyStatement[] {
  const indexes = itemIndexes.map((index) => `${tableArn}/index/${index}`);
  return [
    allow("ReadItems", { actions: ["dynamodb:GetItem", "dynamodb:Query"], resources: [tableArn] }),
    allow("QueryIndexes", { actions: ["dynamodb:Query"], resources: indexes }),
  ];
}

function writeStatements(tableArn: string, use: ItemUse, { releases }: Duty): PolicyStatement[] {
  const resources = [tableArn];
  const release = allow("ReleaseDevices", {
    actions: ["dynamodb:DeleteItem"],
    resources,
    ...within("StringLike", devicePartitions),
  });
  if (use.writes) {
    const actions = ["dynamodb:ConditionCheckItem", "dynamodb:PutItem"];
    // Nothing else is ever deleted by code: DynamoDB drops what has expired.
    return [allow("WriteItems", { actions, resources }), ...(releases ? [release] : [])];
  }
  const probe = allow("Probe", {
    actions: use.reads ? ["dynamodb:PutItem"] : ["dynamodb:GetItem", "dynamodb:PutItem"],
    resources,
    ...within("StringEquals", healthPartition),
  });
  const remember = allow("RememberProofs", {
    actions: ["dynamodb:PutItem"],
    resources,
    ...within("StringLike", proofPartitions),
  });
  const answer = allow("KeepAnswers", {
    actions: ["dynamodb:PutItem"],
    resources,
    conditions: {
      ...within("StringLike", certificatePartitions).conditions,
      // An intent stands in the index `open`, from which the reconciler would sign it.
      "ForAllValues:StringEquals": { "dynamodb:Attributes": unindexedAttributes },
    },
  });
  return [
    ...(use.probes ? [probe] : []),
    ...(use.proves ? [remember] : []),
    ...(use.answers ? [answer] : []),
  ];
}

function itemStatements(scope: Construct, duty: Duty, { state }: DutyResources): PolicyStatement[] {
  const use = itemUse(duty);
  const { reads, writes, probes, proves, answers } = use;
  if (!reads && !probes) return [];
  const { tableArn } = state.items;
  return [
    ...(reads ? readStatements(tableArn) : []),
    ...writeStatements(tableArn, use, duty),
    // DynamoDB unwraps the table's key in the caller's name, whether it reads or writes.
    allow("ItemEncryption", {
      actions: [
        "kms:Decrypt",
        "kms:DescribeKey",
        ...(writes || probes || proves || answers ? ["kms:Encrypt", "kms:GenerateDataKey"] : []),
      ],
      resources: [state.dataKey.keyArn],
      ...through(scope, "dynamodb"),
    }),
  ];
}

/** How often statements of one fleet name a key. */
export function keyMentions(duty: Duty, state: FleetKeyState, fleet: string): number {
  const count = (kinds: readonly SigningKeyKind[]): number => keyArns(state, [fleet], kinds).length;
  const kept = duty.keepsKeys ? count(signingKeyKinds) + 2 * count(["root"]) : 0;
  const dataKeys = duty.keepsDataKeys ? wrappingKeyArns(state, fleet).length : 0;
  return count(signingKeysOf(duty)) + kept + dataKeys + wrappingMentions(duty, state, fleet);
}

/** With a root nobody signs by a policy: whoever may has borrowed it, and knows it by its name alone. */
function signStatements(duty: Duty, state: FleetKeyState, fleets: readonly string[]): PolicyStatement[] {
  const kinds = signingKeysOf(duty);
  const owned = kinds.filter((kind) => kind !== "root");
  const sign = allow("Sign", {
    actions: ["kms:GetPublicKey", "kms:Sign"],
    resources: keyArns(state, fleets, owned),
  });
  const find = allow("FindRoots", {
    actions: ["kms:GetPublicKey"],
    resources: keyArns(state, fleets, ["root"]),
  });
  return [...(owned.length > 0 ? [sign] : []), ...(kinds.includes("root") ? [find] : [])];
}

/** What follows from the fleets: apart from the rest, because many fleets are more than one policy holds. */
export function fleetStatements(
  scope: Construct,
  duty: Duty,
  state: FleetKeyState,
  fleets: readonly string[],
): PolicyStatement[] {
  const { artifacts, records } = state.buckets;
  const { publishes } = duty;
  const lasts = publishes.has("everything");
  // What a fleet publishes is named by its authorities, the days of its lists, and versions.
  const published = fleets.map((fleet) => artifacts.arnForObjects(`${objectKeys.publishedOf(fleet)}*`));
  // The name of a record ends in the time of its ceremony.
  const ceremonies = fleets.map((fleet) => records.arnForObjects(`${objectKeys.ceremonies(fleet)}*`));
  const publish = allow("PublishFleets", {
    actions: ["s3:GetObject", "s3:PutObject"],
    resources: [...published, ...(lasts ? ceremonies : [])],
  });
  // Of certificates that have all expired; a version of each stays in the bucket. Trust is never withdrawn.
  const withdraw = allow("WithdrawLists", {
    actions: ["s3:DeleteObject"],
    resources: fleets.map((fleet) => artifacts.arnForObjects(`${objectKeys.listsOf(fleet)}*`)),
  });
  return [
    ...signStatements(duty, state, fleets),
    ...custodyStatements(scope, duty, state, fleets),
    ...dataKeyStatements(
      duty,
      fleets.flatMap((fleet) => [...state.keysOf(fleet).protection.values()]),
      "FleetDataKeys",
    ),
    ...wrappingStatements(duty, state, fleets),
    ...(lasts || publishes.has("artifacts") ? [publish] : []),
    ...(publishes.has("artifacts") ? [withdraw] : []),
  ];
}

/** Objects, whichever fleets there are. */
function objectStatements(scope: Construct, duty: Duty, { state }: DutyResources): PolicyStatement[] {
  const { publishes, readsArtifacts } = duty;
  const lasts = publishes.has("everything");
  const writes = lasts || publishes.has("artifacts");
  if (!writes && !readsArtifacts) return [];
  const { artifacts, trustStores, records } = state.buckets;
  const read = allow("ReadArtifacts", {
    actions: ["s3:GetObject"],
    // Of fleets too that the stage has no longer: their certificates go on naming their lists.
    resources: [artifacts.arnForObjects(`${objectKeys.published}*`)],
  });
  const clientTrust = allow("PublishClientTrust", {
    actions: ["s3:GetObject", "s3:PutObject"],
    resources: [trustStores.arnForObjects(objectKeys.clientTrust)],
  });
  const buckets = [artifacts, ...(lasts ? [trustStores, records] : [])];
  return [
    ...(readsArtifacts ? [read] : []),
    ...(lasts ? [clientTrust] : []),
    // Without it S3 says 403 of an object that is not there, and a first publication looks like a refusal.
    allow("TellAbsence", {
      actions: ["s3:ListBucket"],
      resources: buckets.map(({ bucketArn }) => bucketArn),
    }),
    allow("ObjectEncryption", {
      actions: ["kms:Decrypt", ...(writes ? ["kms:GenerateDataKey"] : [])],
      resources: [state.dataKey.keyArn],
      ...through(scope, "s3"),
    }),
  ];
}

function notifyStatements(scope: Construct, { notifies }: Duty, { state }: DutyResources): PolicyStatement[] {
  if (!notifies) return [];
  return [
    allow("Notify", { actions: ["sns:Publish"], resources: [state.topic.topicArn] }),
    allow("NoticeEncryption", {
      actions: ["kms:Decrypt", "kms:GenerateDataKey"],
      resources: [state.operationsKey.keyArn],
      ...through(scope, "sns"),
    }),
  ];
}

function startStatements({ starts }: DutyResources): PolicyStatement[] {
  if (starts.length === 0) return [];
  const resources = starts.map(({ functionArn }) => functionArn);
  return [allow("StartTasks", { actions: ["lambda:InvokeFunction"], resources })];
}

/** Sends to a queue that the operations key encrypts. */
export function deadLetterStatements(
  scope: Construct,
  queue: Queue,
  state: FleetKeyState,
): PolicyStatement[] {
  return [
    allow("DeadLetters", { actions: ["sqs:SendMessage"], resources: [queue.queueArn] }),
    allow("DeadLetterEncryption", {
      actions: ["kms:Decrypt", "kms:GenerateDataKey"],
      resources: [state.operationsKey.keyArn],
      ...through(scope, "sqs"),
    }),
  ];
}

/** What the function of a duty may do, whichever fleets there are. */
export function dutyStatements(scope: Construct, duty: Duty, resources: DutyResources): PolicyStatement[] {
  const { state, logGroup, deadLetters } = resources;
  return [
    allow("Log", {
      actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
      // Lambda names the streams: the narrowest that CloudWatch Logs takes.
      resources: [`${logGroupArn(scope, logGroup.logGroupName)}:log-stream:*`],
    }),
    allow("Environment", {
      actions: ["kms:Decrypt"],
      resources: [state.dataKey.keyArn],
      ...through(scope, "lambda"),
    }),
    ...itemStatements(scope, duty, resources),
    ...subjectKeyStatements(duty, state),
    ...objectStatements(scope, duty, resources),
    ...notifyStatements(scope, duty, resources),
    ...startStatements(resources),
    ...dataKeyStatements(duty, [state.dataKey, state.operationsKey], "DataKeys"),
    ...certificateStatements(scope, duty, state),
    ...(deadLetters === undefined ? [] : deadLetterStatements(scope, deadLetters, state)),
  ];
}
