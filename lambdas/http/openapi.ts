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
import type { OperationDetails } from "./openapi-operation.ts";
import { operationDetails } from "./openapi-operations.ts";
import { securitySchemes } from "./openapi-security.ts";
import type { ParameterName } from "./path.ts";
import { problemDetails, problems } from "./problems.ts";
import { list, manifest as manifestName, ocspRequest, renewalCertId } from "./published-names.ts";
import {
  approvalId,
  authorityId,
  backendId,
  ceremonyId,
  claimId,
  decryptionId,
  deviceId,
  enrollmentRequestId,
  fleetId,
  operatorId,
  reencryptionId,
  renewalWindowId,
  revocationJobId,
  rolloverId,
  serialNumber,
  serverName,
  shredId,
} from "./schemas.ts";

type Schema = z.core.$ZodType;

const exampleRequestId = "7d1f3c2e-7a1e-4a52-9d84-6f3f5f0f6f50";
const pemExample = "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n";
const requestExample = "-----BEGIN CERTIFICATE REQUEST-----\nMIHz…\n-----END CERTIFICATE REQUEST-----\n";

const security: Readonly<Record<CredentialKind, readonly { readonly [scheme: string]: string[] }[]>> = {
  operator: [{ operatorCertificate: [] }, { operatorSession: [] }],
  device: [{ deviceCertificate: [] }],
  // The empty one: a key that was registered before, an expired certificate, an operator's decision.
  enrollment: [{ enrollmentToken: [] }, { enrollmentCertificate: [] }, {}],
  backend: [{ backendCertificate: [] }],
  pipeline: [{ pipelineToken: [] }],
  iam: [{ sigv4: [] }],
  invitation: [{ invitation: [] }],
  proof: [{ proofOfPossession: [] }],
};

const string = { type: "string" } as const;
/** Of these a PEM text is shown; the rest is text or octets that no example helps to read. */
const pemTypes: readonly MediaType[] = ["application/pem-certificate-chain", "application/pkcs10"];

function content(types: readonly MediaType[], schema: Schema, textExample: string) {
  return Object.fromEntries(
    types.map((type) => {
      if (type === "application/json") return [type, { schema }];
      if (!pemTypes.includes(type)) return [type, { schema: string }];
      return [type, { schema: string, examples: { pem: { value: textExample } } }];
    }),
  );
}

/** Every route may answer these; `access` adds what its credential can fail with. */
const always: readonly ErrorCode[] = ["not_found", "method_not_allowed", "not_acceptable", "internal"];
const accessCodes: Readonly<Record<CredentialKind, readonly ErrorCode[]>> = {
  enrollment: [
    "credential_missing",
    "credential_invalid",
    "credential_expired",
    "client_certificate_untrusted",
    "client_certificate_expired",
    "client_certificate_revoked",
    "fleet_suspended",
  ],
  operator: [
    ...certificateCodes(),
    ...proofCodes(),
    "session_invalid",
    "operator_not_active",
    "role_not_permitted",
  ],
  device: [...certificateCodes(), "fleet_suspended"],
  backend: [...certificateCodes(), "fleet_suspended"],
  pipeline: [...pipelineCodes(), "issuer_unavailable"],
  iam: pipelineCodes(),
  invitation: ["credential_missing", "credential_invalid", "credential_expired", "credential_spent"],
  proof: proofCodes(),
};

function proofCodes(): readonly ErrorCode[] {
  return ["proof_missing", "proof_invalid", "proof_replayed"];
}

function pipelineCodes(): readonly ErrorCode[] {
  return ["credential_missing", "token_invalid", "token_expired", "access_denied", "fleet_suspended"];
}

const approvalCodes: readonly ErrorCode[] = [
  "approval_required",
  "approval_incomplete",
  "approval_stale",
  "approval_mismatch",
  "approval_spent",
];

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
  const rule = route.access;
  const access = rule === "public" ? [] : rule.by.flatMap((kind) => accessCodes[kind]);
  const approval = rule !== "public" && rule.critical !== undefined ? approvalCodes : [];
  const body: readonly ErrorCode[] =
    route.consumes === undefined ? [] : ["request_invalid", "request_too_large", "media_type_unsupported"];
  const store: readonly ErrorCode[] = route.touches.items === "none" ? [] : ["store_unavailable"];
  const keys: readonly ErrorCode[] = route.touches.keys === "none" ? [] : ["key_service_unavailable"];
  return [...new Set([...access, ...approval, ...own, ...body, ...always, ...store, ...keys])];
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

const pathSchemas = {
  fleet: fleetId,
  serialNumber,
  deviceId,
  operatorId,
  claimId,
  backendId,
  approvalId,
  requestId: enrollmentRequestId,
  jobId: revocationJobId,
  decryptionId,
  reencryptionId,
  shredId,
  authorityId,
  rolloverId,
  ceremonyId,
  windowId: renewalWindowId,
  serverName,
  list,
  manifest: manifestName,
  certId: renewalCertId,
  request: ocspRequest,
} as const satisfies Record<ParameterName, unknown>;

function requestParams(route: Route, query: ZodOpenApiParameters["query"]): ZodOpenApiParameters {
  const names = Object.fromEntries(
    Object.entries(pathSchemas)
      .filter(([name]) => route.path.includes(`{${name}}`) || route.path.includes(`{${name}+}`))
      .map(([name, schema]) => [name, schema()]),
  );
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

/** RFC 9110 §15.3.3. */
function accepted({ pending }: OperationDetails): Record<string, ZodOpenApiResponseObject> {
  if (pending === undefined) return {};
  const headers = z.object({ "retry-after": z.string() });
  const body = { "application/json": { schema: pending.response } };
  return { "202": { description: pending.answers, headers, content: body } };
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
    security: route.access === "public" ? [] : route.access.by.flatMap((kind) => security[kind]),
    requestParams: requestParams(route, details.query),
    ...requestBody(route, details),
    responses: {
      [details.status]: success,
      ...accepted(details),
      ...notModified(details),
      ...problemResponses(problemCodes(route, details.problems)),
    },
  };
}

function paths(): Record<string, Record<string, ZodOpenApiOperationObject>> {
  const all: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes) {
    // OpenAPI has no parameter of several segments; the one that has some says so itself.
    const path = route.path.replace("+}", "}");
    all[path] = { ...all[path], [route.method.toLowerCase()]: operation(route) };
  }
  return all;
}

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
      { name: "access", description: "Operators, sessions, approvals and the fleet itself." },
      { name: "enrollment", description: "Devices, tokens, claims, first certificates and renewals." },
      { name: "distribution", description: "Trust, inventory, this description and health." },
      { name: "revocation", description: "Taking trust back." },
      { name: "rotation", description: "Keys and authorities that follow one another, ceremonies, servers." },
      { name: "ocsp", description: "Status of single certificates, for anybody." },
    ],
    paths: paths(),
    components: { securitySchemes },
  });
}
