/** Room: scripts. What a fleet of so many devices uses in a month. Each assumption has a name and stands in the document. */
import { profiles } from "../../core/standard/profiles.ts";
import { type Task, tasks } from "../../lambdas/routes.ts";
import type { PriceId } from "./prices.ts";
import { acts, kept, writeUnitsOf } from "./writes.ts";

/** One fleet, with domains and artefacts. test/infra/edge-stacks.test.ts compares it with the templates. */
export const deployed = {
  /** KMS keys of one fleet that sign: a root and an issuing key. */
  signingKeysOfFleet: 2,
  /** KMS keys of one fleet that encrypt, and rotate: its protection key. */
  encryptingKeysOfFleet: 1,
  /** KMS keys beside them: data, operations, the firewall's log. All rotate. */
  sharedKeys: 3,
  /** Metrics that alarms look at: each alarm one, the rate of 5xx two, the two certificates of the domains. */
  alarms: 30,
  compositeAlarms: 1,
  /** Counted from log lines. */
  metrics: 4,
  dashboards: 1,
  firewallRules: 4,
  issuanceMegabytes: 1_024,
  otherMegabytes: 512,
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
  reconciliationMilliseconds: 200,
  /** Our line, Lambda's three, and API Gateway's. */
  logOctetsPerRequest: 1_200,
  logOctetsPerRun: 600,
  /** CloudWatch stores logs compressed; what it was given is this many times as much. */
  logCompression: 5,
  backupCopies: 35,
  shards: 16,
} as const;

export interface MonthlyActs {
  readonly devices: number;
  readonly renewals: number;
  /** Each with a token, which a pipeline asks for. */
  readonly enrolments: number;
  readonly trustReads: number;
  readonly reconciliations: number;
}

export function monthlyActs(devices: number): MonthlyActs {
  const { daysBetweenRenewals, yearsOfService, trustReadsPerMonth } = assumptions;
  const scheduled: Task | undefined = tasks.find((task) => task.id === "reconcile");
  const trigger = scheduled?.trigger;
  if (trigger === undefined || trigger === "invocation")
    throw new Error(
      'task "reconcile" has no schedule; the cost table counts its runs: see lambdas/routes.ts',
    );
  return {
    devices,
    renewals: (devices * daysPerMonth) / daysBetweenRenewals,
    enrolments: devices / (12 * yearsOfService),
    trustReads: devices * trustReadsPerMonth,
    reconciliations: (daysPerMonth * 24 * 60) / trigger.everyMinutes,
  };
}

const gigabyte = 1_000_000_000;

function store({ renewals, enrolments, reconciliations }: MonthlyActs) {
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
      (reconciliations * assumptions.shards) / 2,
    dynamoStorage: table + indexes,
    dynamoRecovery: table,
    backup: table * assumptions.backupCopies,
  };
}

function compute({ renewals, enrolments, reconciliations }: MonthlyActs) {
  const { issuanceMilliseconds, otherMilliseconds, reconciliationMilliseconds } = assumptions;
  const issued = renewals + enrolments;
  const others = enrolments * otherMilliseconds + reconciliations * reconciliationMilliseconds;
  const { issuanceMegabytes, otherMegabytes } = deployed;
  const megabyteMilliseconds = issued * issuanceMilliseconds * issuanceMegabytes + others * otherMegabytes;
  return {
    kmsSign: issued,
    // A token is asked of the provisioning function directly.
    httpApi: issued,
    lambdaRequest: issued + enrolments + reconciliations,
    lambdaDuration: megabyteMilliseconds / 1000 / 1024,
    scheduler: reconciliations,
    transfer: (issued * assumptions.answerOctets) / gigabyte,
  };
}

function watching({ renewals, enrolments, reconciliations }: MonthlyActs) {
  const octets =
    (renewals + 2 * enrolments) * assumptions.logOctetsPerRequest +
    reconciliations * assumptions.logOctetsPerRun;
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
