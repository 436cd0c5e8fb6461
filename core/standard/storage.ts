/**
 * Room: core/standard. Every place in which something is at rest on AWS: what, under which key, for how long, in which
 * copies. Those on one machine are in `local-storage.ts`; what stands in the item store is in `stored-items.ts`.
 */
import { protectionStandard } from "./protection.ts";
import { retention } from "./retention.ts";

export interface StoragePlace {
  readonly what: string;
  /** A resource, or a path below the data directory DIR. */
  readonly where: string;
  readonly kept: string;
  /** In which copies it is, and how long these live. */
  readonly copies: string;
  readonly citation: string;
}

/** By the end of the key's alias, `alias/fleetkey/{stage}/…`; own: one without an alias; none: for the reason in `unkeyed`. */
export type CloudKey = "data" | "operations" | "own" | "none";

export interface CloudPlace extends StoragePlace {
  readonly key: CloudKey;
  /** Why no key of the deployment encrypts it. */
  readonly unkeyed?: string;
  /** CloudFormation's type, and how the resource's path in the constructs ends: words without `/`. */
  readonly type: string;
  readonly named: RegExp;
}

export const days = (count: number): string => (count === 1 ? "1 day" : `${count} days`);
const activity = `${days(retention.activityLogs.days)}: six years`;
export const dataAtRest = "45 CFR 164.312(a)(2)(iv)";
export const evidence = "45 CFR 164.312(b); 45 CFR 164.316(b)(2)(i)";
const copiesOfItems =
  "any second of the last 35 days (stage: `recoveryDays`); a copy a day, kept 35 days, in a vault that refuses deletion";
export const recovery = protectionStandard.keyRecoveryDays;

export const cloudStorage = {
  items: {
    what: "records: see below",
    where: "DynamoDB table of items and its indexes",
    key: "data",
    kept: "see below",
    copies: copiesOfItems,
    citation: `${dataAtRest}; 45 CFR 164.308(a)(7)(ii)(A)`,
    type: "AWS::DynamoDB::Table",
    named: /^StateTableItems/,
  },
  subjectKeys: {
    what: "subject keys, each under its fleet's wrapping key; tombstones",
    where: "DynamoDB table of subject keys",
    key: "data",
    kept: "until they are shredded; tombstones as long as the table",
    copies: `the table's own recovery window alone: ${days(recovery.default)} (stage: \`protection.keyRecoveryDays\`, 0 to ${recovery.maximum}); in no backup`,
    citation: `${dataAtRest}; SP 800-88 r1 §2.6; 45 CFR 164.310(d)(2)(i)`,
    type: "AWS::DynamoDB::Table",
    named: /SubjectKeys/,
  },
  itemCopies: {
    what: "copies of the table of items",
    where: "AWS Backup vault",
    key: "data",
    kept: "35 days",
    copies: "none of its own",
    citation: "45 CFR 164.308(a)(7)(ii)(A)",
    type: "AWS::Backup::BackupVault",
    named: /^StateTableBackupVault/,
  },
  artifacts: {
    what: "trust bundles, manifests and revocation lists: public",
    where: "S3 bucket of artefacts, every version",
    key: "data",
    kept: "as long as the bucket",
    copies: "none: all of it is published again from the items",
    citation: dataAtRest,
    type: "AWS::S3::Bucket",
    named: /^StateBucketsArtifacts/,
  },
  trustStores: {
    what: "root certificates that API Gateway checks clients against: public",
    where: "S3 bucket of trust stores, every version",
    key: "none",
    unkeyed: "S3's own encryption: API Gateway reads it with no key of ours, and it is public",
    kept: "as long as the bucket",
    copies: "none: made again by a deployment",
    citation: "API Gateway developer guide, mutual TLS",
    type: "AWS::S3::Bucket",
    named: /^StateBucketsTrustStores/,
  },
  records: {
    what: "records of ceremonies: who took part, what was signed",
    where: "S3 bucket of records, under Object Lock",
    key: "data",
    kept: `${days(retention.records.days)} at least: six years (stage: \`recordRetention\`)`,
    copies: "none: nobody changes or deletes them before",
    citation: evidence,
    type: "AWS::S3::Bucket",
    named: /^StateBucketsRecords/,
  },
  accessLogs: {
    what: "who read or wrote an object of the other buckets",
    where: "S3 bucket of access logs",
    key: "none",
    unkeyed: "S3's own encryption: S3 delivers these logs to no bucket with another key",
    kept: activity,
    copies: "none",
    citation: evidence,
    type: "AWS::S3::Bucket",
    named: /^StateBucketsAccessLogs/,
  },
  functionLogs: {
    what: "log lines of the functions: ids, codes and measures; values that look like a secret or a person are taken out",
    where: "CloudWatch log group of each function, `/fleetkey/{stage}/{function}`",
    key: "operations",
    kept: activity,
    copies: "none",
    citation: evidence,
    type: "AWS::Logs::LogGroup",
    named: /^Service[a-z]+Log/,
  },
  requestLog: {
    what: "a line a request: route, status, times, serial number of the client's certificate; no address and no path",
    where: "CloudWatch log group `/fleetkey/{stage}/requests`",
    key: "operations",
    kept: activity,
    copies: "none",
    citation: evidence,
    type: "AWS::Logs::LogGroup",
    named: /^ServiceHttpRequests/,
  },
  refusedRequests: {
    what: "requests for artefacts that the firewall refused, with addresses; no query and no credential",
    where: "CloudWatch log group `aws-waf-logs-fleetkey-{stage}`",
    key: "own",
    kept: days(retention.refusedRequests.days),
    copies: "none",
    citation: retention.refusedRequests.citation,
    type: "AWS::Logs::LogGroup",
    named: /^ArtifactsFirewallLog/,
  },
  deadLetters: {
    what: "events of tasks that failed for good: an empty object each, no request",
    where: "SQS queues of dead letters",
    key: "operations",
    kept: days(retention.deadLetters.days),
    copies: "none",
    citation: retention.deadLetters.citation,
    type: "AWS::SQS::Queue",
    named: /(?:deadletters|DeadLetters)/,
  },
  notices: {
    what: "notices to people: words of ours, opaque ids, numbers",
    where: "SNS topic",
    key: "operations",
    kept: "until they are delivered or given up",
    copies: "with whoever subscribes",
    citation: dataAtRest,
    type: "AWS::SNS::Topic",
    named: /^StateNotices/,
  },
  environment: {
    what: "names of tables, buckets, keys and functions; no secret",
    where: "environment of each Lambda function",
    key: "data",
    kept: "as long as the function",
    copies: "its versions",
    citation: dataAtRest,
    type: "AWS::Lambda::Function",
    named: /^Service[a-z]+Function/,
  },
} as const satisfies Readonly<Record<string, CloudPlace>>;

