/** Room: scripts/rehearsal. What the API and the tasks say of a rotation, read and waited for. */
import { setTimeout as sleep } from "node:timers/promises";
import { ListGrantsCommand } from "@aws-sdk/client-kms";
import { invokeTask } from "../deployment/tasks.ts";
import { as, type Person, type Reply } from "./person.ts";
import { functionOf, type RehearsedStage, signingKeys } from "./rehearsed-stage.ts";
import { expectThat } from "./report.ts";

/** Two people, of whom the first asks and executes. */
export type Pair = readonly [Person, Person];

/** The answer's document. Fails on any status but 2xx, and on another code of a problem. */
export function documentOf<Document extends object>({ status, code, body }: Reply): Document {
  expectThat(
    status >= 200 && status < 300,
    `answered ${status} ${code ?? ""} ${String(body["detail"] ?? "")}`,
  );
  return body as Document;
}

/** What the first of them reads there. */
export async function read<Document extends object>(
  stage: RehearsedStage,
  [person]: Pair,
  path: string,
): Promise<Document> {
  return documentOf<Document>(await as(stage, person, { method: "GET", path }));
}

/** One run of that function's task: the schedule and other functions start it besides. */
export async function run(stage: RehearsedStage, duty: string): Promise<object> {
  const report = await invokeTask(stage.clients.lambda, await functionOf(stage, duty), {});
  return (report ?? {}) as object;
}

/** The same, of a task that must fail at nothing. */
export async function runWell(stage: RehearsedStage, duty: string): Promise<string> {
  const report = (await run(stage, duty)) as { readonly failed?: number };
  expectThat(report.failed === 0, `${duty} reports ${JSON.stringify(report)}`);
  return JSON.stringify(report);
}

const patience = 45_000;

/** Reads until `isSo`, with a run of `duty` before each reading but the first. Fails with what was read last. */
export async function eventually<Value>(
  stage: RehearsedStage,
  duty: string,
  look: () => Promise<Value>,
  isSo: (value: Value) => boolean,
): Promise<Value> {
  const until = performance.now() + patience;
  for (;;) {
    const value = await look();
    if (isSo(value)) return value;
    expectThat(performance.now() < until, `after ${patience / 1000} s it is still ${JSON.stringify(value)}`);
    await run(stage, duty);
    // What it has started goes on beside it.
    await sleep(500);
  }
}

async function loansOf({ clients }: RehearsedStage, KeyId: string | undefined): Promise<number> {
  const { Grants = [] } = await clients.kms.send(new ListGrantsCommand({ KeyId }));
  return Grants.length;
}

/** How many loans of the root KMS knows. */
export async function loansOfRoot(stage: RehearsedStage): Promise<number> {
  const [root] = await signingKeys(stage);
  return loansOf(stage, root);
}

/** The most loans of the root that KMS knew while `work` went on. */
export async function mostLoans(stage: RehearsedStage, work: () => Promise<unknown>): Promise<number> {
  const [root] = await signingKeys(stage);
  const ended = new AbortController();
  const working = work().finally(() => ended.abort());
  let most = 0;
  while (!ended.signal.aborted) {
    most = Math.max(most, await loansOf(stage, root));
    await sleep(50);
  }
  await working;
  return most;
}
