/** Room: lambdas/enrollment. Certificates of backends over HTTP. */
import { certifyBackend, renewBackend } from "../../core/enrollment/backend-certificate.ts";
import type { App } from "../../core/ports.ts";
import { createBackendCertificateRequest } from "../http/device-schemas.ts";
import type { HttpEvent, RouteHandlers } from "../http/message.ts";
import { bodyJson, csrFromText } from "../http/request.ts";
import { certificateLocation, certificateResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

type Own = "createBackendCertificate" | "renewBackendCertificate";

function csrOf(event: HttpEvent): Buffer {
  const { csr } = parse(createBackendCertificateRequest, bodyJson(event), "body");
  return csrFromText(csr);
}

export function backendHandlers(app: App): Pick<RouteHandlers<"enrollment">, Own> {
  return {
    createBackendCertificate: async ({ event, path: { fleet, backendId }, caller, approval, accepted }) => {
      const issued = await certifyBackend(app, { caller, approval, backendId, csr: csrOf(event) });
      return certificateResult(201, issued, accepted, certificateLocation(fleet, issued.serialNumber));
    },

    renewBackendCertificate: async ({ event, path: { fleet, backendId }, caller, accepted }) => {
      const issued = await renewBackend(app, caller, { backendId, csr: csrOf(event) });
      return certificateResult(201, issued, accepted, certificateLocation(fleet, issued.serialNumber));
    },
  };
}
