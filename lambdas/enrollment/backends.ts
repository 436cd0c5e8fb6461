/** Room: lambdas/enrollment. Certificates of backends over HTTP. */
import { certifyBackend } from "../../core/enrollment/backend-certificate.ts";
import type { App } from "../../core/ports.ts";
import { createBackendCertificateRequest } from "../http/device-schemas.ts";
import type { RouteHandlers } from "../http/message.ts";
import { bodyJson, csrFromText } from "../http/request.ts";
import { certificateLocation, certificateResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

export function backendHandlers(app: App): Pick<RouteHandlers<"enrollment">, "createBackendCertificate"> {
  return {
    createBackendCertificate: async ({ event, path: { fleet, backendId }, caller, accepted }) => {
      const { csr } = parse(createBackendCertificateRequest, bodyJson(event), "body");
      const issued = await certifyBackend(app, caller, { backendId, csr: csrFromText(csr) });
      return certificateResult(201, issued, accepted, certificateLocation(fleet, issued.serialNumber));
    },
  };
}
