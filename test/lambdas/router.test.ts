import { describe, expect, it } from "vitest";
import { buildTrie, matchRoute } from "../../lambdas/http/router.ts";
import { type Route, routes } from "../../lambdas/routes.ts";

const fill = (path: string): string => path.replace("{fleet}", "default").replace("{serialNumber}", "4f1c0a");

describe("every route of the table is found", () => {
  it.each(routes)("$method $path", (route) => {
    const match = matchRoute(route.method, fill(route.path));
    expect(match).toMatchObject({ kind: "route", route: { id: route.id } });
  });

  it("hands over the parameters as they stand in the path", () => {
    const match = matchRoute("GET", "/v1/fleets/default/certificates/4f1c0a");
    expect(match).toMatchObject({ parameters: { fleet: "default", serialNumber: "4f1c0a" } });
  });

  it("RFC 9110 §9.3.2: HEAD is found where GET is", () => {
    expect(matchRoute("HEAD", "/healthz")).toMatchObject({ kind: "route", route: { id: "getHealth" } });
  });

  it("a literal segment wins over a parameter, and is not tried again as one", () => {
    const path = "/v1/fleets/default/certificates/renew";
    expect(matchRoute("POST", path)).toMatchObject({ route: { id: "renew" } });
    expect(matchRoute("GET", path)).toEqual({ kind: "otherMethod", allow: "POST" });
  });
});

describe("one spelling for each resource: every other one does not exist", () => {
  const paths = [
    ["empty", ""],
    ["root", "/"],
    ["no leading slash", "healthz"],
    ["trailing slash", "/healthz/"],
    ["doubled slash", "//healthz"],
    ["doubled slash inside", "/v1/fleets//certificates"],
    ["empty parameter", "/v1/fleets//trust.pem"],
    ["upper case literal", "/HEALTHZ"],
    ["mixed case literal", "/v1/Fleets/default/trust.pem"],
    ["encoded unreserved character", "/health%7a"],
    ["encoded slash", "/v1%2ffleets/default/trust.pem"],
    ["encoded dot segment", "/v1/fleets/default/x/%2e%2e/trust.pem"],
    ["dot segment", "/v1/fleets/default/x/../trust.pem"],
    ["single dot", "/./healthz"],
    ["NUL", "/healthz%00"],
    ["path parameters of RFC 3986 §3.3", "/healthz;a=b"],
    ["backslash", "\\healthz"],
    ["absolute form", "https://example.test/healthz"],
    ["fragment", "/healthz#x"],
    ["prototype", "/__proto__"],
    ["constructor", "/v1/constructor"],
    ["overlong", `/v1/fleets/${"a".repeat(600)}/trust.pem`],
    ["overlong with many segments", "/v1".repeat(10_000)],
    ["prefix of a route", "/v1/fleets"],
    ["beyond a route", "/healthz/more"],
  ] as const;
  it.each(paths)("%s", (_name, path) => {
    expect(matchRoute("GET", path)).toEqual({ kind: "none" });
  });
});

describe("RFC 9110 §15.5.6: another method of a path that exists", () => {
  it.each([
    ["DELETE", "/v1/fleets/default/certificates", "GET, HEAD, POST"],
    ["POST", "/healthz", "GET, HEAD"],
    ["OPTIONS", "/v1/fleets/default/enrollment-tokens", "POST"],
    ["HEAD", "/v1/fleets/default/enrollment-tokens", "POST"],
    ["get", "/healthz", "GET, HEAD"],
    ["__proto__", "/healthz", "GET, HEAD"],
    ["constructor", "/healthz", "GET, HEAD"],
  ])("%s %s", (method, path, allow) => {
    expect(matchRoute(method, path)).toEqual({ kind: "otherMethod", allow });
  });
});

describe("a table that contradicts itself does not load", () => {
  const row = (path: Route["path"], id = "x"): Route => ({
    id,
    path,
    method: "GET",
    access: "public",
    function: "distribution",
    summary: "",
    touches: { items: "none", keys: "none" },
    produces: ["application/json"],
  });

  it("two routes for one method and path", () => {
    expect(() => buildTrie([row("/a"), row("/a", "y")])).toThrow("two routes for GET /a");
  });

  it("two names for one segment", () => {
    expect(() => buildTrie([row("/a/{b}"), row("/a/{c}/d", "y")])).toThrow("{b}");
  });
});
