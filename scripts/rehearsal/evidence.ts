/** Room: scripts/rehearsal. What a certificate leaves behind: its key in KMS, its items in DynamoDB, and no secret in a log. */
import { createPublicKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ScanCommand, type ScanCommandInput, type ScanCommandOutput } from "@aws-sdk/client-dynamodb";
import { GetPublicKeyCommand } from "@aws-sdk/client-kms";
import { outputOf } from "../deployment/cdk.ts";
import { repository, runCommand } from "../deployment/command.ts";
import { stackNames } from "../deployment/stage.ts";
import { invokeTask } from "../deployment/tasks.ts";
import type { LivedDevice } from "./device-life.ts";
import { functionOf, type RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

async function publicKeyOf({ stage, clients, fleet }: RehearsedStage, authority: string): Promise<Buffer> {
  const KeyId = `alias/fleetkey/${stage}/${fleet.fleet}-${authority}`;
  const { PublicKey = new Uint8Array() } = await clients.kms.send(new GetPublicKeyCommand({ KeyId }));
  return createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" }).export({
    type: "spki",
    format: "der",
  });
}

/** The chain's own keys are KMS's, and every signature in it verifies with them. */
async function signedInKms(stage: RehearsedStage, { directory }: LivedDevice): Promise<void> {
  const leaf = new X509Certificate(await readFile(join(directory, "device.crt")));
  const issuing = new X509Certificate(await readFile(join(directory, "chain.pem")));
  const root = new X509Certificate(stage.fleet.root);
  for (const [certificate, authority] of [
    [issuing, "issuing-1"],
    [root, "root-1"],
  ] as const) {
    const inKms = await publicKeyOf(stage, authority);
    const inCertificate = certificate.publicKey.export({ type: "spki", format: "der" });
    expectThat(inCertificate.equals(inKms), `the key of ${authority} is not the one in KMS`);
  }
  expectThat(leaf.verify(issuing.publicKey), "the device's certificate is not signed by the issuing key");
  expectThat(issuing.verify(root.publicKey), "the issuing certificate is not signed by the root key");
}

async function allItems({ clients, outputs, stage }: RehearsedStage): Promise<string> {
  const TableName = outputOf(outputs, stackNames(stage).state, "ItemTable");
  const pages: string[] = [];
  let ExclusiveStartKey: ScanCommandInput["ExclusiveStartKey"];
  do {
    const request = { TableName, ...(ExclusiveStartKey && { ExclusiveStartKey }) };
    const page: ScanCommandOutput = await clients.dynamodb.send(new ScanCommand(request));
    pages.push(JSON.stringify(page.Items ?? []));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return pages.join("\n");
}

const readLogs = `
import boto3, json
logs = boto3.client("logs")
for group in logs.get_paginator("describe_log_groups").paginate().search("logGroups[].logGroupName"):
    for event in logs.get_paginator("filter_log_events").paginate(logGroupName=group).search("events[]"):
        print(json.dumps([group, event["message"]]))
`;

/** Every line of every log group; boto3 came with the emulator. */
async function allLogs({ emulator, directory }: RehearsedStage): Promise<readonly [string, string][]> {
  const python = join(repository, ".judges/python/bin/python");
  const env = { ...emulator.env, AWS_CA_BUNDLE: join(directory, "ca.pem"), PYTHONDONTWRITEBYTECODE: "1" };
  const { code, stdout, stderr } = await runCommand(python, ["-c", readLogs], { env });
  expectThat(code === 0, stderr.slice(-500));
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as [string, string]);
}

/** A request by its octets, however the line breaks fell. */
function tellTales(secret: string): readonly string[] {
  const middle = secret.replace(/-----[^-]+-----/g, "").replaceAll(/\s/g, "");
  return [middle.slice(0, 40), middle.slice(40, 80)].filter((text) => text.length > 20);
}

async function logsHoldNoSecret(stage: RehearsedStage): Promise<string> {
  const lines = await allLogs(stage);
  const requests = lines.filter(
    ([group, text]) => group.startsWith("/fleetkey/") && text.includes('"request"'),
  );
  expectThat(requests.length > 0, "no function has logged a request: there is nothing to judge");
  const secrets = [...stage.secrets.flatMap(tellTales), "BEGIN CERTIFICATE", "BEGIN PRIVATE"];
  const telling = lines.find(([, text]) =>
    secrets.some((secret) => text.replaceAll(/\\n|\s/g, "").includes(secret.replaceAll(" ", ""))),
  );
  expectThat(telling === undefined, `${telling?.[0]} holds a token, a request or a certificate`);
  return `${lines.length} lines of ${new Set(lines.map(([group]) => group)).size} groups`;
}

/** Lines that `task` wrote of a run: the schedule's and ours. */
async function runsOf(stage: RehearsedStage, duty: string): Promise<number> {
  const lines = await allLogs(stage);
  return lines.filter(([group, text]) => group.endsWith(`/${duty}`) && text.startsWith("START")).length;
}

export async function rehearseEvidence(
  stage: RehearsedStage,
  device: LivedDevice,
  report: Report,
): Promise<void> {
  await report.check("the issuing and the root key are those of KMS, and signed the chain", () =>
    signedInKms(stage, device),
  );
  await report.check("both certificates are on record, the token is not", async () => {
    const items = await allItems(stage);
    for (const serialNumber of device.serialNumbers) {
      expectThat(items.includes(serialNumber), `serial ${serialNumber} is in no item`);
    }
    expectThat(!stage.secrets.some((secret) => items.includes(secret)), "a token lies in the table");
  });
  await report.check("reconciliation runs when it is invoked, and finds nothing unfinished", async () => {
    const found = await invokeTask(stage.clients.lambda, await functionOf(stage, "reconciliation"), {});
    const { open, failed } = found as { readonly open?: number; readonly failed?: number };
    expectThat(open === 0 && failed === 0, `it reports ${JSON.stringify(found)}`);
  });
  await report.check("no log holds a token, a request or a certificate", () => logsHoldNoSecret(stage));
}

/** Fails unless the schedule has run the reconciliation within `patience` milliseconds, our own run aside. */
export async function expectScheduledRun(stage: RehearsedStage, patience: number): Promise<string> {
  const until = performance.now() + patience;
  for (;;) {
    const runs = await runsOf(stage, "reconciliation");
    if (runs > 1) return `${runs} runs, one of them ours`;
    expectThat(performance.now() < until, `${runs} runs after ${Math.round(patience / 1000)} s`);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
}
