/** Room: cli. The service's REST interface as functions; every answer is validated before it is used. */
import { pendingEnrollment } from "../lambdas/http/access-answers.ts";
import {
  type CertificateDetails,
  type CertificatePage,
  certificateDetails,
  certificatePage,
  type EnrollmentToken,
  enrollmentToken,
  type IssuedCertificate,
  issuedCertificate,
} from "../lambdas/http/answer-schemas.ts";
import { renewalInfo } from "../lambdas/http/distribution-answers.ts";
import { type Revocation, revocation } from "../lambdas/http/revocation-answers.ts";
import { Failure } from "./failure.ts";
import type { HttpRequest, HttpResponse, HttpsClient } from "./https-client.ts";
import { abandonable } from "./interruption.ts";
import { type AnswerSchema, parseJsonText, readAnswer } from "./json-text.ts";
import { problemFailure } from "./problem.ts";
import {
  type RemedyTable,
  remedyFor,
  renewalRemedyFor,
  returnRemedyFor,
  tokenlessRemedyFor,
} from "./remedies.ts";
import { interactiveRetries, parseRetryAfter, type RetryPolicy, retrying } from "./retry.ts";

export interface FleetApiOptions {
  readonly client: HttpsClient;
  readonly fleet: string;
  /** @default interactiveRetries */
  readonly retries?: RetryPolicy;
  readonly interrupted: AbortSignal;
  /** Whether an interruption waits for the answers under way. @default false: it abandons them */
  readonly finishInFlight?: boolean;
  readonly now: () => number;
}

export interface TokenRequest {
  readonly deviceId: string;
  readonly profile?: string;
  readonly expiresInSeconds?: number;
}

/** All that is given must hold. */
export interface CertificateFilter {
  readonly deviceId?: string;
  readonly status?: string;
  readonly profile?: string;
  readonly authorityId?: string;
  readonly keyAlgorithm?: string;
  /** ISO 8601, UTC: certificates that end then or later. */
  readonly expiresFrom?: string;
  /** Certificates that end before. */
  readonly expiresTo?: string;
}

export interface ListRequest extends CertificateFilter {
  readonly limit?: number;
  readonly cursor?: string;
}

/** A call of the API as its route has it, for commands that need nothing more. */
export interface FleetCall<T> {
  readonly method: HttpRequest["method"];
  /** Below the fleet's own path, with a leading slash; empty for the fleet itself. */
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly schema: AnswerSchema<T>;
  /** @default remedyFor */
  readonly remedyOf?: RemedyTable;
}

/** A call whose answer is no JSON: octets of a format of its own, for the caller to read. */
export interface OctetCall {
  readonly method: "GET" | "POST";
  /** Below the fleet's own path, with a leading slash. */
  readonly path: string;
  readonly accept: string;
  readonly body?: { readonly type: string; readonly octets: Uint8Array };
}

/** An enrolment that waits for an operator's decision: the same request again, later. */
export interface PendingEnrollment {
  readonly status: "pending";
  readonly requestId: string;
  /** Milliseconds after which it is worth asking again, if the service says. */
  readonly retryAfter: number | undefined;
}

export interface EnrollmentCall {
  /** PEM. */
  readonly csr: string;
  /** A b64token (RFC 6750 §2.1). */
  readonly token?: string;
  readonly deviceId?: string;
  /** PEM of an expired certificate, whose key signs the CSR. */
  readonly previousCertificate?: string;
}

/** When to renew, by RFC 9773. */
export interface RenewalInfoAnswer {
  /** Milliseconds since the epoch from which on; undefined: as in the answer that `etag` names. */
  readonly start: number | undefined;
  readonly etag: string | undefined;
  /** Milliseconds after which it is worth asking again, if the service says. */
  readonly retryAfter: number | undefined;
}

/** Every call throws a Failure: the problem's code and detail, or why no answer came. */
export interface FleetApi {
  createToken(request: TokenRequest): Promise<EnrollmentToken>;
  /** `csr` is PEM, `token` a b64token (RFC 6750 §2.1). The same two give the same certificate again. */
  enroll(request: { readonly csr: string; readonly token: string }): Promise<IssuedCertificate>;
  /** With any credential that the fleet accepts, or none. */
  enrollWith(request: EnrollmentCall): Promise<IssuedCertificate | PendingEnrollment>;
  call<T>(call: FleetCall<T>): Promise<T>;
  /** Resolves to a success as it came; its media type is `accept`, or `answer_malformed`. */
  fetch(call: OctetCall): Promise<HttpResponse>;
  /** Over mutual TLS with the certificate to renew; `csr` is PEM. */
  renew(request: { readonly csr: string }): Promise<IssuedCertificate>;
  /** `etag` of an earlier answer, which need not come twice. */
  renewalInfo(request: {
    readonly certId: string;
    readonly etag?: string | undefined;
  }): Promise<RenewalInfoAnswer>;
  list(request: ListRequest): Promise<CertificatePage>;
  show(serialNumber: string): Promise<CertificateDetails>;
  revoke(serialNumber: string, reason: string): Promise<Revocation>;
  /** PEM of the fleet's roots. */
  trust(): Promise<string>;
  /** The bare answer of the service's health check. */
  health(): Promise<HttpResponse>;
}

const json = "application/json";

