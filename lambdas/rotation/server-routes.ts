/** Room: lambdas/rotation. The rows about certificates of servers, which another service holds: wished for here, made by a task. */
import type { Route } from "../route.ts";

const everyRole = ["owner", "securityOfficer", "provisioner", "auditor"] as const;
const security = ["owner", "securityOfficer"] as const;
const reads = { items: "read", keys: "none" } as const;
const tends = { items: "write", keys: "none", starts: ["tendServers"] } as const;
const json = ["application/json"] as const;

export const serverRoutes = [
  {
    id: "requestServerCertificate",
    method: "POST",
    path: "/v1/fleets/{fleet}/server-certificates",
    access: { by: ["operator", "pipeline"], roles: security, operation: "requestServerCertificate" },
    function: "rotation",
    summary: "Have a server's certificate made, kept fresh and held for load balancers",
    touches: tends,
    consumes: json,
    produces: json,
  },
  {
    id: "requestServerCertificateByIam",
    method: "POST",
    path: "/v1/iam/fleets/{fleet}/server-certificates",
    access: { by: ["iam"], operation: "requestServerCertificate" },
    function: "rotation",
    summary: "As requestServerCertificate, for a pipeline that signs with SigV4",
    touches: tends,
    consumes: json,
    produces: json,
  },
  {
    id: "listServerCertificates",
    method: "GET",
    path: "/v1/fleets/{fleet}/server-certificates",
    access: { by: ["operator"], roles: everyRole },
    function: "rotation",
    summary: "List certificates of servers, by their names",
    touches: reads,
    produces: json,
  },
  {
    id: "getServerCertificate",
    method: "GET",
    path: "/v1/fleets/{fleet}/server-certificates/{serverName}",
    access: { by: ["operator", "pipeline"], roles: everyRole, operation: "getServerCertificate" },
    function: "rotation",
    summary: "Show a server's certificate and where it is held",
    touches: reads,
    produces: json,
  },
  {
    id: "getServerCertificateByIam",
    method: "GET",
    path: "/v1/iam/fleets/{fleet}/server-certificates/{serverName}",
    access: { by: ["iam"], operation: "getServerCertificate" },
    function: "rotation",
    summary: "As getServerCertificate, for a pipeline that signs with SigV4",
    touches: reads,
    produces: json,
  },
  {
    id: "rollBackServerCertificate",
    method: "POST",
    path: "/v1/fleets/{fleet}/server-certificates/{serverName}/rollback",
    access: { by: ["operator"], roles: security },
    function: "rotation",
    summary: "Name the certificate of before, and hold renewals",
    touches: tends,
    produces: json,
  },
  {
    id: "resumeServerCertificate",
    method: "POST",
    path: "/v1/fleets/{fleet}/server-certificates/{serverName}/resumption",
    access: { by: ["operator"], roles: security },
    function: "rotation",
    summary: "Go on with renewals after a rollback or a drift",
    touches: tends,
    produces: json,
  },
  {
    id: "removeServerCertificate",
    method: "DELETE",
    path: "/v1/fleets/{fleet}/server-certificates/{serverName}",
    access: { by: ["operator"], roles: security },
    function: "rotation",
    summary: "End the care for a server's certificate",
    touches: tends,
    produces: json,
  },
] as const satisfies readonly Route[];
