/** Room: infra. Reads members of the CDK context: every problem is collected, with the value, its limit and the remedy. */

/** Where members are read from, and what was wrong with them so far. */
export interface Place {
  /** Such as `context "fleetkey:stages" → "dev"`: what the reader of a message has to edit. */
  readonly name: string;
  readonly problems: string[];
}

export interface Range {
  readonly minimum: number;
  readonly maximum: number;
  readonly reason: string;
}

export interface Shape {
  readonly pattern: RegExp;
  /** Completes "… is not". */
  readonly limit: string;
}

/** Completes a message: what the value may be left out for. */
export type Otherwise = { readonly otherwise: string } | "required";

const show = (value: unknown): string => JSON.stringify(value) ?? "undefined";

function remedy(place: Place, otherwise: Otherwise): string {
  const removal = otherwise === "required" ? "" : `, or remove it for ${otherwise.otherwise},`;
  return `change it${removal} in ${place.name}`;
}

/** Records that `path` is not what it must be. */
export function report(
  place: Place,
  path: string,
  value: unknown,
  limit: string,
  otherwise: Otherwise = "required",
): void {
  const problem =
    value === undefined
      ? `${path} is missing; add ${limit} to ${place.name}`
      : `${path} ${show(value)} is not ${limit}; ${remedy(place, otherwise)}`;
  place.problems.push(problem);
}

export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The members of a JSON object; none, and a problem each, for what is no object or is not known. */
export function readTable(
  place: Place,
  path: string,
  value: unknown,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (!isTable(value)) {
    report(place, path, value, `a JSON object of ${known.join(", ")}`);
    return {};
  }
  for (const member of Object.keys(value).filter((name) => !known.includes(name))) {
    const name = path === "" ? member : `${path}.${member}`;
    place.problems.push(`${name} is unknown (there are: ${known.join(", ")}); remove it from ${place.name}`);
  }
  return value;
}

/** A whole number within `range`; `undefined` without a value, and with a problem after any other. */
export function readNumber(
  place: Place,
  path: string,
  value: unknown,
  { minimum, maximum, reason }: Range,
  otherwise: Otherwise,
): number | undefined {
  if (value === undefined && otherwise !== "required") return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= maximum)
    return value;
  report(place, path, value, `a whole number from ${minimum} to ${maximum} (${reason})`, otherwise);
  return undefined;
}

/** Text of that shape; `undefined` as `readNumber`. */
export function readText(
  place: Place,
  path: string,
  value: unknown,
  { pattern, limit }: Shape,
  otherwise: Otherwise,
): string | undefined {
  if (value === undefined && otherwise !== "required") return undefined;
  if (typeof value === "string" && pattern.test(value)) return value;
  report(place, path, value, limit, otherwise);
  return undefined;
}

/** One of `choices`; `undefined` as `readNumber`. */
export function readChoice<Choice extends string>(
  place: Place,
  path: string,
  value: unknown,
  choices: readonly Choice[],
  otherwise: Otherwise,
): Choice | undefined {
  if (value === undefined && otherwise !== "required") return undefined;
  const choice = choices.find((one) => one === value);
  if (choice === undefined) report(place, path, value, `one of ${choices.join(", ")}`, otherwise);
  return choice;
}
