/**
 * Room: lambdas/protection. The rows about data at rest that are for the security team: reading in an emergency, moving
 * keys under new ones, destroying them.
 */
import type { Route } from "../route.ts";

const everyRole = ["owner", "securityOfficer", "provisioner", "auditor"] as const;
const security = ["owner", "securityOfficer"] as const;
const overseers = ["owner", "securityOfficer", "auditor"] as const;
const reads = { items: "read", keys: "none" } as const;
const opens = { items: "write", keys: "none", protection: "use" } as const;
const begins = { items: "write", keys: "none", protection: "use", starts: ["safekeep"] } as const;
const json = ["application/json"] as const;

export const keepingRoutes = [
  {
    id: "requestOperatorDecryption",
    method: "POST",
    path: "/v1/fleets/{fleet}/operator-decryptions",
    access: { by: ["operator"], roles: security },
    function: "protection",
    summary: "Ask to read one message, with a reason; others are told at once",
    touches: opens,
    consumes: json,
    produces: json,
  },
  {
    id: "listOperatorDecryptions",
    method: "GET",
    path: "/v1/fleets/{fleet}/operator-decryptions",
    access: { by: ["operator"], roles: overseers },
    function: "protection",
    summary: "List what operators asked to read and read, the newest first",
    touches: reads,
    produces: json,
  },
  {
    id: "getOperatorDecryption",
    method: "GET",
    path: "/v1/fleets/{fleet}/operator-decryptions/{decryptionId}",
    access: { by: ["operator"], roles: overseers },
    function: "protection",
    summary: "Show what an operator asked to read, and why",
    touches: opens,
    produces: json,
  },
  {
    id: "readAsOperator",
    method: "POST",
    path: "/v1/fleets/{fleet}/operator-decryptions/{decryptionId}/reading",
    access: { by: ["operator"], roles: security, critical: "operatorDecryption" },
    function: "protection",
    summary: "Read, once, the message that was asked for",
    touches: opens,
    produces: json,
  },
  {
    id: "startReencryption",
    method: "POST",
    path: "/v1/fleets/{fleet}/reencryptions",
    access: { by: ["operator"], roles: security },
    function: "protection",
    summary: "Move all subject keys under the wrapping key in force",
    touches: begins,
    produces: json,
  },
  {
    id: "listReencryptions",
    method: "GET",
    path: "/v1/fleets/{fleet}/reencryptions",
    access: { by: ["operator"], roles: everyRole },
    function: "protection",
    summary: "List re-encryptions, the newest first",
    touches: reads,
    produces: json,
  },
  {
    id: "getReencryption",
    method: "GET",
    path: "/v1/fleets/{fleet}/reencryptions/{reencryptionId}",
    access: { by: ["operator"], roles: everyRole },
    function: "protection",
    summary: "Show a re-encryption and how far it is",
    touches: reads,
    produces: json,
  },
  {
    id: "cancelReencryption",
    method: "POST",
    path: "/v1/fleets/{fleet}/reencryptions/{reencryptionId}/cancellation",
    access: { by: ["operator"], roles: security },
    function: "protection",
    summary: "Stop a re-encryption; what is moved stays so",
    touches: { items: "write", keys: "none" },
    produces: json,
  },
  {
    id: "shredData",
    method: "POST",
    path: "/v1/fleets/{fleet}/shreds",
    access: { by: ["operator"], roles: security, critical: "dataDestruction" },
    function: "protection",
    summary: "Destroy the keys of a subject's data, or of all of the fleet's",
    touches: begins,
    consumes: json,
    produces: json,
  },
  {
    id: "listShreds",
    method: "GET",
    path: "/v1/fleets/{fleet}/shreds",
    access: { by: ["operator"], roles: everyRole },
    function: "protection",
    summary: "List destructions, the newest first",
    touches: reads,
    produces: json,
  },
  {
    id: "getShred",
    method: "GET",
    path: "/v1/fleets/{fleet}/shreds/{shredId}",
    access: { by: ["operator"], roles: everyRole },
    function: "protection",
    summary: "Show a destruction and its certificate",
    touches: reads,
    produces: json,
  },
] as const satisfies readonly Route[];
