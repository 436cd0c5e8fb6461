import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { StepFailure } from "../../scripts/deployment/failure.ts";
import { assertNothingIsLost, readDestructiveChanges } from "../../scripts/deployment/losses.ts";

/** What `cdk diff --method template --fail-on destructive` printed of the rehearsed stage: stdout, then stderr. */
function recorded(name: string): string {
  return readFileSync(`${import.meta.dirname}/differences/${name}.txt`, "utf8");
}

const read = (text: string) => readDestructiveChanges({ stdout: text, stderr: "" });

/** The failure of a deployment with the recorded differences. */
function refusal(name: string, accepted: readonly string[] = []): StepFailure | undefined {
  try {
    assertNothingIsLost(read(recorded(name)), accepted);
    return undefined;
  } catch (error) {
    if (error instanceof StepFailure) return error;
    throw error;
  }
}

const fleetIds = [
  "StateFleetpumpsAuthoritiesRoot17B4A69FB",
  "StateFleetpumpsAuthoritiesRoot1AliasBD19ED83",
  "StateFleetpumpsAuthoritiesIssuing1D33A31FF",
  "StateFleetpumpsAuthoritiesIssuing1Alias2755CFB2",
  "StateFleetpumpsProtectionKey9E4457AB",
  "StateFleetpumpsProtectionKeyAlias3F41E338",
];

describe("a deployment that would lose what the stage keeps", () => {
  it("by taking a fleet away: every key and alias is named, with the reason and the flag that lets it go", () => {
    const { message, remedy } = refusal("removed") ?? { message: "", remedy: "" };
    for (const id of fleetIds) expect(remedy).toContain(`--accept-loss ${id}`);
    expect(message).toContain(
      "AWS::KMS::Key State/Fleet-pumps/Authorities/Root1 StateFleetpumpsAuthoritiesRoot17B4A69FB will be orphaned: ",
    );
    expect(message).toContain("no other can take its place");
  });

  it("by another algorithm: the CDK finds nothing destructive, KMS cannot change the key", () => {
    expect(recorded("changed")).not.toContain("Found");
    expect(refusal("changed")?.message).toContain(
      "Fleet-default/Authorities/Root1 StateFleetdefaultAuthoritiesRoot1FCEB499F cannot change its KeySpec: ",
    );
  });

  it("by replacing: alias, table and bucket are named, a bucket's policy is not", () => {
    const message = refusal("replaced")?.message ?? "";
    for (const type of ["KMS::Alias", "DynamoDB::Table", "S3::Bucket"])
      expect(message).toMatch(new RegExp(`AWS::${type} \\S+ \\w+ will be replaced: `));
    expect(message).not.toContain("BucketPolicy");
  });

  it("goes on when every loss is named, and not when one is left", () => {
    expect(refusal("removed", fleetIds)).toBeUndefined();
    const left = refusal("removed", fleetIds.slice(1))?.remedy ?? "";
    expect(left.match(/--accept-loss \w+/g)).toEqual([`--accept-loss ${fleetIds[0]}`]);
    expect(refusal("changed", fleetIds)).toBeDefined();
  });
});

describe("differences", () => {
  it("that lose nothing are let through: a key's policy or description, a first deployment", () => {
    const harmless = `Stack Fleetkey-prod-State
Resources
[+] AWS::KMS::Key State/Fleet-b/Authorities/Root1 StateFleetbAuthoritiesRoot1FCEB499F
[~] AWS::KMS::Key State/DataKey StateDataKey12345678
 ├─ [~] Description
 │   ├─ [-] KeySpec
 │   └─ [+] Origin
 └─ [~] KeyPolicy
     └─ [~] .Statement:
`;
    expect(read(harmless)).toEqual([]);
  });

  it("that announce more than can be read are refused: an unread line could be a key", () => {
    const unread = recorded("removed").replaceAll(" will be orphaned", " leaves");
    expect(() => read(unread)).toThrow("announces 6 destructive changes and 3 of them can be read");
  });

  it("without a construct's path are read too", () => {
    const text = "Found 1 destructive change(s)\n  S: AWS::KMS::Key Key1 may be replaced\n";
    expect(read(text)).toEqual([
      { stack: "S", type: "AWS::KMS::Key", path: "", logicalId: "Key1", impact: "may be replaced" },
    ]);
  });
});