export function createFleetApi(options: FleetApiOptions): FleetApi {
  const send = sender(options);
  const base = `/v1/fleets/${encodeURIComponent(options.fleet)}`;

  const post = async <T>(
    path: string,
    body: object,
    schema: AnswerSchema<T>,
    { headers = {}, remedyOf }: PostOptions = {},
  ): Promise<T> => {
    const all = { "content-type": json, accept: json, ...headers };
    const request = { method: "POST", path: base + path, headers: all, body: JSON.stringify(body) } as const;
    return parseAnswer(await send(request, remedyOf), schema);
  };
  const get = async <T>(path: string, schema: AnswerSchema<T>): Promise<T> =>
    parseAnswer(await send({ method: "GET", path: base + path, headers: { accept: json } }), schema);

  return {
    createToken: (request) => post("/enrollment-tokens", request, enrollmentToken),
    enroll: ({ csr, token }) =>
      post("/certificates", { csr }, issuedCertificate, {
        headers: { authorization: `Bearer ${token}` },
      }),
    enrollWith: async ({ token, ...request }) => {
      const withoutToken = request.previousCertificate === undefined ? tokenlessRemedyFor : returnRemedyFor;
      const remedyOf = token === undefined ? withoutToken : remedyFor;
      const headers = {
        "content-type": json,
        accept: json,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      };
      const path = `${base}/certificates`;
      const body = JSON.stringify(request);
      const response = await send({ method: "POST", path, headers, body }, remedyOf);
      if (response.status === 202) return pendingOf(response, options.now());
      return parseAnswer(response, issuedCertificate);
    },
    call: async ({ method, path, body, headers = {}, schema, remedyOf }) => {
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const type = body === undefined ? {} : { "content-type": json };
      const all = { accept: json, ...type, ...headers };
      const request = { method, path: base + path, headers: all, ...sent };
      return parseAnswer(await send(request, remedyOf), schema);
    },
    fetch: async ({ method, path, accept, body }) => {
      const type = body === undefined ? {} : { "content-type": body.type };
      const sent = body === undefined ? {} : { body: body.octets };
      return ofType(await send({ method, path: base + path, headers: { accept, ...type }, ...sent }), accept);
    },
    renew: (request) =>
      post("/certificates/renew", request, issuedCertificate, { remedyOf: renewalRemedyFor }),
    renewalInfo: async ({ certId, etag }) => {
      const condition = etag === undefined ? {} : { "if-none-match": etag };
      const path = `${base}/renewal-info/${encodeURIComponent(certId)}`;
      const response = await send({ method: "GET", path, headers: { accept: json, ...condition } });
      const isKnown = response.status === 304;
      const start = isKnown
        ? undefined
        : Date.parse(parseAnswer(response, renewalInfo).suggestedWindow.start);
      const retryAfter = parseRetryAfter(response.headers["retry-after"], options.now());
      return { start, etag: isKnown ? etag : response.headers.etag, retryAfter };
    },
    list: (request) => get(`/certificates?${queryOf({ ...request })}`, certificatePage),
    show: (serial) => get(`/certificates/${encodeURIComponent(serial)}`, certificateDetails),
    revoke: (serial, reason) =>
      post(`/certificates/${encodeURIComponent(serial)}/revocation`, { reason }, revocation),
    trust: async () => (await send({ method: "GET", path: `${base}/trust.pem` })).body.toString("utf8"),
    health: () => send({ method: "GET", path: "/healthz" }),
  };
}

function pendingOf(response: HttpResponse, now: number): PendingEnrollment {
  const retryAfter = parseRetryAfter(response.headers["retry-after"], now);
  return { ...parseAnswer(response, pendingEnrollment), retryAfter };
}

interface PostOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly remedyOf?: RemedyTable;
}

/** Resolves to a success; throws the problem of anything else, after the policy's attempts. */
function sender(options: FleetApiOptions) {
  const { client, now, retries = interactiveRetries, interrupted, finishInFlight = false } = options;
  return (request: HttpRequest, remedyOf?: RemedyTable): Promise<HttpResponse> =>
    retrying(
      retries,
      async () => {
        const sent = client.send(request);
        const response = await (finishInFlight ? sent : abandonable(sent, interrupted));
        // RFC 9110 §15.4.5: 304 answers a condition only.
        const isKnown = response.status === 304 && request.headers?.["if-none-match"] !== undefined;
        if (isKnown || (response.status >= 200 && response.status < 300)) return response;
        throw problemFailure(response, now(), remedyOf);
      },
      interrupted,
    );
}

export function queryOf(values: Readonly<Record<string, string | number>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) query.set(name, String(value));
  return query.toString();
}

export const malformedAnswer = (what: string): Failure =>
  new Failure("refused", "answer_malformed", `the service's answer is not as expected: ${what}`, {
    remedy: "check that --url names a Fleetkey service of the same version as this command",
  });

function ofType(response: HttpResponse, accept: string): HttpResponse {
  const [type = ""] = (response.headers["content-type"] ?? "").split(";", 1);
  if (type.trim().toLowerCase() === accept) return response;
  throw malformedAnswer(`it is no ${accept}`);
}

function parseAnswer<T>(response: HttpResponse, schema: AnswerSchema<T>): T {
  const answer = readAnswer(schema, parseJsonText(response.body.toString("utf8")));
  if ("value" in answer) return answer.value;
  throw malformedAnswer(answer.unexpected);
}
