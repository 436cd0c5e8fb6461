/** What goes to Lambda, and what its refusals become. */
import { LambdaClient } from "@aws-sdk/client-lambda";
import { beforeEach, describe, expect, it } from "vitest";
import { clientConfiguration, type RequestHandler } from "../../../adapters/aws/client-configuration.ts";
import { lambdaTaskStarter } from "../../../adapters/aws/lambda-task-starter.ts";
import { codeOf } from "../../support/errors.ts";

type Handle = RequestHandler["handle"];
type Fault = { readonly status: number; readonly name: string } | "answerLost" | "silence";

interface Invocation {
  readonly method: string;
  readonly path: string;
  readonly type: string | undefined;
  readonly event: string;
}

const functions = { publish: "Fleetkey-test-Publication", maintain: "Fleetkey-test-Maintenance" };

/** Lambda below the SDK client: reads the REST protocol as it goes over the wire. */
class LambdaDouble {
  readonly invoked: Invocation[] = [];
  fault: () => Fault | undefined = () => undefined;

  client(): LambdaClient {
    const requestHandler = { handle: this.#handle, destroy: () => undefined };
    const credentials = { accessKeyId: "double", secretAccessKey: "double" };
    return new LambdaClient({
      ...clientConfiguration({ requestHandler }),
      region: "eu-central-1",
      credentials,
    });
  }

  readonly #handle: Handle = async (request, options) => {
    const fault = this.fault();
    if (fault === "silence") return silence(options?.abortSignal as AbortSignal | undefined);
    if (typeof fault === "object") return refusal(fault);
    expect(request.protocol).toBe("https:");
    this.invoked.push({
      method: request.method,
      path: request.path,
      type: request.headers["x-amz-invocation-type"],
      event: Buffer.from(request.body as Uint8Array).toString(),
    });
    if (fault === "answerLost") throw Object.assign(new Error("no answer"), { name: "TimeoutError" });
    return { response: { statusCode: 202, headers: {}, body: Buffer.alloc(0) } as never };
  };
}

function refusal({ status, name }: { readonly status: number; readonly name: string }) {
  const headers = { "content-type": "application/json", "x-amzn-errortype": name };
  return {
    response: { statusCode: status, headers, body: Buffer.from('{"Message":"no"}') } as never,
  };
}

function silence(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(Object.assign(new Error("Request aborted"), { name: "AbortError" }));
    signal?.addEventListener("abort", abort, { once: true });
  });
}

let double = new LambdaDouble();
beforeEach(() => {
  double = new LambdaDouble();
});

describe("the request that starts a task", () => {
  it.each(["publish", "maintain"] as const)("%s: an event for its function, over TLS", async (task) => {
    await lambdaTaskStarter({ functions, client: double.client() }).start(task);
    const path = `/2015-03-31/functions/${functions[task]}/invocations`;
    expect(double.invoked).toEqual([{ method: "POST", path, type: "Event", event: "{}" }]);
  });

  it("is not made for a task whose function has no name here", async () => {
    const starter = lambdaTaskStarter({ functions: { publish: "p" }, client: double.client() });
    expect(await codeOf(starter.start("maintain"))).toBe("configuration_invalid");
    expect(double.invoked).toEqual([]);
  });

  it("is repeated when its answer is lost: a task may be started twice, never not at all", async () => {
    const faults: Fault[] = ["answerLost"];
    double.fault = () => faults.shift();
    await lambdaTaskStarter({ functions, client: double.client() }).start("publish");
    expect(double.invoked).toHaveLength(2);
  });
});

const refusals: readonly { readonly fault: Fault; readonly code: string; readonly says: RegExp }[] = [
  {
    fault: { status: 404, name: "ResourceNotFoundException" },
    code: "configuration_invalid",
    says: /no such function/,
  },
  {
    fault: { status: 403, name: "AccessDeniedException" },
    code: "configuration_invalid",
    says: /lambda:InvokeFunction/,
  },
  {
    fault: { status: 502, name: "KMSDisabledException" },
    code: "configuration_invalid",
    says: /enable it/,
  },
  {
    fault: { status: 403, name: "UnrecognizedClientException" },
    code: "configuration_invalid",
    says: /credentials/,
  },
  {
    fault: { status: 429, name: "TooManyRequestsException" },
    code: "task_unavailable",
    says: /throttled/,
  },
  {
    fault: { status: 409, name: "ResourceConflictException" },
    code: "task_unavailable",
    says: /being changed/,
  },
  { fault: { status: 500, name: "ServiceException" }, code: "task_unavailable", says: /failed inside/ },
  { fault: { status: 503, name: "NoName" }, code: "task_unavailable", says: /failed inside/ },
  { fault: "silence", code: "task_unavailable", says: /did not answer in time/ },
  { fault: "answerLost", code: "task_unavailable", says: /did not answer in time/ },
  { fault: { status: 418, name: "Teapot" }, code: "internal", says: /report it/ },
];

describe("refusals", () => {
  it.each(refusals)("$fault is $code", async ({ fault, code, says }) => {
    double.fault = () => fault;
    const patience = fault === "silence" ? { patience: 250 } : {};
    const starter = lambdaTaskStarter({ functions, client: double.client(), ...patience });
    const refused = starter.start("publish");
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(says) });
    await expect(refused).rejects.toThrow(functions.publish);
  });

  it("tell after how many seconds it is worth another try, where it is", async () => {
    double.fault = () => ({ status: 429, name: "TooManyRequestsException" });
    const starter = lambdaTaskStarter({ functions, client: double.client() });
    await expect(starter.start("publish")).rejects.toMatchObject({ retryAfter: 2 });
  });
});
