/** Room: scripts. docs/costs.md: the cost table with its arithmetic, made from the figures in code. */
import { profiles } from "../../core/standard/profiles.ts";
import { kmsSymmetric, type Price, type PriceId, priceRegion, prices, pricesOf } from "./prices.ts";
import { assumptions, dataKeyRequest, deployed, monthlyActs, monthlyUsage } from "./usage.ts";
import { type Act, acts, writeUnits, writeUnitsOf } from "./writes.ts";

/** Devices of each column of the table. */
export const fleetSizes = [0, 10_000, 1_000_000, 10_000_000] as const;

type Row = readonly string[];

function table(head: Row, rows: readonly Row[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: Row): string => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
const dollars = (value: number): string =>
  value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Figures below a hundred keep three places: a hundredth of a gigabyte is a figure too. */
const quantity = (value: number): string =>
  value < 100 ? value.toLocaleString("en-US", { maximumFractionDigits: 3 }) : whole(value);

/** US dollars a month for one price. */
export function monthlyCost(id: PriceId, devices: number): number {
  const { usd, per }: Price = prices[id];
  return (monthlyUsage(devices)[id] * usd) / per;
}

const ids = Object.keys(prices) as PriceId[];

/** US dollars a month, all prices together. */
export function monthlyTotal(devices: number): number {
  return ids.reduce((sum, id) => sum + monthlyCost(id, devices), 0);
}

const sizeNames = ["idle", "10 k devices", "1 M devices", "10 M devices"];

const perDevice = (devices: number): string =>
  devices === 0 ? "" : ((12 * monthlyTotal(devices)) / devices).toFixed(4);

/** The totals alone, as docs/deploy.md shows them: a Markdown table without a trailing newline. */
export function renderCostSummary(): string {
  return table(
    ["US dollars", ...sizeNames],
    [
      ["a month", ...fleetSizes.map((devices) => dollars(monthlyTotal(devices)))],
      ["a device and year", ...fleetSizes.map(perDevice)],
    ],
  );
}

function totals(): string {
  return table(
    ["US dollars a month", ...sizeNames],
    [
      ...ids.map((id) => [prices[id].of, ...fleetSizes.map((devices) => dollars(monthlyCost(id, devices)))]),
      ["**all**", ...fleetSizes.map((devices) => `**${dollars(monthlyTotal(devices))}**`)],
      ["a device and year", ...fleetSizes.map(perDevice)],
    ],
  );
}

function arithmetic(): string {
  const usage = fleetSizes.map((devices) => monthlyUsage(devices));
  return table(
    ["units a month", "price", ...sizeNames],
    ids.map((id) => {
      const { of, usd, per, unit }: Price = prices[id];
      const price = `$${usd} for ${per === 1 ? "one" : whole(per)} ${unit}`;
      return [of, price, ...usage.map((units) => quantity(units[id]))];
    }),
  );
}

function actTable(name: string, act: Act): string {
  const writes = act.transactions.flatMap((writesOf, index) =>
    writesOf.map((write) => [
      `${index + 1}`,
      write.item,
      whole(write.octets),
      `${write.indexWrites}`,
      `${writeUnits(write)}`,
    ]),
  );
  return [
    `${name}: ${writeUnitsOf(act)} write request units, ${act.reads} read request units.`,
    table(["transaction", "item", "octets", "index writes", "units"], writes),
  ].join("\n\n");
}

const million = 1_000_000;

/** US dollars of a million requests about data keys, none of them spared by a cache. */
function millionDataKeys(): number {
  const { milliseconds, reads, writeUnits, kmsRequests } = dataKeyRequest;
  const units: readonly (readonly [Price, number])[] = [
    [prices.httpApi, million],
    [prices.lambdaRequest, million],
    [prices.lambdaDuration, (million * milliseconds * deployed.protectionMegabytes) / 1000 / 1024],
    [prices.dynamoRead, million * reads],
    [prices.dynamoWrite, million * writeUnits],
    [prices.logIngestion, (million * assumptions.logOctetsPerRequest) / 1_000_000_000],
    [kmsSymmetric, million * kmsRequests],
  ];
  return units.reduce((sum, [{ usd, per }, count]) => sum + (count * usd) / per, 0);
}

function assumed(): string {
  const { defaultDays, renewAfterFraction } = profiles.device;
  const { renewals, enrolments } = monthlyActs(1_000_000);
  const of = assumptions;
  return [
    `- A device certificate is valid for ${defaultDays} days and renewed after ${renewAfterFraction.toFixed(2)} of them: ` +
      `every ${of.daysBetweenRenewals} days. A million devices renew ${whole(renewals)} times a month.`,
    `- A device serves ${of.yearsOfService} years, so a million devices bring ${whole(enrolments)} enrolments a month, ` +
      "each with a token that a pipeline asks of the provisioning function.",
    `- A device reads its trust bundle ${of.trustReadsPerMonth} times a month from CloudFront, ${whole(of.trustOctets)} octets each.`,
    `- One KMS Sign a certificate, with an ECC issuing key. Retries are answered from the record and sign nothing.`,
    `- The enrolment function has ${whole(deployed.issuanceMegabytes)} MB, publication ${whole(deployed.publicationMegabytes)}, the others ${deployed.otherMegabytes}. Issuing takes ` +
      `${of.issuanceMilliseconds} ms, making a token ${of.otherMilliseconds} ms, a run of a scheduled task ${of.runMilliseconds} ms: assumed, not measured on AWS.`,
    `- ${whole(of.logOctetsPerRequest)} octets of log a request, ${of.logOctetsPerRun} a run of a scheduled task. CloudWatch stores a fifth of that, ` +
      "for six years: the table shows the end of the first year.",
    `- No certificate record is ever deleted: the table shows the end of the first year, and each year adds as much.`,
    `- ${of.backupCopies} daily copies of the table are kept, each of them whole. This is the largest line of a large fleet: ` +
      "see `recoveryDays` and the backup plan in [deploy.md](deploy.md#backup-and-restore) before you grow.",
    `- One fleet. Every further fleet adds ${deployed.signingKeysOfFleet + deployed.encryptingKeysOfFleet} keys: ${deployed.signingKeysOfFleet} that sign, and the one under which subject keys and its backends' data keys are wrapped.`,
    "- Keys that encrypt are rotated yearly; KMS bills the first two rotations. The table shows one rotation.",
    "- Left out, since you alone know how often others ask: OCSP. A question costs what a request to a function of 512 MB costs, and one Sign when no " +
      "answer is kept: once in six hours for each certificate, and each time for a question with a nonce.",
    "- Left out, since your backends alone know how often they ask: protecting data. A million requests about data keys cost at most " +
      `${dollars(millionDataKeys())} dollars (${dataKeyRequest.milliseconds} ms of ${whole(deployed.protectionMegabytes)} MB, one request of KMS, ${dataKeyRequest.reads} reads, an audit entry, a log line); ` +
      "a client of ours asks once a minute for each context, however many records it protects.",
    "- Left out, being cents: signatures of revocation lists and trust manifests, operators' sessions and approvals, KMS calls of AWS services under our data keys, S3, SNS, SQS, EventBridge rules, Route 53. " +
      "Left out, being yours: CloudTrail, GuardDuty, support, tax.",
  ].join("\n");
}

/** docs/costs.md, whole: Markdown, one trailing newline. The same text for the same figures. */
export function renderCosts(): string {
  return `${[
    "<!-- Generated from scripts/costs by `npm run docs`; do not edit. -->",
    "# What a deployment costs",
    `List prices of ${priceRegion} as of ${pricesOf}, on demand, without free tier, discounts or tax. Prices change: ` +
      "compare them with AWS's price pages before you rely on a figure. Stages without `artifacts` save the WAF and CloudFront " +
      "lines, and one KMS key with its rotation: that of the firewall's log.",
    totals(),
    "## Assumptions",
    assumed(),
    "## Arithmetic",
    "A line of the first table is the units below, divided by the price's units, times its dollars.",
    arithmetic(),
    "## What one act writes",
    "A write request unit is 1 KB begun; in a transaction two. Writes to indexes are counted twice too, which is the " +
      "most they can cost. test/infra/costs.test.ts runs each act and compares.",
    actTable("A token", acts.token),
    actTable("An enrolment", acts.enrolment),
    actTable("A renewal", acts.renewal),
  ].join("\n\n")}\n`;
}
