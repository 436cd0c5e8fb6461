import { describe, expect, it } from "vitest";
import committed from "../../docs/openapi.json" with { type: "json" };
import { openApiDocument } from "../../lambdas/http/openapi.ts";
import { problems } from "../../lambdas/http/problems.ts";
import { type Route, routes } from "../../lambdas/routes.ts";

type Json = { readonly [name: string]: unknown };
const document: Json = JSON.parse(JSON.stringify(openApiDocument()));
const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((found, name) => (isObject(found) ? found[name] : undefined), value);
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;
const operationOf = (route: Route): unknown =>
  at(document, "paths", route.path.replace("+}", "}"), route.method.toLowerCase());

/** Every node of the document, with the path that leads to it. */
function* nodes(
  value: unknown,
  path: readonly string[] = [],
): Generator<readonly [readonly string[], unknown]> {
  yield [path, value];
  if (isObject(value))
    for (const [name, child] of Object.entries(value)) yield* nodes(child, [...path, name]);
}

it("the committed document is what the code says", () => {
  expect(committed).toEqual(document);
});

describe("OpenAPI 3.1.0 structure", () => {
  it("§4.8.1: version, info, paths, and nothing that is not known", () => {
    expect(document["openapi"]).toBe("3.1.0");
    expect(at(document, "info")).toMatchObject({
      title: "Fleetkey",
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
    const known = [
      "openapi",
      "info",
      "jsonSchemaDialect",
      "servers",
      "paths",
      "webhooks",
      "components",
      "security",
      "tags",
    ];
    expect(Object.keys(document).filter((name) => !known.includes(name))).toEqual([]);
  });

  it("§4.8.8: paths start with a slash and every path parameter is declared, required", () => {
    for (const [path, item] of Object.entries(at(document, "paths") as Json)) {
      expect(path.startsWith("/")).toBe(true);
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const operation of Object.values(item as Json)) {
        const declared = ((at(operation, "parameters") ?? []) as Json[]).filter(
          (each) => each["in"] === "path",
        );
        expect(declared.map((each) => each["name"])).toEqual(names);
        expect(declared.every((each) => each["required"] === true && isObject(each["schema"]))).toBe(true);
      }
    }
  });

  it("§4.8.10: operationId is unique", () => {
    const ids = [...nodes(document)].filter(([path]) => path.at(-1) === "operationId").map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("§4.8.23: every $ref leads somewhere", () => {
    const references = [...nodes(document)]
      .filter(([path]) => path.at(-1) === "$ref")
      .map(([, to]) => String(to));
    expect(references.length).toBeGreaterThan(20);
    for (const reference of new Set(references)) {
      expect(at(document, ...reference.replace("#/", "").split("/")), reference).toBeDefined();
    }
  });

  it("§4.8.17: every response says what it is; codes are three digits", () => {
    for (const route of routes) {
      for (const [status, response] of Object.entries(at(operationOf(route), "responses") as Json)) {
        expect(status).toMatch(/^[2345]\d\d$/);
        expect(at(response, "description")).toMatch(/\S/);
      }
    }
  });

  it("JSON Schema 2020-12: patterns compile, types are types, `nullable` of 3.0 is not used", () => {
    const types = new Set(["string", "integer", "number", "object", "array", "boolean", "null"]);
    for (const [path, value] of nodes(at(document, "components", "schemas"))) {
      if (path.at(-1) === "pattern" && typeof value === "string")
        expect(() => new RegExp(value)).not.toThrow();
      if (path.at(-1) === "type" && typeof value === "string") expect(types.has(value)).toBe(true);
      expect(path.at(-1)).not.toBe("nullable");
    }
  });
});

describe.each([...routes] as readonly Route[])("$id", (route) => {
  it("is described with its function, its credential and its media types", () => {
    const operation = operationOf(route);
    expect(operation).toMatchObject({
      operationId: route.id,
      summary: route.summary,
      tags: [route.function],
    });
    const schemes = ((at(operation, "security") ?? []) as Json[]).flatMap((each) => Object.keys(each));
    const names = {
      operator: ["operatorCertificate", "operatorSession"],
      device: ["deviceCertificate"],
      enrollment: ["enrollmentToken", "enrollmentCertificate"],
      backend: ["backendCertificate"],
      pipeline: ["pipelineToken"],
      iam: ["sigv4"],
      invitation: ["invitation"],
      proof: ["proofOfPossession"],
    };
    expect(schemes).toEqual(route.access === "public" ? [] : route.access.by.flatMap((kind) => names[kind]));
    for (const scheme of schemes) expect(at(document, "components", "securitySchemes", scheme)).toBeDefined();
    const answered = ["201", "200", "202"].map((status) => at(operation, "responses", status));
    const success = answered.find((each) => each !== undefined) ?? {};
    expect(Object.keys(at(success, "content") as Json)).toEqual([...route.produces]);
    expect(Object.keys((at(operation, "requestBody", "content") ?? {}) as Json)).toEqual([
      ...(route.consumes ?? []),
    ]);
  });

  it("every failure is a problem, with an example of its own status", () => {
    const responses = at(operationOf(route), "responses") as Json;
    const failures = Object.entries(responses).filter(([status]) => status >= "400");
    expect(failures.length).toBeGreaterThan(3);
    for (const [status, response] of failures) {
      const body = at(response, "content", "application/problem+json");
      expect(at(body, "schema", "$ref")).toBe("#/components/schemas/Problem");
      expect(at(body, "example", "status")).toBe(Number(status));
      expect(Object.keys(problems)).toContain(at(body, "example", "code"));
    }
  });
});

it("mutual TLS and Bearer, by their 3.1 names", () => {
  expect(at(document, "components", "securitySchemes")).toMatchObject({
    operatorCertificate: { type: "mutualTLS" },
    deviceCertificate: { type: "mutualTLS" },
    enrollmentToken: { type: "http", scheme: "bearer" },
  });
});
