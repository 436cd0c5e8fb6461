/** Room: lambdas/revocation. Bulk revocation: a dry run that counts, then, approved by two people, the same for real. */
import type { RevocationApp } from "../../core/ports.ts";
import {
  cancelRevocation,
  executeRevocation,
  getRevocationJob,
  listRevocationJobs,
  previewRevocation,
} from "../../core/revocation/bulk.ts";
import type { RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import {
  executeRevocationRequest,
  listRevocationJobsQuery,
  previewRevocationRequest,
} from "../http/revocation-schemas.ts";
import { parse } from "../http/schemas.ts";

type Jobs =
  | "previewRevocation"
  | "listRevocationJobs"
  | "getRevocationJob"
  | "executeRevocation"
  | "cancelRevocation";

const defaultLimit = 100;

export function jobHandlers(app: RevocationApp): Pick<RouteHandlers<"revocation">, Jobs> {
  return {
    previewRevocation: async ({ event, path: { fleet }, caller }) => {
      const { criteria, reason = "unspecified" } = parse(previewRevocationRequest, bodyJson(event), "body");
      const { issuedFrom, issuedTo, ...rest } = criteria;
      const job = await previewRevocation(app, {
        fleet,
        actor: caller.actor,
        reason,
        criteria: {
          ...rest,
          ...(issuedFrom === undefined ? {} : { issuedFrom: Date.parse(issuedFrom) }),
          ...(issuedTo === undefined ? {} : { issuedTo: Date.parse(issuedTo) }),
        },
      });
      return jsonResult(201, job, { location: `/v1/fleets/${fleet}/revocations/${job.jobId}` });
    },

    listRevocationJobs: async ({ event, path: { fleet } }) => {
      const { limit, ...query } = parse(listRevocationJobsQuery, event.queryStringParameters ?? {}, "query");
      const count = limit === undefined ? defaultLimit : Number(limit);
      return jsonResult(200, await listRevocationJobs(app, { fleet, ...query, limit: count }));
    },

    getRevocationJob: async ({ path }) => jsonResult(200, await getRevocationJob(app, path)),

    executeRevocation: async ({ event, path, caller, approval }) => {
      const { certificates } = parse(executeRevocationRequest, bodyJson(event), "body");
      return jsonResult(200, await executeRevocation(app, { ...path, caller, certificates, approval }));
    },

    cancelRevocation: async ({ path, caller }) =>
      jsonResult(200, await cancelRevocation(app, { ...path, actor: caller.actor })),
  };
}
