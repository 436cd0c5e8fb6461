/** Room: lambdas/http. What the OpenAPI document says of each route beyond the route's own row. */
import * as z from "zod/mini";
import type { ErrorCode } from "../../core/errors.ts";
import type { RouteId } from "../routes.ts";
import { pendingEnrollment } from "./access-answers.ts";
import { enrollmentToken, issuedCertificate } from "./answer-schemas.ts";
import { createBackendCertificateRequest } from "./device-schemas.ts";
import { accessOperations, deviceOperations } from "./openapi-access.ts";
import { acknowledgementOperations, distributionOperations } from "./openapi-distribution.ts";
import type { OperationDetails } from "./openapi-operation.ts";
import { protectionOperations } from "./openapi-protection.ts";
import { ocspOperations, revocationOperations } from "./openapi-revocation.ts";
import { rotationOperations } from "./openapi-rotation.ts";
import { certificationRequest, createEnrollmentTokenRequest } from "./schemas.ts";

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
const csr = { schema: certificationRequest(), required: true } as const;

const createEnrollmentTokenDetails = {
  status: "201",
  description: "The token is shown once and enrols the named device, once, until it expires.",
  answers: "The token.",
  request: { schema: createEnrollmentTokenRequest(), required: true },
  response: enrollmentToken,
  problems: ["name_not_permitted", "profile_unknown", "profile_not_permitted"],
} as const satisfies OperationDetails;

export const operationDetails = {
  ...accessOperations,
  ...deviceOperations,
  ...distributionOperations,
  ...acknowledgementOperations,
  ...revocationOperations,
  ...rotationOperations,
  ...protectionOperations,
  ...ocspOperations,
  createEnrollmentToken: createEnrollmentTokenDetails,
  createEnrollmentTokenByIam: createEnrollmentTokenDetails,
  certifyOperator: {
    status: "201",
    description:
      "For the command line. The session proves more than one factor; the certificate names the calling operator, whatever the CSR says.",
    answers: "The certificate and its chain.",
    request: csr,
    response: issuedCertificate,
    headers: location,
    problems: [...csrCodes, "fleet_suspended", "rate_limited", "store_condition_failed"],
  },
  createBackendCertificate: {
    status: "201",
    description:
      "Two people approve it, for whoever holds the key comes to what the fleet's configuration opens to that backend: an entry of kind `certificate`. From then on the backend renews by itself. The certificate names the backend of the path, whatever the CSR says. Where the answer was lost, another approval of the same request gets the same certificate.",
    answers: "The certificate and its chain.",
    request: { schema: createBackendCertificateRequest(), required: true },
    response: issuedCertificate,
    headers: location,
    problems: [...csrCodes, "name_not_permitted", "credential_spent", "store_condition_failed"],
  },
  renewBackendCertificate: {
    status: "201",
    description:
      "A backend renews its own certificate with a new key, whatever the configuration says of it; another backend's path is `access_denied`. The same request gets the same certificate again; one certificate has at most 8 successors.",
    answers: "The certificate and its chain.",
    request: { schema: createBackendCertificateRequest(), required: true },
    response: issuedCertificate,
    headers: location,
    problems: [...csrCodes, "name_not_permitted", "key_reused", "credential_spent", "store_condition_failed"],
  },
  enroll: {
    status: "201",
    description:
      "The CSR proves possession of the key; the names come from the credential, never from the CSR. The credential is a one-time token (Bearer), a claim or manufacturer certificate (mutual TLS), a key that was registered before, an expired certificate, or an operator's decision: what the fleet accepts. The same credential with the same CSR and profile gives the same certificate; another CSR on one that counts once is `credential_spent`. 202 with Retry-After while an operator has to decide: repeat the same request.",
    answers: "The certificate and its chain.",
    request: csr,
    response: issuedCertificate,
    headers: location,
    pending: {
      answers: "An operator has to decide first; repeat the same request.",
      response: pendingEnrollment,
    },
    problems: [
      ...csrCodes,
      "credential_spent",
      "credential_not_accepted",
      "quota_exhausted",
      "device_unknown",
      "device_not_active",
      "enrollment_denied",
      "rate_limited",
    ],
  },
  renew: {
    status: "201",
    description:
      "The presented device certificate decides the identity. The profile decides whether the key may stay. The same request gets the same certificate again; one certificate has at most 8 successors, and a further request, or one whose answer was revoked or has expired, is `credential_spent`.",
    answers: "The new certificate and its chain.",
    request: csr,
    response: issuedCertificate,
    headers: location,
    problems: [...csrCodes, "key_reused", "credential_spent", "device_not_active", "rate_limited"],
  },
} as const satisfies Record<RouteId, OperationDetails>;
