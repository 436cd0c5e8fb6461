/**
 * Room: scripts. What a large fleet costs on one machine: fills a store on disk, asks it what people ask, rebuilds CRLs.
 * Prints Markdown; docs/scale.md has the figures and how to read them.
 *
 *     npm run scale [-- --certificates 1000000]
 *     npm run scale -- --arithmetic 49.2        # octets of a CRL an entry: the extrapolation alone, nothing is filled
 *
 * The store lies in a temporary directory, some 4 GB for a million, and is removed at the end.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { inventoryCounts, takeCensus } from "../core/distribution/census.ts";
import { settleMilliseconds } from "../core/distribution/census-fold.ts";
import { renderExtrapolation } from "./scale/extrapolation.ts";
import { type Filled, fill } from "./scale/fill.ts";
import { fleet, type House, openHouse } from "./scale/house.ts";
import { measureLists } from "./scale/lists.ts";
import { type Answered, timeQuestions } from "./scale/queries.ts";
import { table } from "./scale/timing.ts";

const { values } = parseArgs({
  options: { certificates: { type: "string", default: "1000000" }, arithmetic: { type: "string" } },
});
const large = Number(values.certificates);
const small = 10_000;

const megabytes = (octets: number): string => `${Math.round(octets / 1_000_000)} MB`;
const peak = (): string => megabytes(process.resourceUsage().maxRSS * 1_024);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Until all is counted that has settled by now. @returns Seconds. */
async function census({ app }: House): Promise<number> {
  const begin = performance.now();
  const settled = app.clock.now() - 2 * settleMilliseconds;
  do await takeCensus(app, fleet, Number.POSITIVE_INFINITY);
  while (Date.parse((await inventoryCounts(app, { fleet })).asOf) < settled);
  return (performance.now() - begin) / 1_000;
}

interface Filling {
  readonly filled: Filled;
  readonly facts: readonly string[];
}

const factNames = [
  "certificates",
  "revoked",
  "filled in",
  "counted in (all of it, once)",
  "database",
  "peak memory",
];

async function fillAndCount(house: House, count: number): Promise<Filling> {
  let told = 0;
  const filled = await fill(house, count, (done) => {
    if (done - told < 50_000) return;
    told = done;
    say(`${done} of ${count} certificates, peak ${peak()}`);
  });
  const counted = await census(house);
  const { size } = await stat(join(house.directory, "fleetkey.sqlite"));
  const facts = [
    `${filled.certificates}`,
    `${filled.revoked}`,
    `${filled.seconds.toFixed(0)} s`,
    `${counted.toFixed(1)} s`,
    megabytes(size),
    peak(),
  ];
  return { filled, facts };
}

const milliseconds = (time: number | undefined): string => (time ?? Number.NaN).toFixed(2);

function searches(answered: readonly Answered[]): string {
  const rows = answered.map(({ name, samples, timings: [fewer, many] }) => [
    name,
    `${samples}`,
    ...[fewer?.p50, fewer?.p99, many?.p50, many?.p99].map(milliseconds),
  ]);
  return table([["a page of 100", "samples", `p50 of ${small}`, "p99", `p50 of ${large}`, "p99"], ...rows]);
}

async function report(fewer: House, many: House): Promise<string> {
  const before = await fillAndCount(fewer, small);
  const after = await fillAndCount(many, large);
  say("filled and counted; asking");
  const answered = await timeQuestions([
    [fewer, before.filled],
    [many, after.filled],
  ]);
  const afterQuestions = peak();
  say("asked; publishing");
  const lists = await measureLists(many, after.filled.revoked);
  const facts = factNames.map((name, at) => [name, before.facts[at] ?? "", after.facts[at] ?? ""]);
  return [
    "## The store",
    table([["", `${small}`, `${large}`], ...facts]),
    "## Searches, in milliseconds",
    searches(answered),
    `Peak memory after them: ${afterQuestions}.`,
    "## Lists",
    lists.text,
    `Peak memory at the end: ${peak()}.`,
    renderExtrapolation(lists.octetsPerEntry),
  ].join("\n\n");
}

async function measured(): Promise<string> {
  const houses = [await openHouse(), await openHouse()] as const;
  try {
    return await report(...houses);
  } finally {
    for (const house of houses) await house.close();
  }
}

const { arithmetic } = values;
process.stdout.write(
  `${arithmetic === undefined ? await measured() : renderExtrapolation(Number(arithmetic))}\n`,
);
