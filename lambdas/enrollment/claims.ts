/** Room: lambdas/enrollment. Claims of production batches over HTTP. */
import { createClaim, getClaim } from "../../core/enrollment/claim.ts";
import type { App } from "../../core/ports.ts";
import { createClaimRequest } from "../http/device-schemas.ts";
import type { RouteHandlers } from "../http/message.ts";
import { bodyJson, csrFromText } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

type Own = "createClaim" | "getClaim";

export function claimHandlers(app: App): Pick<RouteHandlers<"enrollment">, Own> {
  return {
    createClaim: async ({ event, path: { fleet }, caller: { actor } }) => {
      const { csr, ...terms } = parse(createClaimRequest, bodyJson(event), "body");
      const issued = await createClaim(app, { fleet, actor, csr: csrFromText(csr), ...terms });
      return jsonResult(201, issued, { location: `/v1/fleets/${fleet}/claims/${issued.claimId}` });
    },

    getClaim: async ({ path: { fleet, claimId } }) => jsonResult(200, await getClaim(app, fleet, claimId)),
  };
}
