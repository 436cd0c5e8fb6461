/** Room: scripts/rehearsal. The end of a deployment: its code goes, its keys and records stay. */
import { createPublicKey, randomBytes, verify } from "node:crypto";
import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import {
  DescribeKeyCommand,
  GetPublicKeyCommand,
  SignCommand,
  type SigningAlgorithmSpec,
} from "@aws-sdk/client-kms";
import { ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { outputOf, runCdk } from "../deployment/cdk.ts";
import { stackNames } from "../deployment/stage.ts";
import { connected, type RehearsedStage, signingKeys } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

const destroy = ({ assembly, emulator }: RehearsedStage, stack: string) =>
  runCdk(["destroy", stack, "--force", "--exclusively", "--app", assembly.directory], {
    env: emulator.env,
    isShown: false,
  });

/** Fails unless the key signs a new message and its own public key verifies it. */
async function expectSignature({ clients: { kms } }: RehearsedStage, KeyId: string): Promise<void> {
  const { PublicKey = new Uint8Array(), SigningAlgorithms = [] } = await kms.send(
    new GetPublicKeyCommand({ KeyId }),
  );
  const SigningAlgorithm: SigningAlgorithmSpec | undefined = SigningAlgorithms[0];
  const Message = randomBytes(32);
  const request = { KeyId, Message, MessageType: "RAW", SigningAlgorithm } as const;
  const { Signature = new Uint8Array() } = await kms.send(new SignCommand(request));
  const key = createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
  const digest = `sha${SigningAlgorithm?.split("_").at(-1)}`;
  expectThat(verify(digest, Message, key, Signature), `${KeyId}: its signature does not verify`);
}

/** Fails unless both signing keys are there to sign and the table has its items; an alias goes with its stack. */
async function expectState(stage: RehearsedStage, keys: readonly string[], signs: boolean): Promise<void> {
  const { clients, outputs } = stage;
  for (const KeyId of keys) {
    const { KeyMetadata } = await clients.kms.send(new DescribeKeyCommand({ KeyId }));
    expectThat(KeyMetadata?.KeyState === "Enabled", `${KeyId} is ${KeyMetadata?.KeyState}`);
    if (signs) await expectSignature(stage, KeyId);
  }
  const TableName = outputOf(outputs, stackNames(stage.stage).state, "ItemTable");
  const { Table } = await clients.dynamodb.send(new DescribeTableCommand({ TableName }));
  expectThat(
    Table?.TableStatus === "ACTIVE" && (Table.ItemCount ?? 0) > 0,
    `${TableName}: ${Table?.TableStatus}, ${Table?.ItemCount} items`,
  );
}

async function expectNoApi(stage: RehearsedStage): Promise<void> {
  const { Functions = [] } = await stage.clients.lambda.send(new ListFunctionsCommand({}));
  expectThat(Functions.length === 0, `${Functions.length} functions are left`);
  const { status } = await connected(stage, undefined, ({ client }) =>
    client.send({ method: "GET", path: "/healthz" }),
  );
  expectThat(status === 404, `/healthz answers ${status}`);
}

/** @param signs Whether the caller may sign: with IAM the keys' policies let their functions' roles alone, which are gone by then. */
export async function rehearseTearDown(
  stage: RehearsedStage,
  report: Report,
  { signs }: { readonly signs: boolean },
): Promise<void> {
  const names = stackNames(stage.stage);
  const keys = await signingKeys(stage);
  const what = signs
    ? "both keys sign, and the table has its items"
    : "keys are enabled, and the table has its items";
  await report.check("cdk destroy takes the API and the functions away", async () => {
    await destroy(stage, names.api);
    await expectNoApi(stage);
  });
  await report.check(`${what}, without it`, () => expectState(stage, keys, signs));
  await report.check(`${what}, even when the state's stack is destroyed`, async () => {
    await destroy(stage, names.state);
    await expectState(stage, keys, signs);
  });
}
