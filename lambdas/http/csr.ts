/** Room: lambdas/http. A request for a certificate, in each form that a body may have. */
import type { ProfileId } from "../../core/standard/profiles.ts";
import type { HttpEvent } from "./message.ts";
import { bodyJson, csrFromBody, csrFromText, mediaType } from "./request.ts";
import { certificationRequest, parse } from "./schemas.ts";

export interface RequestedCertificate {
  /** DER, not yet read. */
  readonly csr: Buffer;
  readonly profile?: ProfileId;
  readonly deviceId?: string;
  /** PEM, not yet read. */
  readonly previousCertificate?: string;
}

const consumes = ["application/pkcs10", "application/json"] as const;

/** @throws AppError media_type_unsupported, request_invalid, profile_unknown, pem_malformed, csr_malformed. */
export function requestedCertificate(event: HttpEvent): RequestedCertificate {
  if (mediaType(event, consumes) !== "application/json") return { csr: csrFromBody(event) };
  const { csr, ...rest } = parse(certificationRequest, bodyJson(event), "body");
  return { csr: csrFromText(csr), ...rest };
}
