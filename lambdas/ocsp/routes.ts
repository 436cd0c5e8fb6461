/** Room: lambdas/ocsp. The rows of this function: status of one certificate, for anybody (RFC 6960 Appendix A). */
import type { Route } from "../route.ts";

const touches = { items: "answer", keys: "respond" } as const;

export const ocspRoutes = [
  {
    id: "postOcsp",
    method: "POST",
    path: "/v1/fleets/{fleet}/ocsp",
    access: "public",
    function: "ocsp",
    summary: "Ask for the status of certificates (OCSP)",
    touches,
    consumes: ["application/ocsp-request"],
    produces: ["application/ocsp-response"],
  },
  {
    id: "getOcsp",
    method: "GET",
    path: "/v1/fleets/{fleet}/ocsp/{request+}",
    access: "public",
    function: "ocsp",
    summary: "Ask for the status of certificates (OCSP), in a form that caches may answer",
    touches,
    produces: ["application/ocsp-response"],
  },
] as const satisfies readonly Route[];
