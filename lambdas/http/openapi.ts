/**
 * Room: lambdas/http. The OpenAPI 3.1 document, made from the routes and the very schemas that validate.
 * `npm run docs` writes it to docs/openapi.json, which is what the service serves.
 */
import * as z from "zod/mini";
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiParameters,
  type ZodOpenApiResponseObject,
} from "zod-openapi";
import type { ErrorCode } from "../../core/errors.ts";
import manifest from "../../package.json" with { type: "json" };
import { type CredentialKind, type MediaType, type Route, type RouteId, routes } from "../routes.ts";
import { problem } from "./answer-schemas.ts";
import { type OperationDetails, operationDetails } from "./openapi-operations.ts";
import { problemDetails, problems } from "./problems.ts";
import { fleetId, serialNumber } from "./schemas.ts";

type Schema = z.core.$ZodType;

const exampleRequestId = "7d1f3c2e-7a1e-4a52-9d84-6f3f5f0f6f50";
const pemExample = "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n";
const requestExample = "-----BEGIN CERTIFICATE REQUEST-----\nMIHz…\n-----END CERTIFICATE REQUEST-----\n";

const security: Readonly<Record<CredentialKind, { readonly [scheme: string]: string[] }>> = {
  operator: { operatorCertificate: [] },
  device: { deviceCertificate: [] },
  enrollmentToken: { enrollmentToken: [] },
};

function content(types: readonly MediaType[], schema: Schema, textExample: string) {
  return Object.fromEntries(
    types.map((type) => [
      type,
      type === "application/json"
        ? { schema }
        : { schema: { type: "string" as const }, examples: { pem: { value: textExample } } },
    ]),
  );
}

/** Every route may answer these; `access` adds what its credential can fail with. */
const always: readonly ErrorCode[] = ["not_found", "method_not_allowed", "not_acceptable", "internal"];
const accessCodes: Readonly<Record<CredentialKind, readonly ErrorCode[]>> = {
  enrollmentToken: ["credential_missing", "credential_invalid", "credential_expired"],
  operator: certificateCodes(),
  device: certificateCodes(),
};

function certificateCodes(): readonly ErrorCode[] {
  return [
    "client_certificate_required",
    "client_certificate_untrusted",
    "client_certificate_expired",
    "client_certificate_revoked",
    "access_denied",
  ];
}

function problemCodes(route: Route, own: readonly ErrorCode[]): readonly ErrorCode[] {
  const access = route.access === "public" ? [] : accessCodes[route.access[0]];
  const body: readonly ErrorCode[] =
    route.consumes === undefined ? [] : ["request_invalid", "request_too_large", "media_type_unsupported"];
  const store: readonly ErrorCode[] = route.touches.items === "none" ? [] : ["store_unavailable"];
  const keys: readonly ErrorCode[] = route.touches.keys === "issue" ? ["key_service_unavailable"] : [];
  return [...new Set([...access, ...own, ...body, ...always, ...store, ...keys])];
}

function problemResponse([first, ...others]: readonly [ErrorCode, ...ErrorCode[]]): ZodOpenApiResponseObject {
  return {
    description: [first, ...others].map((code) => `\`${code}\`: ${problems[code].title}.`).join(" "),
    content: {
      "application/problem+json": {
        schema: problem,
        example: problemDetails(first, undefined, exampleRequestId),
      },
    },
  };
}

/** One response a status, which is what OpenAPI has room for; its description lists the codes. */
function problemResponses(
  codes: readonly ErrorCode[],
): Record<`${4 | 5}${string}`, ZodOpenApiResponseObject> {
  const byStatus = new Map<number, [ErrorCode, ...ErrorCode[]]>();
  for (const code of codes) {
    const { status } = problems[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code] as [ErrorCode, ...ErrorCode[]]);
  }
  const ordered = [...byStatus].sort(([a], [b]) => a - b);
  return Object.fromEntries(ordered.map(([status, of]) => [String(status), problemResponse(of)]));
}

function requestParams(route: Route, query: ZodOpenApiParameters["query"]): ZodOpenApiParameters {
  const names = {
    ...(route.path.includes("{fleet}") ? { fleet: fleetId() } : {}),
    ...(route.path.includes("{serialNumber}") ? { serialNumber: serialNumber() } : {}),
  };
  const path = Object.keys(names).length === 0 ? {} : { path: z.object(names) };
  return { ...path, ...(query === undefined ? {} : { query }) };
}

function requestBody(
  route: Route,
  details: OperationDetails,
): Pick<ZodOpenApiOperationObject, "requestBody"> {
  if (route.consumes === undefined || details.request === undefined) return {};
  const { schema, required } = details.request;
  return { requestBody: { required, content: content(route.consumes, schema, requestExample) } };
}

/** RFC 9110 §15.4.5, where answers carry an ETag. */
function notModified({ headers }: OperationDetails): Record<string, ZodOpenApiResponseObject> {
  const hasTag = headers !== undefined && "etag" in headers.shape;
  return hasTag ? { "304": { description: "The client has it already (If-None-Match).", headers } } : {};
}

function operation(route: Route & { readonly id: RouteId }): ZodOpenApiOperationObject {
  const details: OperationDetails = operationDetails[route.id];
  const success: ZodOpenApiResponseObject = {
    description: details.answers,
    ...(details.headers === undefined ? {} : { headers: details.headers }),
    content: content(route.produces, details.response, pemExample),
  };
  return {
    operationId: route.id,
    summary: route.summary,
    description: details.description,
    tags: [route.function],
    security: route.access === "public" ? [] : route.access.map((kind) => security[kind]),
    requestParams: requestParams(route, details.query),
    ...requestBody(route, details),
    responses: {
      [details.status]: success,
      ...notModified(details),
      ...problemResponses(problemCodes(route, details.problems)),
    },
  };
}

function paths(): Record<string, Record<string, ZodOpenApiOperationObject>> {
  const all: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes) {
    all[route.path] = { ...all[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return all;
}

const securitySchemes = {
  operatorCertificate: {
    type: "mutualTLS",
    description: "The client certificate of an operator of the fleet, over mutual TLS.",
  },
  deviceCertificate: {
    type: "mutualTLS",
    description:
      "The client certificate of a device of the fleet, over mutual TLS: in force and not revoked.",
  },
  enrollmentToken: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "43 characters of base64url",
    description: "A one-time enrolment token.",
  },
} as const;

/** The whole document, as plain JSON values in a stable order. */
export function openApiDocument(): ReturnType<typeof createDocument> {
  return createDocument({
    openapi: "3.1.0",
    info: {
      title: "Fleetkey",
      version: manifest.version,
      description:
        "Keys and certificates for fleets of connected devices. HTTPS only. Failures are RFC 9457 problem details with a stable `code`.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "https://127.0.0.1:8443", description: "The embedded server" }],
    tags: [
      { name: "enrollment", description: "Tokens, first certificates and renewals." },
      { name: "distribution", description: "Trust, inventory, this description and health." },
      { name: "revocation", description: "Taking trust back." },
    ],
    paths: paths(),
    components: { securitySchemes },
  });
}
