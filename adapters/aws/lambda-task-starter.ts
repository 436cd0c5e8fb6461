/**
 * Room: adapters/aws. The TaskStarter on asynchronous invocations: Lambda keeps the event before it answers, and runs the
 * function once there is room. An invocation whose answer was lost is repeated, so a task may be started twice.
 */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { AppError } from "../../core/errors.ts";
import type { StartedTask, TaskStarter } from "../../core/ports.ts";
import { clientConfiguration } from "./client-configuration.ts";
import { refusalOf } from "./lambda/refusals.ts";

export interface LambdaTaskStarterOptions {
  /** Names of the functions; whoever starts one task only names no other. */
  readonly functions: Readonly<Partial<Record<StartedTask, string>>>;
  /** @default a client of its own, with `clientConfiguration()`. */
  readonly client?: LambdaClient;
  /** Milliseconds after which a call gives up, retries included. @default 3,000 */
  readonly patience?: number;
}

/** Short: whoever asked has done its work already and only waits to say so, and the schedule comes anyhow. */
const startMilliseconds = 3_000;

/**
 * As the port promises. Besides what the port names, a call throws configuration_invalid: no such function, no
 * permission, no credentials.
 */
export function lambdaTaskStarter(options: LambdaTaskStarterOptions): TaskStarter {
  const { functions, client = new LambdaClient(clientConfiguration()) } = options;
  return new LambdaTaskStarter(client, functions, options.patience ?? startMilliseconds);
}

class LambdaTaskStarter implements TaskStarter {
  readonly #client: LambdaClient;
  readonly #functions: LambdaTaskStarterOptions["functions"];
  readonly #patience: number;

  constructor(client: LambdaClient, functions: LambdaTaskStarterOptions["functions"], patience: number) {
    this.#client = client;
    this.#functions = functions;
    this.#patience = patience;
  }

  async start(task: StartedTask): Promise<void> {
    const name = this.#functions[task];
    if (name === undefined)
      throw new AppError(
        "configuration_invalid",
        `no function is named for task ${task}; deploy this function with its stack`,
      );
    const command = new InvokeCommand({
      FunctionName: name,
      InvocationType: "Event",
      Payload: Buffer.from("{}"),
    });
    try {
      await this.#client.send(command, { abortSignal: AbortSignal.timeout(this.#patience) });
    } catch (cause) {
      throw refusalOf(name, cause);
    }
  }
}