export interface HeldKey {
  readonly key: string;
  readonly encrypts: string;
  readonly where: string;
  readonly ends: string;
}

/** What encrypts the places above, and what is in none of them because it never leaves its service. */
export const storageKeys: readonly HeldKey[] = [
  {
    key: "`data`",
    encrypts: "items, subject keys, copies, artefacts, records, environments",
    where: "KMS, `alias/fleetkey/{stage}/data`",
    ends: "30 days after an administrator asks for it; people are told at once",
  },
  {
    key: "`operations`",
    encrypts: "logs, notices, dead letters",
    where: "KMS, `alias/fleetkey/{stage}/operations`",
    ends: "as `data`",
  },
  {
    key: "the firewall's",
    encrypts: "the log of refused requests",
    where: "KMS, region us-east-1, without an alias",
    ends: "30 days after its stack is deleted",
  },
  {
    key: "`{fleet}-protection`, then `{fleet}-protection-2` and so on",
    encrypts: "subject keys of that fleet, and data keys of its fleet-wrapped purposes",
    where: "KMS, `alias/fleetkey/{stage}/{fleet}-protection`; locally `keys/`, sealed by the master key",
    ends: `${protectionStandard.fleetDeletionDays} days after two people shred the fleet; locally at once`,
  },
  {
    key: "signing keys of authorities, responders and manifests",
    encrypts: "nothing: they sign",
    where: "KMS, which never gives them out; locally `keys/`, sealed by the master key",
    ends: "30 days after two people decide it",
  },
  {
    key: "keys of servers' certificates",
    encrypts: "nothing: they sign",
    where: "AWS Certificate Manager, under its own key; locally `certificates/`, sealed by the master key",
    ends: "with the certificate",
  },
  {
    key: "the master key",
    encrypts: "locally all keys that are called sealed here",
    where: "`master.key`, or scrypt of a passphrase, which is kept nowhere",
    ends: "with the key store",
  },
];
