/**
 * Room: scripts. A fleet's decade on a clock that is moved. Prints Markdown for docs/rotation.md, and draws its plot.
 *
 *     npm run decade [-- --devices 10000 --days 3653]     # the same in every run; some twenty minutes
 *     npm run decade -- --keep FILE                       # keeps what came out, as JSON
 *     npm run decade -- --from FILE                       # prints and draws that again
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { decadeOptions } from "./decade/options.ts";
import { drawDecade } from "./decade/plot.ts";
import { fromText, renderOutcome, toText } from "./decade/report.ts";
import { simulate } from "./decade/simulation.ts";

const { values } = parseArgs({
  options: {
    devices: { type: "string", default: "10000" },
    days: { type: "string", default: "3653" },
    keep: { type: "string" },
    from: { type: "string" },
    plot: { type: "string", default: join(import.meta.dirname, "../docs/rotation-decade.svg") },
  },
});

const begin = performance.now();
const seconds = (): string => ((performance.now() - begin) / 1_000).toFixed(0);

const progress = (day: number): void => {
  if (day % 100 === 0) process.stderr.write(`day ${day}, ${seconds()} s\n`);
};

const outcome =
  values.from === undefined
    ? await simulate({
        ...decadeOptions,
        devices: Number(values.devices),
        days: Number(values.days),
        progress,
      })
    : fromText(await readFile(values.from, "utf8"));
if (values.keep !== undefined) await writeFile(values.keep, toText(outcome));
await writeFile(values.plot, drawDecade(outcome));
process.stdout.write(`${renderOutcome(outcome)}\n`);
process.stderr.write(`${seconds()} s\n`);
