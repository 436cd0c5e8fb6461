/** Room: lambdas/rotation. Certificates of servers that another service holds: wished for here, made by a task. */
import type { OperatorCaller, PipelineCaller } from "../../core/access/caller.ts";
import type { RevocationApp } from "../../core/ports.ts";
import {
  getServerCertificate,
  listServerCertificates,
  type ServerNameCaller,
  serverNamePatterns,
} from "../../core/rotation/server-certificate.ts";
import { removeServerCertificate } from "../../core/rotation/server-removal.ts";
import { requestServerCertificate } from "../../core/rotation/server-request.ts";
import { resumeServerCertificate, rollbackServerCertificate } from "../../core/rotation/server-rollback.ts";
import type { RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { listServerCertificatesQuery, serverCertificateRequest } from "../http/rotation-schemas.ts";
import { parse } from "../http/schemas.ts";

type Servers =
  | "requestServerCertificate"
  | "requestServerCertificateByIam"
  | "listServerCertificates"
  | "getServerCertificate"
  | "getServerCertificateByIam"
  | "rollBackServerCertificate"
  | "resumeServerCertificate"
  | "removeServerCertificate";

const defaultLimit = 100;
const defaultKey = "P-256";

/** A pipeline has the names that the fleet gives it; an operator of the security team, all that policy lets. */
function nameCaller(caller: OperatorCaller | PipelineCaller): ServerNameCaller {
  const { actor, fleetState, subjectId } = caller;
  if (caller.kind === "operator") return { actor, namePatterns: "any" };
  return { actor, namePatterns: serverNamePatterns(fleetState.configuration, subjectId) };
}

async function request(
  app: RevocationApp,
  event: Parameters<typeof bodyJson>[0],
  fleet: string,
  caller: OperatorCaller | PipelineCaller,
) {
  const { keyAlgorithm = defaultKey, ...body } = parse(serverCertificateRequest, bodyJson(event), "body");
  const wish = { fleet, caller: nameCaller(caller), keyAlgorithm, ...body };
  const view = await requestServerCertificate(app, wish);
  return jsonResult(202, view, { location: `/v1/fleets/${fleet}/server-certificates/${view.name}` });
}

type Path = { readonly fleet: string; readonly serverName: string };
const named = ({ fleet, serverName: name }: Path) => ({ fleet, name });

export function serverHandlers(app: RevocationApp): Pick<RouteHandlers<"rotation">, Servers> {
  const show = async (path: Path, caller: OperatorCaller | PipelineCaller) =>
    jsonResult(200, await getServerCertificate(app, { ...named(path), caller: nameCaller(caller) }));
  return {
    requestServerCertificate: ({ event, path: { fleet }, caller }) => request(app, event, fleet, caller),
    requestServerCertificateByIam: ({ event, path: { fleet }, caller }) => request(app, event, fleet, caller),

    listServerCertificates: async ({ event, path }) => {
      const { limit, ...query } = parse(
        listServerCertificatesQuery,
        event.queryStringParameters ?? {},
        "query",
      );
      const count = limit === undefined ? defaultLimit : Number(limit);
      return jsonResult(200, await listServerCertificates(app, { ...path, ...query, limit: count }));
    },

    getServerCertificate: ({ path, caller }) => show(path, caller),
    getServerCertificateByIam: ({ path, caller }) => show(path, caller),

    rollBackServerCertificate: async ({ path, caller: { actor } }) =>
      jsonResult(200, await rollbackServerCertificate(app, { ...named(path), actor })),

    resumeServerCertificate: async ({ path, caller: { actor } }) =>
      jsonResult(200, await resumeServerCertificate(app, { ...named(path), actor })),

    removeServerCertificate: async ({ path, caller: { actor } }) =>
      jsonResult(202, await removeServerCertificate(app, { ...named(path), actor })),
  };
}
