import { describe, expect, it } from "vitest";
import { wrappingKeyArns } from "../../lambdas/protection/wrapping-key-arns.ts";

const prefix = "arn:aws:kms:eu-central-1:000000000000:key/";
const id = "1234abcd-12ab-34cd-56ef-1234567890ab";

describe("wrapping keys of a deployment", () => {
  it("are ARNs by fleet, the one in force first", () => {
    const text = JSON.stringify({ prefix, fleets: { pumps: [id, "older"], scales: ["mrk-1"] } });
    expect(wrappingKeyArns(text)).toEqual({
      pumps: [`${prefix}${id}`, `${prefix}older`],
      scales: [`${prefix}mrk-1`],
    });
  });

  it("of a partition of AWS's own are read as well", () => {
    const china = "arn:aws-cn:kms:cn-north-1:000000000000:key/";
    expect(wrappingKeyArns(JSON.stringify({ prefix: china, fleets: { pumps: [id] } }))).toEqual({
      pumps: [`${china}${id}`],
    });
  });

  it.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["a list", "[]"],
    ["no prefix", JSON.stringify({ fleets: { pumps: [id] } })],
    ["a prefix that is an alias's", JSON.stringify({ prefix: `${prefix.slice(0, -4)}alias/`, fleets: {} })],
    ["a fleet without keys", JSON.stringify({ prefix, fleets: { pumps: [] } })],
    ["an ARN in the place of an id", JSON.stringify({ prefix, fleets: { pumps: [`${prefix}${id}`] } })],
    ["an id that leads elsewhere", JSON.stringify({ prefix, fleets: { pumps: ["../alias/other"] } })],
    ["a key that is no text", JSON.stringify({ prefix, fleets: { pumps: [1] } })],
  ])("%s is refused, and the value is not repeated", (_name, text) => {
    expect(() => wrappingKeyArns(text)).toThrow(
      "FLEETKEY_WRAPPING_KEYS is no JSON of ids of KMS keys by fleet; deploy the function with its stack",
    );
  });
});
