/** Room: lambdas/http. What the OpenAPI document says of trust, keys, lists and the inventory. */
import * as z from "zod/mini";
import type { RouteIdOf } from "../routes.ts";
import { certificateDetails, certificatePage, health } from "./answer-schemas.ts";
import * as answers from "./distribution-answers.ts";
import { acknowledgeTrustRequest, deviceKeysQuery, listCertificatesQuery } from "./inventory-schemas.ts";
import type { OperationDetails } from "./openapi-operation.ts";

const cached = z.object({ etag: z.string(), "cache-control": z.string() });

/** Something that lies in the object store, as it was published. */
const published = (description: string, what: string) =>
  ({
    status: "200",
    description,
    answers: what,
    response: z.string(),
    headers: cached,
    problems: ["answer_too_large"],
  }) as const;

const list = {
  status: "200",
  description:
    "Newest first; by their end when asked for a time of expiry; the last revoked first when asked for revoked ones. A page may be short, or empty: there is more as long as it has a cursor. As CSV or NDJSON, `Link` with rel=next leads to the next page.",
  answers: "A page of certificates.",
  query: listCertificatesQuery(),
  response: certificatePage,
  problems: ["request_invalid", "cursor_invalid"],
} as const satisfies OperationDetails;

const certificate = {
  status: "200",
  description: "The certificate, its chain and its status now.",
  answers: "The certificate.",
  response: certificateDetails,
  problems: ["request_invalid"],
} as const satisfies OperationDetails;

const deviceKeys = {
  status: "200",
  description:
    "For backends that verify what a device signed, or encrypt to it: JWKs with the validity and status of their certificates, the newest first.",
  answers: "A page of keys.",
  query: deviceKeysQuery(),
  response: answers.deviceKeyPage,
  problems: ["request_invalid", "cursor_invalid"],
} as const satisfies OperationDetails;

const adoption = {
  status: "200",
  description: "Counted by a task, some minutes late.",
  answers: "Devices and pipelines by the version that they acknowledged last.",
  response: answers.trustAdoption,
  problems: [],
} as const satisfies OperationDetails;

export const distributionOperations = {
  getTrustManifest: published(
    "A compact JWS (RFC 7515), signed by a key that the version before it names; the first one's certificate is the root's. docs/trust.md says how a device walks from an old version to this one.",
    "The newest manifest.",
  ),
  getTrustManifestVersion: published("Never changes once it is there.", "The manifest of that version."),
  getTrustBundle: published(
    "Root certificates as PEM. Check the fingerprint of the first one by another way before relying on it.",
    "The roots.",
  ),
  getTrustPkcs7: published(
    "RFC 5652 certs-only, for clients that take no PEM.",
    "Roots and issuing authorities.",
  ),
  getTrustDer: published("For clients that take one certificate only.", "The newest root."),
  getJwks: published("RFC 7517; `kid` is the RFC 7638 thumbprint.", "The authorities' public keys."),
  getCrl: published(
    "RFC 5280 §5. Each certificate names its part in cRLDistributionPoints; a part ends when its certificates have expired.",
    "The list.",
  ),
  getRenewalInfo: {
    status: "200",
    description:
      "RFC 9773 §4, for any certificate of the fleet: each has its own place, so that a fleet never renews at once. Ask again after Retry-After, with If-None-Match: people may pull renewals forward. A window that is over means now; that of a revoked certificate is.",
    answers: "When to renew.",
    response: answers.renewalInfo,
    headers: z.object({ ...cached.shape, "retry-after": z.string() }),
    problems: ["request_invalid"],
  },
  getTrustAdoption: adoption,
  getTrustAdoptionByIam: adoption,
  listCertificates: list,
  listCertificatesByIam: list,
  getCertificate: certificate,
  getCertificateByIam: certificate,
  getInventory: {
    status: "200",
    description: "Counted by a task, some minutes late; nothing is searched.",
    answers: "Counts of certificates.",
    response: answers.inventory,
    problems: [],
  },
  getDeviceKeys: deviceKeys,
  getDeviceKeysByIam: deviceKeys,
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
} as const satisfies Record<RouteIdOf<"distribution">, OperationDetails>;

const acknowledgement = {
  status: "200",
  description:
    "A version never falls back: an older one than was acknowledged before changes nothing. The firmware label is what bulk revocation can select by.",
  answers: "What is on record now.",
  request: { schema: acknowledgeTrustRequest(), required: true },
  response: answers.trustAcknowledgement,
  problems: ["name_not_permitted", "store_condition_failed"],
} as const satisfies OperationDetails;

export const acknowledgementOperations = {
  acknowledgeTrust: acknowledgement,
  acknowledgeTrustByIam: acknowledgement,
} as const;
