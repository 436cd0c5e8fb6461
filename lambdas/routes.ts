/**
 * Room: lambdas. The API as data: who may call what, which function serves it, and what that function may
 * touch. The router, the access check, the OpenAPI document, the IAM grants and the access matrix are all
 * made from this table, so a route that is not here does not exist anywhere.
 */

import { accessRoutes } from "./access/routes.ts";
import { distributionRoutes } from "./distribution/routes.ts";
import { ocspRoutes } from "./ocsp/routes.ts";
import { revocationRoutes } from "./revocation/routes.ts";
import { rotationRoutes } from "./rotation/routes.ts";
import type { FunctionId, Route, TaskFunctionId, Touches } from "./route.ts";

export type * from "./route.ts";

const everyRole = ["owner", "securityOfficer", "provisioner", "auditor"] as const;
const provisioning = ["owner", "securityOfficer", "provisioner"] as const;
const security = ["owner", "securityOfficer"] as const;

export const routes = [
  ...accessRoutes,
  ...distributionRoutes,
  ...revocationRoutes,
  ...rotationRoutes,
  ...ocspRoutes,
  {
    id: "createEnrollmentToken",
    method: "POST",
    path: "/v1/fleets/{fleet}/enrollment-tokens",
    access: { by: ["operator", "pipeline"], roles: provisioning, operation: "createEnrollmentToken" },
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
    access: { by: ["enrollment"] },
    function: "enrollment",
    summary: "Enrol: exchange an enrolment credential and a CSR for a certificate",
    touches: { items: "write", keys: "issue" },
    consumes: ["application/pkcs10", "application/json"],
    produces: ["application/json", "application/pem-certificate-chain"],
  },
  {
    id: "renew",
    method: "POST",
    path: "/v1/fleets/{fleet}/certificates/renew",
    access: { by: ["device"], standing: "transaction" },
    function: "enrollment",
    summary: "Renew over mutual TLS: the same identity, a new certificate",
    touches: { items: "write", keys: "issue" },
    consumes: ["application/pkcs10", "application/json"],
    produces: ["application/json", "application/pem-certificate-chain"],
  },
  {
    id: "registerDevices",
    method: "POST",
    path: "/v1/fleets/{fleet}/devices",
    access: { by: ["operator", "pipeline"], roles: provisioning, operation: "registerDevices" },
    function: "enrollment",
    summary: "Put devices into the inventory, with their keys or serial numbers",
    touches: { items: "write", keys: "none" },
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "getDevice",
    method: "GET",
    path: "/v1/fleets/{fleet}/devices/{deviceId}",
    access: { by: ["operator"], roles: everyRole },
    function: "enrollment",
    summary: "Show one device and its state",
    touches: { items: "read", keys: "none" },
    produces: ["application/json"],
  },
  {
    id: "setDeviceState",
    method: "POST",
    path: "/v1/fleets/{fleet}/devices/{deviceId}/state",
    access: { by: ["operator"], roles: security },
    function: "enrollment",
    summary: "Suspend, release or retire a device",
    touches: { items: "write", keys: "none", releases: true },
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "getOwnDevice",
    method: "GET",
    path: "/v1/fleets/{fleet}/device",
    access: { by: ["device"] },
    function: "enrollment",
    summary: "Show the calling device what is known of it",
    touches: { items: "read", keys: "none" },
    produces: ["application/json"],
  },
  {
    id: "acknowledgeTrust",
    method: "POST",
    path: "/v1/fleets/{fleet}/trust/acknowledgements",
    access: { by: ["device", "pipeline"], operation: "acknowledgeTrust" },
    function: "enrollment",
    summary: "Report the version of the trust manifest that the caller has adopted",
    touches: { items: "write", keys: "none" },
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "acknowledgeTrustByIam",
    method: "POST",
    path: "/v1/iam/fleets/{fleet}/trust/acknowledgements",
    access: { by: ["iam"], operation: "acknowledgeTrust" },
    function: "enrollment",
    summary: "As acknowledgeTrust, for a pipeline that signs with SigV4",
    touches: { items: "write", keys: "none" },
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "createClaim",
    method: "POST",
    path: "/v1/fleets/{fleet}/claims",
    access: { by: ["operator"], roles: provisioning },
    function: "enrollment",
    summary: "Certify the claim of a production batch",
    touches: { items: "write", keys: "issue" },
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "getClaim",
    method: "GET",
    path: "/v1/fleets/{fleet}/claims/{claimId}",
    access: { by: ["operator"], roles: everyRole },
    function: "enrollment",
    summary: "Show a claim and how much of its quota is used",
    touches: { items: "read", keys: "none" },
    produces: ["application/json"],
  },
  {
    id: "listEnrollmentRequests",
    method: "GET",
    path: "/v1/fleets/{fleet}/enrollment-requests",
    access: { by: ["operator"], roles: everyRole },
    function: "enrollment",
    summary: "List enrolment requests that wait for a decision",
    touches: { items: "read", keys: "none" },
    produces: ["application/json"],
  },
  {
    id: "decideEnrollmentRequest",
    method: "POST",
    path: "/v1/fleets/{fleet}/enrollment-requests/{requestId}/decision",
    access: { by: ["operator"], roles: provisioning },
    function: "enrollment",
    summary: "Approve or deny an enrolment request",
    touches: { items: "write", keys: "none" },
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "certifyOperator",
    method: "POST",
    path: "/v1/fleets/{fleet}/operator-certificates",
    access: { by: ["operator"], roles: everyRole, sessionOnly: true },
    function: "enrollment",
    summary: "Certify the calling operator's key for the command line",
    touches: { items: "write", keys: "issue" },
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "createEnrollmentTokenByIam",
    method: "POST",
    path: "/v1/iam/fleets/{fleet}/enrollment-tokens",
    access: { by: ["iam"], operation: "createEnrollmentToken" },
    function: "enrollment",
    summary: "As createEnrollmentToken, for a pipeline that signs with SigV4",
    touches: { items: "write", keys: "none" },
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "registerDevicesByIam",
    method: "POST",
    path: "/v1/iam/fleets/{fleet}/devices",
    access: { by: ["iam"], operation: "registerDevices" },
    function: "enrollment",
    summary: "As registerDevices, for a pipeline that signs with SigV4",
    touches: { items: "write", keys: "none" },
    consumes: ["application/json"],
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
  /**
   * `artifacts` writes and removes what anyone may read; `everything` writes that, trust stores and lasting records, and
   * removes nothing.
   */
  readonly publishes: "none" | "artifacts" | "everything";
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
    publishes: "none",
    notifies: true,
  },
  {
    id: "publish",
    function: "publication",
    trigger: { everyMinutes: 1 },
    summary: "Sign and publish CRLs and trust manifests that changed or are due, certify OCSP responders",
    touches: { items: "write", keys: "publish" },
    publishes: "artifacts",
    notifies: true,
  },
  {
    id: "maintain",
    function: "maintenance",
    trigger: { everyMinutes: 5 },
    summary: "Count certificates, tell of those that end, go on with bulk revocations",
    touches: { items: "write", keys: "none", starts: ["publish"] },
    publishes: "none",
    notifies: true,
  },
  {
    id: "rotate",
    function: "rollover",
    trigger: { everyMinutes: 5 },
    summary: "Enforce cryptoperiods, move rollovers on, lend roots to ceremonies and take them back",
    touches: {
      items: "write",
      keys: "none",
      custody: true,
      dataKeys: true,
      starts: ["publish", "maintain", "ceremony"],
    },
    publishes: "none",
    notifies: true,
  },
  {
    id: "ceremony",
    function: "ceremony",
    trigger: "invocation",
    summary: "Have lent roots sign what two people have approved",
    touches: { items: "write", keys: "certify", starts: ["publish", "rotate"] },
    publishes: "everything",
    notifies: true,
  },
  {
    id: "tendServers",
    function: "servers",
    trigger: { everyMinutes: 60 },
    summary: "Issue certificates of servers, renew them where they are held, look for drift",
    touches: { items: "write", keys: "issue", certificates: true, starts: ["publish"] },
    publishes: "none",
    notifies: true,
  },
  {
    id: "bootstrapFleet",
    function: "bootstrap",
    trigger: "invocation",
    summary: "Make a configured fleet with its authorities, publish its trust, certify an operator",
    touches: { items: "write", keys: "certify" },
    publishes: "everything",
    notifies: true,
  },
  {
    id: "provisionEnrollmentToken",
    function: "provisioning",
    trigger: "invocation",
    summary: "Create a one-time enrolment token for a caller that IAM vouches for",
    touches: { items: "write", keys: "none" },
    publishes: "none",
    notifies: false,
  },
] as const satisfies readonly Task[];

export type TaskRow = (typeof tasks)[number];
