/** Room: infra. What may differ between one deployment and the next, checked before anything is built. */
import { protectionStandard } from "../core/standard/protection.ts";
import { retention } from "../core/standard/retention.ts";
import { type ReservedConcurrency, readReservedConcurrency } from "./configuration/concurrency.ts";
import { type FleetConfiguration, readFleets } from "./configuration/fleets.ts";
import {
  isTable,
  type Place,
  type Range,
  readChoice,
  readNumber,
  readTable,
  readText,
  report,
  type Shape,
} from "./configuration/members.ts";
import {
  type ArtifactsConfiguration,
  type DomainsConfiguration,
  readArtifacts,
  readDomains,
} from "./configuration/names.ts";

/** How S3 holds lasting records: COMPLIANCE lets nobody shorten the period, GOVERNANCE those who may bypass it. */
export interface RecordRetention {
  readonly mode: "GOVERNANCE" | "COMPLIANCE";
  /** Days during which a record can be neither changed nor deleted: 1 to 36,500. */
  readonly days: number;
}

export interface ProtectionConfiguration {
  /** Days back to which the table of subject keys can be restored: 0, for never, to 35. @default 7 */
  readonly keyRecoveryDays: number;
}

export interface StageConfiguration {
  /** Names the stacks: `Fleetkey-{stage}-State`. Lower case letters, digits and hyphens, at most 20. */
  readonly stage: string;
  /** Twelve digits. @default - the account of the credentials that deploy */
  readonly account?: string;
  /** For example `eu-central-1`. @default - the region of the credentials that deploy */
  readonly region?: string;
  /** Days back to which the item table can be restored to any second: 1 to 35. @default 35 */
  readonly recoveryDays: number;
  /** Days between rotations of the data keys' material: 90 to 365. @default 365 */
  readonly dataKeyRotationDays: number;
  /** What is destroyed, and for how long it could still be brought back. */
  readonly protection: ProtectionConfiguration;
  /** By name. @default - one fleet `default` on `fleetkey.internal`, root P-384, issuing P-256 */
  readonly fleets: Readonly<Record<string, FleetConfiguration>>;
  /** @default - GOVERNANCE for the six years of the standard */
  readonly recordRetention: RecordRetention;
  /** @default - see configuration/concurrency.ts */
  readonly reservedConcurrency: ReservedConcurrency;
  /** ARNs that alarms call besides the notice topic, at most 4. @default - none */
  readonly alarmActions: readonly string[];
  /** @default - none: the API answers under the name that API Gateway gave it, without mutual TLS */
  readonly domains?: DomainsConfiguration;
  /** @default - none: artefacts lie in their bucket, and the API serves trust bundles from the table */
  readonly artifacts?: ArtifactsConfiguration;
}

const ranges = {
  recoveryDays: { minimum: 1, maximum: 35, fallback: 35, reason: "DynamoDB keeps 35 days at most" },
  // NIST SP 800-57 part 1 §5.3.6 gives a data-encryption key two years; ours serves one.
  dataKeyRotationDays: {
    minimum: 90,
    maximum: 365,
    fallback: 365,
    reason: "KMS rotates from 90 d on, we within a year",
  },
} as const satisfies Record<string, Range & { readonly fallback: number }>;

const shapes = {
  stage: { pattern: /^[a-z][a-z0-9-]{0,19}$/, limit: "1 to 20 of a-z, 0-9 and -, first a letter" },
  account: { pattern: /^[0-9]{12}$/, limit: "twelve digits, quoted so that a leading zero survives" },
  region: { pattern: /^[a-z]{2}(-[a-z]+)+-[0-9]$/, limit: "a region code such as eu-central-1" },
  alarmAction: { pattern: /^arn:aws[a-z-]*:[a-z0-9-]+:\S{1,1000}$/, limit: "an ARN" },
} as const satisfies Record<string, Shape>;

const members = [
  ...Object.keys(ranges),
  "account",
  "region",
  "protection",
  "fleets",
  "recordRetention",
  "reservedConcurrency",
  "alarmActions",
  "domains",
  "artifacts",
];

/** Where a stage is written; named in every message so that the reader knows what to edit. */
const placeOf = (stage: string): string => `context "fleetkey:stages" → "${stage}" in cdk.json`;

function readStageName(stage: unknown): string {
  const { pattern, limit } = shapes.stage;
  if (typeof stage === "string" && pattern.test(stage)) return stage;
  throw new Error(`stage ${JSON.stringify(stage)} is not ${limit}; choose one with \`-c stage=NAME\``);
}

