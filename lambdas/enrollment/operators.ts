/** Room: lambdas/enrollment. Certificates of operators over HTTP. */
import { certifyOperator } from "../../core/enrollment/operator-certificate.ts";
import { AppError } from "../../core/errors.ts";
import type { App } from "../../core/ports.ts";
import { requestedCertificate } from "../http/csr.ts";
import type { RouteHandlers } from "../http/message.ts";
import { certificateLocation, certificateResult } from "../http/response.ts";

export function operatorHandlers(app: App): Pick<RouteHandlers<"enrollment">, "certifyOperator"> {
  return {
    certifyOperator: async ({ event, path: { fleet }, caller, accepted }) => {
      const { csr, profile = "operator" } = requestedCertificate(event);
      if (profile !== "operator")
        throw new AppError("profile_not_permitted", "this call is for profile operator; leave it out");
      const issued = await certifyOperator(app, caller, { csr });
      return certificateResult(201, issued, accepted, certificateLocation(fleet, issued.serialNumber));
    },
  };
}
