/**
 * Room: lambdas/http. For an API: nothing here may be framed, sniffed, scripted or cached by accident. The one page
 * brings a policy of its own.
 */
import httpSecurityHeaders from "@middy/http-security-headers";
import type { HttpResult } from "./message.ts";

const strict = httpSecurityHeaders({
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

type Request = Parameters<NonNullable<typeof strict.after>>[0];

const name = "Content-Security-Policy";

/**
 * The one answer that is a page has a policy of its own, in lower case as all headers of ours; it takes the place of
 * the strict one, since a browser that had both would obey both. Failures have the strict one always.
 */
export const securityHeadersMiddleware = {
  ...strict,
  after: (request: Request): void => {
    const headers: Record<string, string> =
      (request.response as Partial<HttpResult> | undefined)?.headers ?? {};
    const own = headers[name.toLowerCase()];
    strict.after?.(request);
    if (own === undefined) return;
    delete headers[name.toLowerCase()];
    headers[name] = own;
  },
};

/** The same, for answers that pass no middleware: they depend on no request, so they are rendered once. */
export const securityHeaders: Readonly<Record<string, string>> = (() => {
  const headers: HttpResult["headers"] = {};
  const request: unknown = { response: { statusCode: 200, headers, body: "" } };
  strict.after?.(request as Request);
  return Object.freeze(headers);
})();
