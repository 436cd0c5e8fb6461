/**
 * Room: lambdas/http. What answers look like, once: the OpenAPI document and the client read these schemas.
 * Functions write answers and never read them, so none of this is in their bundles.
 */
import * as z from "zod/mini";
import { holdReason, revocationReasons } from "../../core/revocation/reason.ts";
import { cursor, deviceId, documented, profileId, serialNumber } from "./schemas.ts";

export const time = (description: string) =>
  documented(z.iso.datetime(), { description, example: "2026-03-01T12:00:00.000Z" });
const pem = (description: string) =>
  documented(z.string(), {
    description,
    example: "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n",
  });

export const enrollmentToken = documented(
  z.strictObject({
    token: documented(z.string(), {
      description: "256 random bits in base64url. Shown once; the service keeps only a hash of it.",
      example: "EXAMPLE-ONLY-EXAMPLE-ONLY-EXAMPLE-ONLY-EXAM",
    }),
    deviceId: deviceId(),
    profile: profileId(),
    expiresAt: time("When the token expires."),
  }),
  { id: "EnrollmentToken" },
);

const certificateFields = {
  certificate: pem("The certificate, PEM."),
  chain: pem(
    "Issuing authorities, nearest first, then cross certificates of their root; the root left out. PEM.",
  ),
};

export const issuedCertificate = documented(
  z.strictObject({
    serialNumber: serialNumber(),
    ...certificateFields,
    notBefore: time("First moment of validity."),
    notAfter: time("Last moment of validity."),
    renewAfter: time("When the device should renew."),
  }),
  { id: "IssuedCertificate" },
);

const summaryFields = {
  serialNumber: serialNumber(),
  subjectId: documented(z.string(), { description: "The device or other subject.", example: "pump-7f3a91" }),
  subjectKind: z.enum(["authority", "device", "server", "operator", "claim", "backend", "service"]),
  profile: z.string(),
  authorityId: z.string(),
  status: z.enum(["active", "revoked", "held", "expired"]),
  keyAlgorithm: documented(z.string(), { example: "P-256" }),
  notBefore: time("First moment of validity."),
  notAfter: time("Last moment of validity."),
  issuedAt: time("When it was issued."),
  revokedAt: z.exactOptional(time("When it was revoked.")),
  revocationReason: z.exactOptional(z.enum([...revocationReasons, holdReason])),
};
export const certificateSummary = documented(z.strictObject(summaryFields), { id: "CertificateSummary" });
export const certificateDetails = documented(
  z.strictObject({ ...summaryFields, ...certificateFields, renewAfter: time("When to renew.") }),
  { id: "CertificateDetails" },
);

export const certificatePage = documented(
  z.strictObject({ certificates: z.array(certificateSummary), cursor: z.exactOptional(cursor()) }),
  { id: "CertificatePage" },
);

export const health = documented(z.strictObject({ status: z.literal("ok") }), { id: "Health" });

export const problem = documented(
  z.object({
    type: documented(z.string(), { example: "urn:fleetkey:problem:csr_signature_invalid" }),
    title: documented(z.string(), { example: "CSR signature does not verify" }),
    status: documented(z.int(), { example: 422 }),
    code: documented(z.string(), {
      description: "Stable; programs branch on it.",
      example: "csr_signature_invalid",
    }),
    detail: z.exactOptional(z.string()),
    instance: documented(z.string(), {
      example: "urn:fleetkey:request:7d1f3c2e-7a1e-4a52-9d84-6f3f5f0f6f50",
    }),
  }),
  { id: "Problem", description: "RFC 9457 problem details." },
);

export type EnrollmentToken = z.infer<typeof enrollmentToken>;
export type IssuedCertificate = z.infer<typeof issuedCertificate>;
export type CertificateSummary = z.infer<typeof certificateSummary>;
export type CertificateDetails = z.infer<typeof certificateDetails>;
export type CertificatePage = z.infer<typeof certificatePage>;
export type ProblemBody = z.infer<typeof problem>;
