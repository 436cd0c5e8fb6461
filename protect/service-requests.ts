/** Room: protect. Requests to the service over HTTPS: who asks, how long, how often. */
import { Agent, request as httpsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, isAppError } from "../core/errors.ts";
import { refusal } from "./service-refusals.ts";

/** What a signer of requests (SigV4) needs. */
export interface RequestToSign {
  readonly method: "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One of three doors: a backend's certificate, a bearer token, a signature of each request. */
export type ServiceCredential =
  /** PEM: the chain of the backend's certificate, and its private key. */
  | { readonly cert: string; readonly key: string; readonly token?: never; readonly sign?: never }
  /** A token in force; called for every request, so it may be renewed meanwhile. */
  | {
      readonly token: () => Promise<string>;
      readonly cert?: never;
      readonly key?: never;
      readonly sign?: never;
    }
  /** All headers that the signed request has; it goes to the API's routes for IAM. */
  | {
      readonly sign: (request: RequestToSign) => Promise<Readonly<Record<string, string>>>;
      readonly cert?: never;
      readonly key?: never;
      readonly token?: never;
    };

export type ServiceOptions = ServiceCredential & {
  /** Of the API, `https://…`. */
  readonly url: string;
  /** PEM of the authority that the service's certificate is of. @default the authorities that Node trusts */
  readonly ca?: string;
  /** Of one attempt. @default 10 */
  readonly timeoutSeconds?: number;
};

export interface ServiceRequests {
  /** @param path After `/v1` or `/v1/iam`. @throws AppError as the service says, key_service_unavailable. */
  post(path: string, json: object): Promise<Readonly<Record<string, unknown>>>;
  close(): void;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: Buffer;
}

const attempts = 4;
const answerBytes = 65_536;
const longestWaitSeconds = 20;
const firstWaitSeconds = 0.2;
const worthARetry: ReadonlySet<number> = new Set([429, 502, 503, 504]);

function unavailable(reason: string): AppError {
  return new AppError("key_service_unavailable", `the service gave no answer: ${reason}; try again`, {
    retryAfter: 1,
  });
}

function send(agent: Agent, { url, headers, body }: RequestToSign, timeout: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeout);
    // No cause: it may quote the request.
    const failed = () =>
      reject(
        unavailable(signal.aborted ? `none in ${timeout} ms` : "the connection failed, look at url and ca"),
      );
    const request = httpsRequest(url, { method: "POST", agent, headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("error", failed).on("data", (chunk: Buffer) => {
        length += chunk.byteLength;
        if (length > answerBytes) response.destroy(new Error("too long"));
        else chunks.push(chunk);
      });
      response.on("end", () => {
        const answer = Buffer.concat(chunks);
        for (const chunk of chunks) chunk.fill(0);
        const { statusCode: status = 0, headers: received } = response;
        resolve({ status, retryAfter: received["retry-after"], body: answer });
      });
    });
    request.on("error", failed).end(body);
  });
}

/** Seconds until the next attempt; at random, so that clients which failed together do not come back together. */
function waitSeconds(attempt: number, retryAfter: string | undefined): number {
  const asked = Number(retryAfter);
  if (Number.isFinite(asked) && asked > 0) return asked;
  return firstWaitSeconds * 2 ** attempt * (0.5 + Math.random() / 2);
}

function jsonIn({ body }: Answer): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(body.toString());
    return typeof json === "object" && json !== null
      ? (json as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  } finally {
    body.fill(0);
  }
}

function originOf(url: string): string {
  const { protocol, origin, pathname } = URL.canParse(url)
    ? new URL(url)
    : { protocol: "", origin: "", pathname: "" };
  if (protocol === "https:") return origin + pathname.replace(/\/+$/, "");
  throw new AppError("configuration_invalid", "url of the service is not one that begins with https://");
}

/** @throws AppError configuration_invalid: the URL, or the certificate and its key. */
export function serviceRequests(options: ServiceOptions): ServiceRequests {
  const { ca, cert, key, token, sign, timeoutSeconds = 10 } = options;
  const base = `${originOf(options.url)}${sign === undefined ? "/v1" : "/v1/iam"}`;
  const agent = new Agent({
    keepAlive: true,
    minVersion: "TLSv1.2",
    ...(ca && { ca }),
    ...(cert && { cert, key }),
  });

  const prepared = async (path: string, body: string): Promise<RequestToSign> => {
    const headers = { "content-type": "application/json", accept: "application/json" };
    const request = { method: "POST" as const, url: base + path, headers, body };
    if (sign !== undefined) return { ...request, headers: await sign(request) };
    if (token === undefined) return request;
    return { ...request, headers: { ...headers, authorization: `Bearer ${await token()}` } };
  };

  const attempt = async (path: string, body: string): Promise<Answer | AppError> => {
    const request = await prepared(path, body);
    try {
      return await send(agent, request, timeoutSeconds * 1000);
    } catch (failure) {
      if (isAppError(failure)) return failure;
      throw new AppError("configuration_invalid", "the request cannot be sent; look at ca, cert and key");
    }
  };

  const post = async (path: string, json: object): Promise<Readonly<Record<string, unknown>>> => {
    const body = JSON.stringify(json);
    for (let count = 0; ; count += 1) {
      const answer = await attempt(path, body);
      const failure = answer instanceof AppError;
      if (!failure && answer.status >= 200 && answer.status < 300) {
        const answered = jsonIn(answer);
        if (answered !== undefined) return answered;
        throw unavailable("what it answered is not JSON");
      }
      const wait = waitSeconds(count, failure ? undefined : answer.retryAfter);
      const again = failure || worthARetry.has(answer.status);
      if (!again || count + 1 === attempts || wait > longestWaitSeconds)
        throw failure ? answer : refusal({ ...answer, json: jsonIn(answer) });
      await sleep(wait * 1000);
    }
  };
  return { post, close: () => agent.destroy() };
}
