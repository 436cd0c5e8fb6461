/** Room: infra. What may differ between one deployment and the next, checked before anything is built. */

export interface StageConfiguration {
  /** Names the stacks: `Fleetkey-{stage}-State`. Lower case letters, digits and hyphens, at most 20. */
  readonly stage: string;
  /** Twelve digits. @default - the account of the credentials that deploy */
  readonly account?: string;
  /** For example `eu-central-1`. @default - the region of the credentials that deploy */
  readonly region?: string;
  /** Days back to which the item table can be restored to any second: 1 to 35. @default 35 */
  readonly recoveryDays: number;
  /** Days between rotations of the data key's material: 90 to 365. @default 365 */
  readonly dataKeyRotationDays: number;
}

interface Range {
  readonly minimum: number;
  readonly maximum: number;
  readonly fallback: number;
  readonly reason: string;
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
} as const satisfies Record<string, Range>;

const patterns = {
  stage: { pattern: /^[a-z][a-z0-9-]{0,19}$/, limit: "1 to 20 of a-z, 0-9 and -, first a letter" },
  account: { pattern: /^[0-9]{12}$/, limit: "twelve digits, quoted so that a leading zero survives" },
  region: { pattern: /^[a-z]{2}(-[a-z]+)+-[0-9]$/, limit: "a region code such as eu-central-1" },
} as const;

/** Where a stage is written; named in every message so that the reader knows what to edit. */
const place = (stage: string): string => `context "fleetkey:stages" → "${stage}" in cdk.json`;

function readNumber(stage: string, member: keyof typeof ranges, value: unknown, problems: string[]): number {
  const { minimum, maximum, fallback, reason } = ranges[member];
  if (value === undefined) return fallback;
  if (typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= maximum)
    return value;
  problems.push(
    `${member} ${JSON.stringify(value)} is not a whole number from ${minimum} to ${maximum} (${reason}); ` +
      `change it, or remove it for ${fallback}, in ${place(stage)}`,
  );
  return fallback;
}

function readText(
  stage: string,
  member: "account" | "region",
  value: unknown,
  problems: string[],
): Partial<Record<typeof member, string>> {
  if (value === undefined) return {};
  const { pattern, limit } = patterns[member];
  if (typeof value === "string" && pattern.test(value)) return { [member]: value };
  problems.push(
    `${member} ${JSON.stringify(value)} is not ${limit}; ` +
      `change it, or remove it to deploy where the credentials point, in ${place(stage)}`,
  );
  return {};
}

function readStageName(stage: unknown): string {
  const { pattern, limit } = patterns.stage;
  if (typeof stage === "string" && pattern.test(stage)) return stage;
  throw new Error(`stage ${JSON.stringify(stage)} is not ${limit}; choose one with \`-c stage=NAME\``);
}

function readMembers(stage: string, stages: unknown): Readonly<Record<string, unknown>> {
  const known = typeof stages === "object" && stages !== null ? Object.entries(stages) : [];
  const members: unknown = known.find(([name]) => name === stage)?.[1];
  if (typeof members === "object" && members !== null && !Array.isArray(members)) return { ...members };
  const names = known.map(([name]) => name).join(", ") || "none";
  throw new Error(
    `stage "${stage}" is not described (there are: ${names}); choose one with \`-c stage=NAME\`, or add ${place(stage)}`,
  );
}

/**
 * Reads one stage from the `fleetkey:stages` table of the CDK context.
 * @throws Error that lists every problem at once, each with the value, its limit and the remedy.
 */
export function readStageConfiguration(stageName: unknown, stages: unknown): StageConfiguration {
  const stage = readStageName(stageName);
  const members = readMembers(stage, stages);
  const known = [...Object.keys(ranges), "account", "region"];
  const problems = Object.keys(members)
    .filter((member) => !known.includes(member))
    .map((member) => `${member} is unknown (there are: ${known.join(", ")}); remove it from ${place(stage)}`);
  const configuration = {
    stage,
    ...readText(stage, "account", members["account"], problems),
    ...readText(stage, "region", members["region"], problems),
    recoveryDays: readNumber(stage, "recoveryDays", members["recoveryDays"], problems),
    dataKeyRotationDays: readNumber(stage, "dataKeyRotationDays", members["dataKeyRotationDays"], problems),
  };
  if (problems.length > 0) throw new Error(`stage "${stage}" cannot be built:\n- ${problems.join("\n- ")}`);
  return configuration;
}
