/** Room: scripts/rehearsal. The end of a deployment: its code goes, its keys and records stay. */
import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import { DescribeKeyCommand } from "@aws-sdk/client-kms";
import { ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { outputOf, runCdk } from "../deployment/cdk.ts";
import { stackNames } from "../deployment/stage.ts";
import type { RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

const destroy = ({ assembly, emulator }: RehearsedStage, stack: string) =>
  runCdk(["destroy", stack, "--force", "--exclusively", "--app", assembly.directory], {
    env: emulator.env,
    isShown: false,
  });

/** Fails unless both signing keys sign on and the table is there; an alias goes with its stack. */
async function expectState(stage: RehearsedStage, keys: readonly string[]): Promise<void> {
  const { clients, outputs } = stage;
  for (const KeyId of keys) {
    const { KeyMetadata } = await clients.kms.send(new DescribeKeyCommand({ KeyId }));
    expectThat(KeyMetadata?.KeyState === "Enabled", `${KeyId} is ${KeyMetadata?.KeyState}`);
  }
  const TableName = outputOf(outputs, stackNames(stage.stage).state, "ItemTable");
  const { Table } = await clients.dynamodb.send(new DescribeTableCommand({ TableName }));
  expectThat(
    Table?.TableStatus === "ACTIVE" && (Table.ItemCount ?? 0) > 0,
    `${TableName}: ${Table?.TableStatus}`,
  );
}

async function signingKeys({ clients, stage, fleet }: RehearsedStage): Promise<readonly string[]> {
  const aliases = ["root-1", "issuing-1"].map((name) => `alias/fleetkey/${stage}/${fleet.fleet}-${name}`);
  const found = aliases.map(async (KeyId) => {
    const { KeyMetadata } = await clients.kms.send(new DescribeKeyCommand({ KeyId }));
    return KeyMetadata?.KeyId ?? "";
  });
  return Promise.all(found);
}

export async function rehearseTearDown(stage: RehearsedStage, report: Report): Promise<void> {
  const names = stackNames(stage.stage);
  const keys = await signingKeys(stage);
  await report.check("cdk destroy takes the API away", async () => {
    await destroy(stage, names.api);
    const { Functions = [] } = await stage.clients.lambda.send(new ListFunctionsCommand({}));
    expectThat(Functions.length === 0, `${Functions.length} functions are left`);
  });
  await report.check("keys and table are there without it", () => expectState(stage, keys));
  await report.check("they are retained even when the state's stack is destroyed", async () => {
    await destroy(stage, names.state);
    await expectState(stage, keys);
  });
}
