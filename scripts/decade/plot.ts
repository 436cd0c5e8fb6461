/** Room: scripts. The decade as a picture: authorities, renewals and trust over one axis of years. SVG, drawn by hand. */
import type { Outcome, RolloverSeen } from "./ledger.ts";

const width = 960;
const left = 96;
const right = 24;
const laneHeight = 16;
const top = 48;
const inner = width - left - right;
const plotHeight = 150;
const gap = 46;
const firstYear = 2027;

const ink = "#1f2933";
const faint = "#d5dbe1";
const colours = {
  waiting: "#f2c14e",
  active: "#2a7f62",
  draining: "#9db4c0",
  peak: "#b23a48",
  trust: "#3d5a80",
};

type Scale = (days: number) => number;

const text = (x: number, y: number, content: string, more = ""): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${content}</text>`;
const line = (x1: number, y1: number, x2: number, y2: number, colour: string): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${colour}"/>`;

function bar(x: Scale, from: number, to: number, y: number, colour: string): string {
  const span = Math.max(0.8, x(to) - x(from));
  return `<rect x="${x(from).toFixed(1)}" y="${y}" width="${span.toFixed(1)}" height="${laneHeight - 5}" fill="${colour}"/>`;
}

interface Life {
  readonly id: string;
  readonly published: number;
  readonly active: number;
  readonly draining: number;
  readonly retired: number;
}

/** Of an authority: from the rollover that brought it to the one that ended it. */
function lives({ rollovers, days }: Outcome): readonly Life[] {
  const ids = ["root-1", "issuing-1", ...rollovers.map(({ to }) => to)];
  const by = (member: "from" | "to", id: string): RolloverSeen | undefined =>
    rollovers.find((each) => each[member] === id);
  return ids
    .map((id) => {
      const [first, last] = [by("to", id)?.entered, by("from", id)?.entered];
      return {
        id,
        published: first === undefined ? 0 : (first["published"] ?? days),
        active: first === undefined ? 0 : (first["active"] ?? days),
        draining: last?.["active"] ?? days,
        retired: last?.["retired"] ?? days,
      };
    })
    .toSorted((one, other) => Number(other.id.startsWith("root")) - Number(one.id.startsWith("root")));
}

function lanes(outcome: Outcome, x: Scale): readonly string[] {
  return lives(outcome).flatMap(({ id, published, active, draining, retired }, index) => {
    const y = top + index * laneHeight;
    return [
      text(left - 8, y + 10, id, 'text-anchor="end"'),
      ...(active > published ? [bar(x, published, active, y, colours.waiting)] : []),
      bar(x, active, Math.max(active, draining), y, colours.active),
      ...(retired > draining ? [bar(x, draining, retired, y, colours.draining)] : []),
    ];
  });
}

interface Curve {
  readonly title: string;
  readonly values: readonly number[];
  readonly highest: number;
  readonly marks: readonly number[];
  readonly unit: string;
  readonly colour: string;
  readonly limit?: number;
}

function curve(
  { title, values, highest, marks, unit, colour, limit }: Curve,
  x: Scale,
  y: number,
): readonly string[] {
  const height = (value: number): number => y + plotHeight * (1 - Math.min(1, value / highest));
  const points = values.map((value, day) => `${x(day).toFixed(1)},${height(value).toFixed(1)}`).join(" ");
  return [
    text(left, y - 10, title, 'font-weight="bold"'),
    ...marks.flatMap((mark) => [
      line(left, height(mark), left + inner, height(mark), mark === limit ? colours.peak : faint),
      text(left - 8, height(mark) + 4, `${mark}${unit}`, 'text-anchor="end"'),
    ]),
    `<polyline fill="none" stroke="${colour}" stroke-width="0.7" points="${points}"/>`,
  ];
}

function years({ days }: Outcome, x: Scale, bottom: number): readonly string[] {
  const lines: string[] = [];
  for (let year = firstYear; ; year += 1) {
    const at = (Date.UTC(year, 0, 1) - Date.UTC(firstYear, 0, 1)) / 86_400_000;
    if (at >= days) return lines;
    lines.push(line(x(at), top - 6, x(at), bottom, faint), text(x(at) + 3, bottom + 14, String(year)));
  }
}

function legend(): readonly string[] {
  const entries = [
    ["published, waits for the fleet", colours.waiting],
    ["active", colours.active],
    ["draining", colours.draining],
  ] as const;
  return entries.flatMap(([name, colour], index) => [
    `<rect x="${left + index * 230}" y="16" width="12" height="12" fill="${colour}"/>`,
    text(left + 18 + index * 230, 26, name),
  ]);
}

/** A whole SVG document, for white backgrounds. */
export function drawDecade(outcome: Outcome): string {
  const x: Scale = (days) => left + (inner * days) / outcome.days;
  const firstPlot = top + lives(outcome).length * laneHeight + gap;
  const secondPlot = firstPlot + plotHeight + gap;
  const bottom = secondPlot + plotHeight;
  const peaks = outcome.daily.map(({ peak }) => peak);
  const highest = Math.max(3, Math.ceil(Math.max(...peaks)));
  const upToDate = outcome.daily.map((day) => day.upToDate * 100);
  const renewals = {
    title: "Renewals in the busiest hour of each day, % of the fleet",
    ...{ values: peaks, highest, unit: " %", colour: colours.trust, limit: 2 },
    marks: [0, 2, ...(highest > 4 ? [Math.floor(highest / 2), highest] : [])],
  };
  const trust = {
    title: "Devices that hold the newest trust manifest at midnight, %",
    values: upToDate,
    highest: 100,
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 28}" font-family="sans-serif" font-size="11" fill="${ink}">`,
    "<title>Authorities, renewals an hour and trust of a fleet over a simulated decade</title>",
    `<rect width="${width}" height="${bottom + 28}" fill="#ffffff"/>`,
    ...legend(),
    ...years(outcome, x, bottom),
    ...lanes(outcome, x),
    ...curve(renewals, x, firstPlot),
    ...curve({ ...trust, marks: [0, 50, 100], unit: " %", colour: colours.active }, x, secondPlot),
    "</svg>",
    "",
  ].join("\n");
}
