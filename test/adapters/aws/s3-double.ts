/**
 * Room: test/adapters/aws. A double of S3 below the SDK client: it reads requests as they go over the wire, keeps
 * versions, judges conditions and checksums as S3 does, and gives each put a tag of its own, as where KMS encrypts.
 */
import { hash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { S3Client } from "@aws-sdk/client-s3";
import { clientConfiguration, type RequestHandler } from "../../../adapters/aws/client-configuration.ts";

type Handle = RequestHandler["handle"];
type Request = Parameters<Handle>[0];
type Headers = Readonly<Record<string, string>>;

export interface S3Version {
  readonly body: Buffer;
  readonly headers: Headers;
  readonly tag: string;
  readonly versionId: string;
}

export interface S3Request {
  readonly method: string;
  /** Decoded, without the first slash. */
  readonly key: string;
  readonly hostname: string;
  readonly headers: Headers;
}

/**
 * A status and name that S3 answers with; `answerLost`: carried out, but the answer never comes; `silence`: nothing ever
 * comes; `cut`, `flipped`, `stalled`: a body that ends early, has another octet, or stops coming.
 */
export type S3Fault =
  | { readonly status: number; readonly name: string }
  | "answerLost"
  | "silence"
  | "cut"
  | "flipped"
  | "stalled";

const kept = ["content-type", "cache-control", "x-amz-checksum-sha256"];
const never = (): Promise<never> => new Promise(() => undefined);

export class S3Double {
  readonly requests: S3Request[] = [];
  readonly objects = new Map<string, S3Version[]>();
  /** Asked before each request; what it returns happens instead. */
  fault: (request: S3Request) => S3Fault | undefined = () => undefined;
  /** Done after a request was carried out, before its answer is on the way. */
  afterwards: (request: S3Request) => void = () => undefined;

  client(): S3Client {
    const requestHandler = { handle: this.#handle, destroy: () => undefined };
    const credentials = { accessKeyId: "double", secretAccessKey: "double" };
    return new S3Client({ ...clientConfiguration({ requestHandler }), region: "eu-central-1", credentials });
  }

  count(method: string): number {
    return this.requests.filter((request) => request.method === method).length;
  }

  /** As another writer would, past the client. */
  write(key: string, body: string, headers: Headers = {}): S3Version {
    const version = {
      body: Buffer.from(body),
      headers: { "content-type": "text/plain", ...headers },
      tag: `"${randomBytes(16).toString("hex")}"`,
      versionId: randomBytes(12).toString("base64url"),
    };
    this.objects.set(key, [...(this.objects.get(key) ?? []), version]);
    return version;
  }

  readonly #handle: Handle = async (request, options) => {
    const recorded = record(request);
    this.requests.push(recorded);
    const fault = this.fault(recorded);
    if (fault === "silence") return silence(options?.abortSignal as AbortSignal | undefined);
    if (typeof fault === "object") return refusal(recorded, fault.status, fault.name);
    const response = this.#carryOut(recorded, Buffer.from((request.body as Uint8Array | undefined) ?? []));
    this.afterwards(recorded);
    if (fault === "answerLost") throw Object.assign(new Error("no answer"), { name: "TimeoutError" });
    return response(fault);
  };

  #carryOut(request: S3Request, body: Buffer): (fault?: S3Fault) => Awaited<ReturnType<Handle>> {
    const current = this.objects.get(request.key)?.at(-1);
    if (request.method === "PUT") {
      const refused = refusedPut(request, body, current);
      if (refused !== undefined) return () => refused;
      const metadata = Object.entries(request.headers).filter(([name]) => name.startsWith("x-amz-meta-"));
      const headers = Object.fromEntries(
        kept.flatMap((name) => (request.headers[name] === undefined ? [] : [[name, request.headers[name]]])),
      );
      const { tag, versionId } = this.write(request.key, "", {});
      const version = { body, headers: { ...headers, ...Object.fromEntries(metadata) }, tag, versionId };
      this.objects.get(request.key)?.splice(-1, 1, version);
      return () => answer(200, { etag: tag, "x-amz-version-id": versionId });
    }
    if (request.method === "DELETE") {
      this.objects.delete(request.key);
      return () => answer(204, { "x-amz-delete-marker": "true" });
    }
    if (current === undefined) return () => refusal(request, 404, "NoSuchKey");
    const headers = {
      ...current.headers,
      etag: current.tag,
      "x-amz-version-id": current.versionId,
      "content-length": String(current.body.length),
    };
    if (request.method === "HEAD") return () => answer(200, headers);
    return (fault) => answer(200, headers, bodyOf(current.body, fault));
  }
}

function record({ method, hostname, path, headers }: Request): S3Request {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return { method, hostname, key: decodeURIComponent(path.slice(1)), headers: Object.fromEntries(lower) };
}

function refusedPut({ headers, ...request }: S3Request, body: Buffer, current: S3Version | undefined) {
  const recorded = { ...request, headers };
  // Object Lock asks for both.
  if (headers["x-amz-sdk-checksum-algorithm"] !== "SHA256" || headers["x-amz-checksum-sha256"] === undefined)
    return refusal(recorded, 400, "InvalidRequest");
  if (headers["x-amz-checksum-sha256"] !== hash("sha256", body, "base64"))
    return refusal(recorded, 400, "BadDigest");
  if (Number(headers["content-length"]) !== body.length) return refusal(recorded, 400, "IncompleteBody");
  if (headers["if-none-match"] === "*" && current !== undefined)
    return refusal(recorded, 412, "PreconditionFailed");
  const tag = headers["if-match"];
  if (tag === undefined) return undefined;
  if (current === undefined) return refusal(recorded, 404, "NoSuchKey");
  return tag === current.tag ? undefined : refusal(recorded, 412, "PreconditionFailed");
}

function bodyOf(body: Buffer, fault: S3Fault | undefined): Readable {
  if (fault === "cut") return Readable.from([body.subarray(0, -1)]);
  if (fault === "flipped") return Readable.from([Buffer.concat([body.subarray(0, -1), Buffer.from("~")])]);
  if (fault === "stalled") {
    async function* octets(): AsyncGenerator<Buffer> {
      yield body.subarray(0, 1);
      await never();
    }
    return Readable.from(octets());
  }
  return Readable.from(body.length === 0 ? [] : [body]);
}

function answer(statusCode: number, headers: Headers, body: Readable = Readable.from([])) {
  return { response: { statusCode, headers, body } as never };
}

function refusal({ method }: S3Request, status: number, name: string) {
  const xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${name}</Code><Message>no</Message></Error>`;
  const headers = { "content-type": "application/xml" };
  return answer(status, headers, Readable.from(method === "HEAD" ? [] : [Buffer.from(xml)]));
}

/** As a network that swallows the request: the client's own clock ends it. */
function silence(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(Object.assign(new Error("Request aborted"), { name: "AbortError" }));
    if (signal?.aborted === true) abort();
    signal?.addEventListener("abort", abort, { once: true });
  });
}
