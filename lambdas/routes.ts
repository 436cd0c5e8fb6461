/**
 * Room: lambdas. The API as data: who may call what, which function serves it, and what that function may
 * touch. The router, the access check, the OpenAPI document, the IAM grants and the access matrix are all
 * made from this table, so a route that is not here does not exist anywhere.
 */

import { accessRoutes } from "./access/routes.ts";
import { distributionRoutes } from "./distribution/routes.ts";
import { enrollmentRoutes } from "./enrollment/routes.ts";
import { ocspRoutes } from "./ocsp/routes.ts";
import { protectionRoutes } from "./protection/routes.ts";
import { revocationRoutes } from "./revocation/routes.ts";
import { rotationRoutes } from "./rotation/routes.ts";
import type { FunctionId, Route, TaskFunctionId, Touches } from "./route.ts";

export type * from "./route.ts";

export const routes = [
  ...accessRoutes,
  ...distributionRoutes,
  ...revocationRoutes,
  ...rotationRoutes,
  ...protectionRoutes,
  ...ocspRoutes,
  ...enrollmentRoutes,
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
    id: "safekeep",
    function: "safekeeping",
    trigger: { everyMinutes: 5 },
    summary: "Move subject keys under new wrapping keys, destroy what two people have decided to",
    touches: { items: "write", keys: "none", protection: "keep" },
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
