/**
 * Room: core/access. The very operation that an approval is for, as one digest: who reads it knows exactly what was
 * approved, and whoever changes one character of it has another digest.
 */
import { hash } from "node:crypto";
import { AppError } from "../errors.ts";

export interface Operation {
  readonly fleet: string;
  /** Id of the route. */
  readonly operation: string;
  /** Path parameters but the fleet. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The body as JSON.parse gave it. */
  readonly body: unknown;
}

const maximumDepth = 16;

/** Members sorted by their names, no white space: one text for one value, as RFC 8785 §3.2 has it for such values. */
export function canonicalJson(value: unknown, depth = 0): string {
  if (depth > maximumDepth)
    throw new AppError("request_invalid", `body is nested deeper than ${maximumDepth} levels; flatten it`);
  if (value === null || typeof value !== "object") return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return `[${value.map((each) => canonicalJson(each, depth + 1)).join(",")}]`;
  const members = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, each]) => `${JSON.stringify(name)}:${canonicalJson(each, depth + 1)}`);
  return `{${members.join(",")}}`;
}

/** SHA-256 in lowercase hexadecimal. @throws AppError request_invalid (nested too deeply). */
export function operationDigest({ fleet, operation, parameters, body }: Operation): string {
  return hash("sha256", `fleetkey operation 1\n${canonicalJson({ fleet, operation, parameters, body })}`);
}
