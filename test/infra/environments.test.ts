/** Room: test/infra. What functions are told of their stage, at its largest: Lambda takes 4 KB, measured as JSON. */
import { describe, expect, it } from "vitest";
import { ofType, type Resource, synthesise } from "./synthesised-stage.ts";

/** What CloudFormation puts in the place of a reference, as long as it can be. */
const longest: readonly (readonly [name: RegExp, value: string])[] = [
  [/_(?:TABLE|FUNCTION)$/, "f".repeat(75)],
  [/_BUCKET$/, "b".repeat(63)],
  [/_(?:TOPIC_ARN|ROLE)$/, "a".repeat(130)],
];

const keyId = "1234abcd-12ab-34cd-56ef-1234567890ab";

function deployedValue(name: string, value: string): string {
  const stood = longest.find(([pattern]) => pattern.test(name));
  if (stood !== undefined) return stood[1];
  return value
    .replaceAll(/State[A-Za-z0-9]+\.Arn/g, keyId)
    .replace(/"prefix":"[^"]*"/, '"prefix":"arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/"');
}

function octetsOf({ Properties }: Resource): number {
  const { Variables = {} } = (Properties["Environment"] ?? {}) as {
    Variables?: Readonly<Record<string, string>>;
  };
  const entries = Object.entries(Variables).map(([name, value]) => [name, deployedValue(name, value)]);
  return Buffer.byteLength(JSON.stringify(Object.fromEntries(entries)));
}

const stages: readonly {
  readonly name: string;
  readonly count: number;
  readonly of: string;
  keys: object;
}[] = [
  { name: "thirty fleets", count: 30, of: "a-fleet-of-20-chars-", keys: {} },
  {
    name: "seventeen whose names are as long as they may be, with two keys that wrap each",
    count: 17,
    of: "fleet-with-a-name-of-32-chars-",
    keys: { protection: 2 },
  },
];

describe("the environment of each function", () => {
  it.each(stages)("Lambda: 4,096 octets of JSON hold $name", ({ count, of, keys }) => {
    const fleet = { trustDomain: "e.org", keys };
    const names = Array.from({ length: count }, (_, i) => `${of}${10 + i}`);
    const { api } = synthesise({ fleets: Object.fromEntries(names.map((name) => [name, fleet])) });
    const functions = ofType(api, "AWS::Lambda::Function");
    const lengths = functions.map(([id, resource]) => ({ id, octets: octetsOf(resource) }));
    expect(lengths.length).toBeGreaterThan(10);
    expect(Math.max(...lengths.map(({ octets }) => octets))).toBeGreaterThan(3_500);
    expect(lengths.filter(({ octets }) => octets > 4_096)).toEqual([]);
  });
});
