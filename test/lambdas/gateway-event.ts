/** Events as API Gateway sends them (payload format 2.0), typed by the gateway's own published types. */

import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { identityVerifier } from "../../adapters/identity/identity-verifier.ts";
import { operationKey } from "../../core/item-limits.ts";
import { boundedMemo } from "../../core/memo.ts";
import type { App, ServiceApp } from "../../core/ports.ts";
import type { HttpEvent, HttpResult } from "../../lambdas/http/message.ts";
import type { LogLine } from "../support/fleet-app.ts";
import { copyLine } from "../support/log-copy.ts";

export interface EventOptions {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** PEM of the client certificate that the gateway has seen. */
  readonly certificate?: string;
  /** ARN of the IAM principal whose signature the gateway has verified. */
  readonly principal?: string;
}

export const requestId = "JKJaXmPLvHcESHA=";

/** The shape of the gateway's documentation example; a Buffer body travels as base64. */
export function gatewayEvent(options: EventOptions = {}): HttpEvent {
  const {
    method = "GET",
    path = "/healthz",
    query = "",
    headers = {},
    body,
    certificate,
    principal,
  } = options;
  const event: APIGatewayProxyEventV2 = {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: query,
    headers: { "content-length": "0", host: "api.example.test", "user-agent": "curl/8.5.0", ...headers },
    ...(query === "" ? {} : { queryStringParameters: Object.fromEntries(new URLSearchParams(query)) }),
    requestContext: {
      accountId: "123456789012",
      apiId: "r3pmxmplak",
      domainName: "api.example.test",
      domainPrefix: "api",
      http: { method, path, protocol: "HTTP/1.1", sourceIp: "203.0.113.7", userAgent: "curl/8.5.0" },
      requestId,
      routeKey: "$default",
      stage: "$default",
      time: "12/Mar/2026:19:03:58 +0000",
      timeEpoch: 1_773_342_238_000,
      ...(certificate === undefined ? {} : { authentication: { clientCert: clientCert(certificate) } }),
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : body.toString("base64") }),
    isBase64Encoded: Buffer.isBuffer(body),
  };
  if (principal === undefined) return event;
  return {
    ...event,
    requestContext: { ...event.requestContext, authorizer: { iam: iamIdentity(principal) } },
  };
}

/** As in the gateway's documentation of IAM authorisation for HTTP APIs. */
function iamIdentity(userArn: string) {
  return {
    accessKey: "ASIAEXAMPLE",
    accountId: "123456789012",
    callerId: "AROAEXAMPLE:session",
    cognitoIdentity: null,
    principalOrgId: null,
    userArn,
    userId: "AROAEXAMPLE:session",
  };
}

function clientCert(clientCertPem: string) {
  return {
    clientCertPem,
    subjectDN: "CN=pump-1",
    issuerDN: "CN=default issuing-1",
    serialNumber: "a1:b2:c3",
    validity: { notBefore: "May 28 12:30:02 2026 GMT", notAfter: "Aug  5 09:36:04 2026 GMT" },
  };
}

/** A store without an item, in which only a health check may write. */
function emptyStore(refuse: () => never): App["items"] {
  return {
    get: async () => undefined,
    query: async () => ({ items: [] }),
    transact: async (operations) => {
      if (!operations.every((operation) => operationKey(operation).pk === "HEALTH")) refuse();
    },
  };
}

/** An App whose store is empty; use cases that reach for keys or randomness fail loudly. */
export function emptyApp(): ServiceApp & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write =
    (level: LogLine["level"]) =>
    (event: string, fields: LogLine["fields"] = {}): void => {
      const line = { level, event, fields } as const;
      lines.push(line);
      copyLine(line);
    };
  const refuse = (): never => {
    throw new Error("not in this test");
  };
  return {
    lines,
    clock: { now: () => 1_773_342_238_000, sleep: async () => undefined },
    entropy: { bytes: refuse },
    items: emptyStore(refuse),
    keys: { createKey: refuse, describeKey: refuse, sign: refuse },
    log: { info: write("info"), warn: write("warn"), error: write("error") },
    memo: boundedMemo(),
    identities: identityVerifier(),
    artifacts: { get: async () => undefined, put: refuse, remove: refuse },
    tasks: { start: refuse },
    subjectKeys: emptyStore(refuse),
    wrappingKeys: {
      keyOf: refuse,
      generate: refuse,
      unwrap: refuse,
      rewrap: refuse,
      scheduleDeletion: refuse,
    },
    cipher: {
      headerOf: refuse,
      wrappingOf: refuse,
      encrypt: refuse,
      decrypt: refuse,
      createDataKey: refuse,
      unwrapDataKey: refuse,
    },
    keyPairs: { make: refuse },
    notifier: { notify: refuse },
  };
}

/** The problem details of an answer. */
export function problemOf(result: HttpResult): Record<string, unknown> {
  return JSON.parse(result.body);
}
