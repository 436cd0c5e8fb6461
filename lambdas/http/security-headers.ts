/**
 * Room: lambdas/http. For an API: nothing here is a page, so nothing may be framed, sniffed, scripted or cached
 * by accident.
 */
import httpSecurityHeaders from "@middy/http-security-headers";
import type { HttpResult } from "./message.ts";

export const securityHeadersMiddleware = httpSecurityHeaders({
  contentSecurityPolicy: {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "report-to": "",
    "require-trusted-types-for": "",
    sandbox: "",
    "upgrade-insecure-requests": "",
  },
  // RFC 6797; two years, as preload lists ask. The whole host speaks HTTPS only.
  strictTransportSecurity: { maxAge: 63_072_000, includeSubDomains: true, preload: false },
  crossOriginEmbedderPolicy: false,
  crossOriginOpenerPolicy: false,
  downloadOptions: false,
  dnsPrefetchControl: false,
  originAgentCluster: false,
  permissionsPolicy: false,
  permittedCrossDomainPolicies: false,
  reportingEndpoints: false,
  reportTo: false,
});

/** The same, for answers that pass no middleware: they depend on no request, so they are rendered once. */
export const securityHeaders: Readonly<Record<string, string>> = (() => {
  const headers: HttpResult["headers"] = {};
  const request: unknown = { response: { statusCode: 200, headers, body: "" } };
  const { after } = securityHeadersMiddleware;
  after?.(request as Parameters<NonNullable<typeof after>>[0]);
  return Object.freeze(headers);
})();
