/** Room: lambdas/enrollment. Devices and pipelines report which trust they have adopted. */
import type { PipelineCaller } from "../../core/access/caller.ts";
import { acknowledgeTrust } from "../../core/distribution/acknowledgement.ts";
import type { KeylessApp } from "../../core/ports.ts";
import { acknowledgeTrustRequest } from "../http/inventory-schemas.ts";
import type { DeviceIdentity, HttpEvent, HttpResult, RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

async function acknowledge(
  app: KeylessApp,
  event: HttpEvent,
  fleet: string,
  caller: DeviceIdentity | PipelineCaller,
): Promise<HttpResult> {
  const request = parse(acknowledgeTrustRequest, bodyJson(event), "body");
  const subject =
    caller.kind === "device"
      ? ({ kind: "device", id: caller.subjectId } as const)
      : ({ kind: "pipeline", id: caller.subjectId } as const);
  return jsonResult(200, await acknowledgeTrust(app, { fleet, subject, ...request }));
}

export function acknowledgementHandlers(
  app: KeylessApp,
): Pick<RouteHandlers<"enrollment">, "acknowledgeTrust" | "acknowledgeTrustByIam"> {
  return {
    acknowledgeTrust: ({ event, path: { fleet }, caller }) => acknowledge(app, event, fleet, caller),
    acknowledgeTrustByIam: ({ event, path: { fleet }, caller }) => acknowledge(app, event, fleet, caller),
  };
}
