/** Room: lambdas/http. What the OpenAPI document says of each route beyond the route's own row. */
import * as z from "zod/mini";
import type { ZodOpenApiParameters } from "zod-openapi";
import type { ErrorCode } from "../../core/errors.ts";
import type { RouteId } from "../routes.ts";
import {
  certificateDetails,
  certificatePage,
  enrollmentToken,
  health,
  issuedCertificate,
  revocation,
} from "./answer-schemas.ts";
import {
  certificationRequest,
  createEnrollmentTokenRequest,
  listCertificatesQuery,
  revocationRequest,
} from "./schemas.ts";

export interface OperationDetails {
  readonly status: "200" | "201";
  readonly description: string;
  /** What the success response is. */
  readonly answers: string;
  readonly request?: { readonly schema: z.core.$ZodType; readonly required: boolean };
  readonly query?: ZodOpenApiParameters["query"];
  readonly response: z.core.$ZodType;
  readonly headers?: z.ZodMiniObject;
  /** Codes of the use case itself; those of transport and access are added for every route. */
  readonly problems: readonly ErrorCode[];
}

const csrCodes: readonly ErrorCode[] = [
  "pem_malformed",
  "csr_malformed",
  "csr_too_large",
  "csr_too_deep",
  "csr_version_unsupported",
  "csr_algorithm_unsupported",
  "csr_signature_invalid",
  "csr_attribute_duplicate",
  "csr_extension_duplicate",
  "csr_extension_not_permitted",
  "csr_subject_mismatch",
  "csr_san_not_permitted",
  "csr_ca_requested",
  "csr_key_usage_not_permitted",
  "csr_extended_key_usage_not_permitted",
  "key_unsupported",
  "key_malformed",
  "key_weak",
  "algorithm_not_permitted",
  "profile_unknown",
  "profile_not_permitted",
  "authority_unavailable",
  "issuance_in_progress",
  "issuance_closed",
];

const location = z.object({ location: z.string() });
const cached = z.object({ etag: z.string(), "cache-control": z.string() });
const csr = { schema: certificationRequest(), required: true } as const;

export const operationDetails = {
  createEnrollmentToken: {
    status: "201",
    description: "The token is shown once and enrols the named device, once, until it expires.",
    answers: "The token.",
    request: { schema: createEnrollmentTokenRequest(), required: true },
    response: enrollmentToken,
    problems: ["name_not_permitted", "profile_unknown", "profile_not_permitted"],
  },
  enroll: {
    status: "201",
    description:
      "The CSR proves possession of the key; the names come from the token, never from the CSR. The same token with the same CSR and profile gives the same certificate; another CSR is `credential_spent`.",
    answers: "The certificate and its chain.",
    request: csr,
    response: issuedCertificate,
    headers: location,
    problems: [...csrCodes, "credential_spent"],
  },
  renew: {
    status: "201",
    description:
      "The presented device certificate decides the identity. The profile decides whether the key may stay. The same request gets the same certificate again; one certificate has at most 8 successors, and a further request, or one whose answer was revoked or has expired, is `credential_spent`.",
    answers: "The new certificate and its chain.",
    request: csr,
    response: issuedCertificate,
    headers: location,
    problems: [...csrCodes, "key_reused", "credential_spent"],
  },
  listCertificates: {
    status: "200",
    description: "Newest first. There is more as long as a page has a cursor.",
    answers: "A page of certificates.",
    query: listCertificatesQuery(),
    response: certificatePage,
    problems: ["request_invalid", "cursor_invalid"],
  },
  getCertificate: {
    status: "200",
    description: "The certificate, its chain and its status now.",
    answers: "The certificate.",
    response: certificateDetails,
    problems: ["request_invalid"],
  },
  revokeCertificate: {
    status: "200",
    description:
      "Final. Repeating it with the same reason gives the same answer; without a reason it is `unspecified`.",
    answers: "The revocation.",
    request: { schema: revocationRequest(), required: false },
    response: revocation,
    problems: ["already_revoked"],
  },
  getTrustBundle: {
    status: "200",
    description:
      "Root certificates as PEM. Check the fingerprint of the first one by another way before relying on it.",
    answers: "The roots.",
    response: z.string(),
    headers: cached,
    problems: [],
  },
  getOpenApi: {
    status: "200",
    description: "OpenAPI 3.1.",
    answers: "This document.",
    response: z.looseObject({ openapi: z.string() }),
    headers: cached,
    problems: [],
  },
  getHealth: {
    status: "200",
    description: "Writes one small item, at most once a second; answers in between repeat the outcome.",
    answers: "The store takes writes.",
    response: health,
    problems: [],
  },
} as const satisfies Record<RouteId, OperationDetails>;
