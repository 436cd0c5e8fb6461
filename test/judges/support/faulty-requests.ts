/**
 * Room: test/judges. Faults below an SDK client, where the network is: a request that never arrives because the
 * service throttles or has not heard of a grant yet, and one that the service has carried out although its answer
 * never comes.
 */
import { NodeHttpHandler } from "@smithy/node-http-handler";

export type RequestFault = "none" | "throttled" | "deniedYet" | "answerLost";

type Handle = NodeHttpHandler["handle"];
export type Request = Parameters<Handle>[0];

export interface FaultyRequests {
  /** For `requestHandler` of a client's configuration. */
  readonly handler: Pick<NodeHttpHandler, "handle" | "destroy">;
  /** How often each thing happened. */
  readonly counts: Readonly<Record<RequestFault, number>>;
}

/** As the services of the JSON 1.x protocols say it. */
const refusal = (type: string) => ({
  statusCode: 400,
  headers: { "content-type": "application/x-amz-json-1.1" },
  body: Buffer.from(JSON.stringify({ __type: type, message: "not now" })),
});
const refusals = {
  throttled: refusal("ThrottlingException"),
  deniedYet: refusal("AccessDeniedException"),
} as const;

/** @param next What happens to the next request; `arrived` sees each one that the service carries out. */
export function faultyRequests(
  next: (request: Request) => RequestFault,
  arrived: (request: Request) => void,
): FaultyRequests {
  const network = new NodeHttpHandler();
  const counts: Record<RequestFault, number> = { none: 0, throttled: 0, deniedYet: 0, answerLost: 0 };
  const handle: Handle = async (request, options) => {
    const fault = next(request);
    counts[fault] += 1;
    if (fault === "throttled" || fault === "deniedYet") return { response: refusals[fault] as never };
    const answer = await network.handle(request, options);
    arrived(request);
    if (fault === "none") return answer;
    // Whoever stops listening does not read on; the connection is not used again.
    answer.response.body?.destroy?.();
    throw Object.assign(new Error("no answer in time"), { name: "TimeoutError" });
  };
  return { counts, handler: { handle, destroy: () => network.destroy() } };
}
