/** Room: lambdas/revocation. The rows of this function: taking trust back from one certificate, a device, or many. */
import type { Route } from "../route.ts";

const everyRole = ["owner", "securityOfficer", "provisioner", "auditor"] as const;
const security = ["owner", "securityOfficer"] as const;
/** Others are to learn of it within a minute. */
const revokes = { items: "write", keys: "none", starts: ["publish"] } as const;
/** What a request begins and a task goes on with. */
const begins = { items: "write", keys: "none", starts: ["maintain"] } as const;

export const revocationRoutes = [
  {
    id: "revokeCertificate",
    method: "POST",
    path: "/v1/fleets/{fleet}/certificates/{serialNumber}/revocation",
    access: { by: ["operator"], roles: security },
    function: "revocation",
    summary: "Revoke one certificate, or put it on hold",
    touches: revokes,
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "releaseCertificate",
    method: "POST",
    path: "/v1/fleets/{fleet}/certificates/{serialNumber}/release",
    access: { by: ["operator"], roles: security },
    function: "revocation",
    summary: "Release a certificate that was put on hold",
    touches: revokes,
    produces: ["application/json"],
  },
  {
    id: "revokeDevice",
    method: "POST",
    path: "/v1/fleets/{fleet}/devices/{deviceId}/revocation",
    access: { by: ["operator"], roles: security },
    function: "revocation",
    summary: "Revoke all certificates of one device",
    touches: revokes,
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "revokeOwn",
    method: "POST",
    path: "/v1/fleets/{fleet}/device/revocation",
    access: { by: ["device"] },
    function: "revocation",
    summary: "Revoke the calling device's own certificate",
    touches: revokes,
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "previewRevocation",
    method: "POST",
    path: "/v1/fleets/{fleet}/revocations",
    access: { by: ["operator"], roles: security },
    function: "revocation",
    summary: "Count what a bulk revocation would revoke; nothing is revoked yet",
    touches: begins,
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "listRevocationJobs",
    method: "GET",
    path: "/v1/fleets/{fleet}/revocations",
    access: { by: ["operator"], roles: everyRole },
    function: "revocation",
    summary: "List bulk revocations, the newest first",
    touches: { items: "read", keys: "none" },
    produces: ["application/json"],
  },
  {
    id: "getRevocationJob",
    method: "GET",
    path: "/v1/fleets/{fleet}/revocations/{jobId}",
    access: { by: ["operator"], roles: everyRole },
    function: "revocation",
    summary: "Show a bulk revocation and how far it is",
    touches: { items: "read", keys: "none" },
    produces: ["application/json"],
  },
  {
    id: "executeRevocation",
    method: "POST",
    path: "/v1/fleets/{fleet}/revocations/{jobId}/execution",
    access: { by: ["operator"], roles: security, critical: "bulkRevocation" },
    function: "revocation",
    summary: "Revoke what the preview has counted",
    touches: begins,
    consumes: ["application/json"],
    produces: ["application/json"],
  },
  {
    id: "cancelRevocation",
    method: "POST",
    path: "/v1/fleets/{fleet}/revocations/{jobId}/cancellation",
    access: { by: ["operator"], roles: security },
    function: "revocation",
    summary: "Stop a bulk revocation; what is revoked stays so",
    touches: { items: "write", keys: "none" },
    produces: ["application/json"],
  },
] as const satisfies readonly Route[];
