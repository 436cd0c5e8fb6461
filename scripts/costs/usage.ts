/** Room: scripts. What a fleet of so many devices uses in a month. Each assumption has a name and stands in the document. */
import { profiles } from "../../core/standard/profiles.ts";
import { type Task, tasks } from "../../lambdas/routes.ts";
import type { PriceId } from "./prices.ts";
import { acts, kept, writeUnitsOf } from "./writes.ts";

/** One fleet, with domains and artefacts. test/infra/edge-stacks.test.ts compares it with the templates. */
export const deployed = {
  /** KMS keys of one fleet that sign: of a root, an issuing authority, an OCSP responder, trust manifests. */
  signingKeysOfFleet: 4,
  /** KMS keys of one fleet that encrypt, and rotate: its protection key. */
  encryptingKeysOfFleet: 1,
  /** KMS keys beside them: data, operations, the firewall's log. All rotate. */
  sharedKeys: 3,
  /** Metrics that alarms look at: each alarm one, the rate of 5xx two, the two certificates of the domains. */
  alarms: 58,
  compositeAlarms: 1,
  /** Counted from log lines. */
  metrics: 8,
  dashboards: 1,
  firewallRules: 4,
  issuanceMegabytes: 1_024,
  publicationMegabytes: 1_769,
  otherMegabytes: 512,
  protectionMegabytes: 1_024,
} as const;

const daysPerMonth = 365.25 / 12;
const { defaultDays, renewAfterFraction } = profiles.device;

export const assumptions = {
  daysBetweenRenewals: defaultDays * renewAfterFraction,
  yearsOfService: 5,
  trustReadsPerMonth: 4,
  trustOctets: 2_000,
  answerOctets: 4_000,
  /** Of a function that issues, KMS and DynamoDB waited for. */
  issuanceMilliseconds: 150,
  otherMilliseconds: 50,
  /** Of a scheduled task, when there is nothing to do. */
  runMilliseconds: 200,
  /** Our line, Lambda's three, and API Gateway's. A run has no request. */
  logOctetsPerRequest: 1_200,
  logOctetsPerRun: 600,
  /** CloudWatch stores logs compressed; what it was given is this many times as much. */
  logCompression: 5,
  backupCopies: 35,
  shards: 16,
} as const;

/** Of a request about a data key, at most: what a client of ours keeps for a minute it does not ask again. */
export const dataKeyRequest = {
  milliseconds: 50,
  /** The subject's key and its tombstones. */
  reads: 3,
  /** An audit entry, of reading alone. */
  writeUnits: 2,
  kmsRequests: 1,
} as const;

export interface MonthlyActs {
  readonly devices: number;
  readonly renewals: number;
  /** Each with a token, which a pipeline asks for. */
  readonly enrolments: number;
  readonly trustReads: number;
  /** Of all tasks that have a schedule. */
  readonly runs: number;
  /** Of those, the publisher's, which has the most memory. */
  readonly publications: number;
}

const everyTask: readonly Task[] = tasks;

/** Runs of a task in a month; 0 for one that no schedule starts. */
function runsOf({ trigger }: Task): number {
  return trigger === "invocation" ? 0 : (daysPerMonth * 24 * 60) / trigger.everyMinutes;
}

export function monthlyActs(devices: number): MonthlyActs {
  const { daysBetweenRenewals, yearsOfService, trustReadsPerMonth } = assumptions;
  const publish = everyTask.filter((task) => task.id === "publish");
  return {
    devices,
    renewals: (devices * daysPerMonth) / daysBetweenRenewals,
    enrolments: devices / (12 * yearsOfService),
    trustReads: devices * trustReadsPerMonth,
    runs: everyTask.reduce((sum, task) => sum + runsOf(task), 0),
    publications: publish.reduce((sum, task) => sum + runsOf(task), 0),
  };
}

const gigabyte = 1_000_000_000;

function store({ renewals, enrolments, runs }: MonthlyActs) {
  const certificates = 12 * (renewals + enrolments);
  const table = (certificates * (kept.table + kept.overhead / 2)) / gigabyte;
  const indexes = (certificates * (kept.indexes + kept.overhead / 2)) / gigabyte;
  const { renewal, enrolment, token } = acts;
  return {
    dynamoWrite:
      renewals * writeUnitsOf(renewal) + enrolments * (writeUnitsOf(enrolment) + writeUnitsOf(token)),
    // An empty query of an index, eventually consistent, is half a unit.
    dynamoRead:
      renewals * renewal.reads +
      enrolments * (enrolment.reads + token.reads) +
      (runs * assumptions.shards) / 2,
    dynamoStorage: table + indexes,
    dynamoRecovery: table,
    backup: table * assumptions.backupCopies,
  };
}

function compute({ renewals, enrolments, runs, publications }: MonthlyActs) {
  const { issuanceMilliseconds, otherMilliseconds, runMilliseconds } = assumptions;
  const issued = renewals + enrolments;
  const others = enrolments * otherMilliseconds + (runs - publications) * runMilliseconds;
  const { issuanceMegabytes, publicationMegabytes, otherMegabytes } = deployed;
  const megabyteMilliseconds =
    issued * issuanceMilliseconds * issuanceMegabytes +
    publications * runMilliseconds * publicationMegabytes +
    others * otherMegabytes;
  return {
    kmsSign: issued,
    // A token is asked of the provisioning function directly.
    httpApi: issued,
    lambdaRequest: issued + enrolments + runs,
    lambdaDuration: megabyteMilliseconds / 1000 / 1024,
    scheduler: runs,
    transfer: (issued * assumptions.answerOctets) / gigabyte,
  };
}

function watching({ renewals, enrolments, runs }: MonthlyActs) {
  const octets =
    (renewals + 2 * enrolments) * assumptions.logOctetsPerRequest + runs * assumptions.logOctetsPerRun;
  return {
    logIngestion: octets / gigabyte,
    logStorage: (12 * octets) / gigabyte / assumptions.logCompression,
    alarm: deployed.alarms,
    compositeAlarm: deployed.compositeAlarms,
    metric: deployed.metrics,
    dashboard: deployed.dashboards,
  };
}

function artefacts({ trustReads }: MonthlyActs) {
  return {
    firewall: 1,
    firewallRule: deployed.firewallRules,
    firewallRequest: trustReads,
    cloudFrontRequest: trustReads,
    cloudFrontTransfer: (trustReads * assumptions.trustOctets) / gigabyte,
  };
}

/** Units of each price in one month, at the end of the first year. */
export function monthlyUsage(devices: number): Readonly<Record<PriceId, number>> {
  const month = monthlyActs(devices);
  return {
    kmsKey: deployed.signingKeysOfFleet + deployed.encryptingKeysOfFleet + deployed.sharedKeys,
    kmsKeyMaterial: deployed.encryptingKeysOfFleet + deployed.sharedKeys,
    ...compute(month),
    ...store(month),
    ...watching(month),
    ...artefacts(month),
  };
}
