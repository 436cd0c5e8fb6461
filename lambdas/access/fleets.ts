/** Room: lambdas/access. The fleet itself over HTTP: shown, configured, suspended. */

import { AppError } from "../../core/errors.ts";
import { configureFleet } from "../../core/fleets/configure.ts";
import { type FleetDetails, fleetDetails } from "../../core/fleets/details.ts";
import { setFleetState } from "../../core/fleets/state.ts";
import type { KeylessApp } from "../../core/ports.ts";
import { fleetStateRequest } from "../http/access-schemas.ts";
import { fleetConfigurationRequest } from "../http/configuration-schemas.ts";
import type { HttpEvent, HttpResult, RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

type Own = "getFleet" | "configureFleet" | "setFleetState";

const answer = (details: FleetDetails): HttpResult =>
  jsonResult(200, details, { etag: `"${details.configurationVersion}"` });

/** RFC 9110 §13.1.1, of the one tag that `getFleet` gave. */
function seenVersion(event: HttpEvent): { readonly version?: number } {
  const tag = event.headers["if-match"];
  if (tag === undefined || tag === "*") return {};
  const version = /^"(?<version>\d{1,9})"$/.exec(tag)?.groups?.["version"];
  if (version !== undefined) return { version: Number(version) };
  throw new AppError("request_invalid", "If-Match is not the ETag of this fleet; send it as it was given");
}

export function fleetHandlers(app: KeylessApp): Pick<RouteHandlers<"access">, Own> {
  return {
    getFleet: async ({ caller }) => answer(fleetDetails(caller.fleetState)),

    configureFleet: async ({ event, caller, approval }) => {
      const configuration = parse(fleetConfigurationRequest, bodyJson(event), "body");
      return answer(await configureFleet(app, { caller, approval, configuration, ...seenVersion(event) }));
    },

    setFleetState: async ({ event, caller, approval }) => {
      const { state } = parse(fleetStateRequest, bodyJson(event), "body");
      return answer(await setFleetState(app, { caller, approval, state }));
    },
  };
}
