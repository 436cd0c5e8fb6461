/** Room: scripts/deployment. Invokes a task's function and reads its answer or its reason. */
import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { StepFailure } from "./failure.ts";

const remedies: Readonly<Record<string, string>> = {
  configuration_invalid: "correct the stage in cdk.json, deploy, and run the same command again",
  store_unavailable: "wait a minute, then run the same command again",
  key_service_unavailable: "wait a minute, then run the same command again",
};

function parse(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The answer of one invocation; throws StepFailure with the task's own code and message. */
export async function invokeTask(lambda: LambdaClient, name: string, event: object): Promise<unknown> {
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(event)) }),
  );
  const answer = parse(Buffer.from(Payload ?? []).toString("utf8"));
  if (FunctionError === undefined) return answer;
  const { errorType = "failed", errorMessage = "without a message" } = (answer ?? {}) as {
    readonly errorType?: string;
    readonly errorMessage?: string;
  };
  throw new StepFailure(
    `${name}: ${errorMessage} [${errorType}]`,
    remedies[errorType] ?? `see the log of ${name}, then run the same command again`,
  );
}
