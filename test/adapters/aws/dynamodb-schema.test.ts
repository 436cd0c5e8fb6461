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
  readonly GlobalSecondaryIndexes: readonly object[];
  readonly TimeToLiveSpecification: object;
}

function deployedTable(): DeployedTable {
  const stack = new Stack(new App({ context: cdkJson.context }), "State");
  new FleetKeyState(stack, "State");
  const tables = Object.values(Template.fromStack(stack).findResources("AWS::DynamoDB::Table"));
  expect(tables).toHaveLength(1);
  return tables[0]?.["Properties"] as DeployedTable;
}

describe("the table of a deployment is the one that the item store knows", () => {
  const deployed = deployedTable();

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
