import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { itemAttributes } from "../../../adapters/aws/dynamodb/table-schema.ts";
import cdkJson from "../../../cdk.json" with { type: "json" };
import { FleetKeyState } from "../../../infra/constructs/fleetkey-state.ts";
import { tableShape } from "../../support/dynamodb-table.ts";

interface DeployedTable {
  readonly AttributeDefinitions: readonly object[];
  readonly KeySchema: readonly object[];
  readonly GlobalSecondaryIndexes?: readonly object[];
  readonly TimeToLiveSpecification: object;
}

/** The items' own, which has indexes, and that of subject keys, which has none. */
function deployedTables(): { readonly items: DeployedTable; readonly subjectKeys: DeployedTable } {
  const stack = new Stack(new App({ context: cdkJson.context }), "State");
  new FleetKeyState(stack, "State");
  const found = Object.values(Template.fromStack(stack).findResources("AWS::DynamoDB::Table"));
  const tables = found.map((table) => table["Properties"] as DeployedTable);
  expect(tables).toHaveLength(2);
  const [items] = tables.filter((table) => table.GlobalSecondaryIndexes !== undefined);
  const [subjectKeys] = tables.filter((table) => table.GlobalSecondaryIndexes === undefined);
  if (items === undefined || subjectKeys === undefined) return expect.fail("the two tables are alike");
  return { items, subjectKeys };
}

describe("the table of a deployment is the one that the item store knows", () => {
  const { items: deployed, subjectKeys } = deployedTables();

  it("the same keys for subject keys", () => {
    expect(subjectKeys.KeySchema).toEqual(tableShape.KeySchema);
  });

  it("keys", () => {
    expect(deployed.KeySchema).toEqual(tableShape.KeySchema);
    expect(deployed.AttributeDefinitions).toEqual(expect.arrayContaining(tableShape.AttributeDefinitions));
    expect(deployed.AttributeDefinitions).toHaveLength(tableShape.AttributeDefinitions.length);
  });

  it("indexes, each of whole items", () => {
    expect(deployed.GlobalSecondaryIndexes).toEqual(tableShape.GlobalSecondaryIndexes);
  });

  it("time to live", () => {
    expect(deployed.TimeToLiveSpecification).toEqual({
      AttributeName: itemAttributes.expiresAt,
      Enabled: true,
    });
  });
});