function findStage(stage: string, stages: unknown): Readonly<Record<string, unknown>> {
  const known = typeof stages === "object" && stages !== null ? Object.entries(stages) : [];
  const found: unknown = known.find(([name]) => name === stage)?.[1];
  if (isTable(found)) return found;
  const names = known.map(([name]) => name).join(", ") || "none";
  throw new Error(
    `stage "${stage}" is not described (there are: ${names}); choose one with \`-c stage=NAME\`, or add ${placeOf(stage)}`,
  );
}

function readRetention(place: Place, value: unknown): RecordRetention {
  const fallback = { mode: "GOVERNANCE", days: retention.records.days } as const;
  if (value === undefined) return fallback;
  const table = readTable(place, "recordRetention", value, ["mode", "days"]);
  const modes = ["GOVERNANCE", "COMPLIANCE"] as const;
  const days = { minimum: 1, maximum: 36_500, reason: "S3 Object Lock takes a hundred years at most" };
  return {
    mode:
      readChoice(place, "recordRetention.mode", table["mode"], modes, { otherwise: fallback.mode }) ??
      fallback.mode,
    days:
      readNumber(place, "recordRetention.days", table["days"], days, { otherwise: `${fallback.days}` }) ??
      fallback.days,
  };
}

function readProtection(place: Place, value: unknown): ProtectionConfiguration {
  const { default: fallback, maximum } = protectionStandard.keyRecoveryDays;
  if (value === undefined) return { keyRecoveryDays: fallback };
  const table = readTable(place, "protection", value, ["keyRecoveryDays"]);
  const range = { minimum: 0, maximum, reason: `DynamoDB keeps ${maximum} days at most, and 0 is none` };
  const path = "protection.keyRecoveryDays";
  const otherwise = { otherwise: `${fallback}` };
  return {
    keyRecoveryDays: readNumber(place, path, table["keyRecoveryDays"], range, otherwise) ?? fallback,
  };
}

function readAlarmActions(place: Place, value: unknown): readonly string[] {
  if (value === undefined) return [];
  // CloudWatch calls five at most, and the notice topic is one.
  if (!Array.isArray(value) || value.length > 4) {
    report(place, "alarmActions", value, "a JSON array of at most 4 ARNs", { otherwise: "none" });
    return [];
  }
  return value.flatMap(
    (one: unknown, i) => readText(place, `alarmActions[${i}]`, one, shapes.alarmAction, "required") ?? [],
  );
}

function readWhere(
  place: Place,
  table: Readonly<Record<string, unknown>>,
): Pick<StageConfiguration, "account" | "region"> {
  const otherwise = { otherwise: "where the credentials point" };
  const account = readText(place, "account", table["account"], shapes.account, otherwise);
  const region = readText(place, "region", table["region"], shapes.region, otherwise);
  return { ...(account && { account }), ...(region && { region }) };
}

function assertArtifactsPlace(place: Place, configuration: StageConfiguration): void {
  if (configuration.artifacts === undefined) return;
  for (const member of ["account", "region"] as const) {
    if (configuration[member] !== undefined) continue;
    place.problems.push(
      `artifacts is set without ${member}: its stack stands in us-east-1 and names the bucket of another region; ` +
        `add ${member}, or remove artifacts, in ${place.name}`,
    );
  }
}

/**
 * Reads one stage from the `fleetkey:stages` table of the CDK context.
 * @throws Error that lists every problem at once, each with the value, its limit and the remedy.
 */
export function readStageConfiguration(stageName: unknown, stages: unknown): StageConfiguration {
  const stage = readStageName(stageName);
  const place: Place = { name: placeOf(stage), problems: [] };
  const table = readTable(place, "", findStage(stage, stages), members);
  const period = (member: keyof typeof ranges): number => {
    const { fallback, ...range } = ranges[member];
    return readNumber(place, member, table[member], range, { otherwise: `${fallback}` }) ?? fallback;
  };
  const where = readWhere(place, table);
  const recoveryDays = period("recoveryDays");
  const dataKeyRotationDays = period("dataKeyRotationDays");
  const domains = readDomains(place, table["domains"]);
  const artifacts = readArtifacts(place, table["artifacts"]);
  const configuration: StageConfiguration = {
    stage,
    ...where,
    recoveryDays,
    dataKeyRotationDays,
    protection: readProtection(place, table["protection"]),
    fleets: readFleets(place, table["fleets"]),
    recordRetention: readRetention(place, table["recordRetention"]),
    reservedConcurrency: readReservedConcurrency(place, table["reservedConcurrency"]),
    alarmActions: readAlarmActions(place, table["alarmActions"]),
    ...(domains && { domains }),
    ...(artifacts && { artifacts }),
  };
  assertArtifactsPlace(place, configuration);
  if (place.problems.length > 0)
    throw new Error(`stage "${stage}" cannot be built:\n- ${place.problems.join("\n- ")}`);
  return configuration;
}
