/**
 * Room: lambdas. The API as data: who may call what, which function serves it, and what that function may
 * touch. The router, the access check, the OpenAPI document, the IAM grants and the access matrix are all
 * made from this table, so a route that is not here does not exist anywhere.
 */

/** Functions that answer requests. */
export type FunctionId = "enrollment" | "distribution" | "revocation";

/** Functions that a schedule or a deployment starts; no request reaches them. */
export type TaskFunctionId = "reconciliation" | "bootstrap" | "provisioning";

/** How a caller proves who it is: client certificates by mutual TLS, enrolment tokens as Bearer. */
export type CredentialKind = "operator" | "device" | "enrollmentToken";

export type MediaType = "application/json" | "application/pkcs10" | "application/pem-certificate-chain";

/** What a route or a task may touch; its function is granted the union of its rows and nothing else. */
export interface Touches {
  /** `probe` reads, and writes the one health item: a grant for it names that item's key (see health.ts). */
  readonly items: "none" | "read" | "probe" | "write";
  /** `issue` signs with issuing authorities; `certify` with roots too, and looks keys up by name. */
  readonly keys: "none" | "issue" | "certify";
}

export interface Route {
  readonly id: string;
  readonly method: "GET" | "POST";
  /** Literal segments and `{name}` parameters; no trailing slash. */
  readonly path: `/${string}`;
  readonly access: "public" | readonly [CredentialKind];
  readonly function: FunctionId;
  readonly summary: string;
  readonly touches: Touches;
  /** Media types of the request body; absent when the route takes none. */
  readonly consumes?: readonly MediaType[];
  /** Media types of the answer, the preferred one first. */
  readonly produces: readonly [MediaType, ...MediaType[]];
}

export const routes = [
  {
    id: "createEnrollmentToken",
    method: "POST",
    path: "/v1/fleets/{fleet}/enrollment-tokens",
    access: ["operator"],
    function: "enrollment",
    summary: "Create a one-time token with which one device enrols",
    touches: { items: "write", keys: "none" },
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "enroll",
    method: "POST",
    path: "/v1/fleets/{fleet}/certificates",
    access: ["enrollmentToken"],
    function: "enrollment",
    summary: "Enrol: exchange a token and a CSR for a certificate",
    touches: { items: "write", keys: "issue" },
    consumes: ["application/pkcs10", "application/json"],
    produces: ["application/json", "application/pem-certificate-chain"],
  },
  {
    id: "renew",
    method: "POST",
    path: "/v1/fleets/{fleet}/certificates/renew",
    access: ["device"],
    function: "enrollment",
    summary: "Renew over mutual TLS: the same identity, a new certificate",
    touches: { items: "write", keys: "issue" },
    consumes: ["application/pkcs10", "application/json"],
    produces: ["application/json", "application/pem-certificate-chain"],
  },
  {
    id: "listCertificates",
    method: "GET",
    path: "/v1/fleets/{fleet}/certificates",
    access: ["operator"],
    function: "distribution",
    summary: "List certificates of the fleet or of one device",
    touches: { items: "read", keys: "none" },
    produces: ["application/json"],
  },
  {
    id: "getCertificate",
    method: "GET",
    path: "/v1/fleets/{fleet}/certificates/{serialNumber}",
    access: ["operator"],
    function: "distribution",
    summary: "Show one certificate and its status",
    touches: { items: "read", keys: "none" },
    produces: ["application/json", "application/pem-certificate-chain"],
  },
  {
    id: "revokeCertificate",
    method: "POST",
    path: "/v1/fleets/{fleet}/certificates/{serialNumber}/revocation",
    access: ["operator"],
    function: "revocation",
    summary: "Revoke one certificate",
    touches: { items: "write", keys: "none" },
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "getTrustBundle",
    method: "GET",
    path: "/v1/fleets/{fleet}/trust.pem",
    access: "public",
    function: "distribution",
    summary: "Fetch the roots that the fleet trusts",
    touches: { items: "read", keys: "none" },
    produces: ["application/pem-certificate-chain"],
  },
  {
    id: "getOpenApi",
    method: "GET",
    path: "/openapi.json",
    access: "public",
    function: "distribution",
    summary: "Fetch this description of the API",
    touches: { items: "none", keys: "none" },
    produces: ["application/json"],
  },
  {
    id: "getHealth",
    method: "GET",
    path: "/healthz",
    access: "public",
    function: "distribution",
    summary: "Ask whether the service can write to its store",
    touches: { items: "probe", keys: "none" },
    produces: ["application/json"],
  },
] as const satisfies readonly Route[];

export type RouteRow = (typeof routes)[number];
export type RouteId = RouteRow["id"];

/** The row of one route. */
export type RouteOf<Id extends RouteId> = Extract<RouteRow, { readonly id: Id }>;

/** Ids of the routes that one function serves. */
export type RouteIdOf<F extends FunctionId> = Extract<RouteRow, { readonly function: F }>["id"];

export interface Task {
  readonly id: string;
  readonly function: TaskFunctionId;
  /** `invocation`: whoever holds lambda:InvokeFunction on that very function. */
  readonly trigger: "invocation" | { readonly everyMinutes: number };
  readonly summary: string;
  readonly touches: Touches;
  /** Writes artefacts, trust stores and lasting records. */
  readonly publishes: boolean;
  readonly notifies: boolean;
}

/** One task a function, so that each is granted what it alone needs. */
export const tasks = [
  {
    id: "reconcile",
    function: "reconciliation",
    trigger: { everyMinutes: 1 },
    summary: "Finish or close every issuance whose signer is gone",
    touches: { items: "write", keys: "issue" },
    publishes: false,
    notifies: true,
  },
  {
    id: "bootstrapFleet",
    function: "bootstrap",
    trigger: "invocation",
    summary: "Make a configured fleet with its authorities, publish its trust, certify an operator",
    touches: { items: "write", keys: "certify" },
    publishes: true,
    notifies: true,
  },
  {
    id: "provisionEnrollmentToken",
    function: "provisioning",
    trigger: "invocation",
    summary: "Create a one-time enrolment token for a caller that IAM vouches for",
    touches: { items: "write", keys: "none" },
    publishes: false,
    notifies: false,
  },
] as const satisfies readonly Task[];

export type TaskRow = (typeof tasks)[number];
