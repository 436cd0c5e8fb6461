/** Room: lambdas/enrollment. The inventory over HTTP. */
import type { OperatorCaller, PipelineCaller } from "../../core/access/caller.ts";
import { getDevice, setDeviceState } from "../../core/enrollment/device.ts";
import { registerDevices } from "../../core/enrollment/devices.ts";
import type { KeylessApp } from "../../core/ports.ts";
import { registerDevicesRequest, setDeviceStateRequest } from "../http/device-schemas.ts";
import type { HttpEvent, HttpResult, RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

type Own = "registerDevices" | "registerDevicesByIam" | "getDevice" | "setDeviceState" | "getOwnDevice";

async function register(
  app: KeylessApp,
  event: HttpEvent,
  caller: OperatorCaller | PipelineCaller,
): Promise<HttpResult> {
  const { devices } = parse(registerDevicesRequest, bodyJson(event), "body");
  const { fleetState: fleet, actor } = caller;
  const permitted = caller.kind === "pipeline" ? { permittedProfiles: caller.profiles } : {};
  return jsonResult(200, await registerDevices(app, { fleet, actor, ...permitted }, devices));
}

export function deviceHandlers(app: KeylessApp): Pick<RouteHandlers<"enrollment">, Own> {
  return {
    registerDevices: ({ event, caller }) => register(app, event, caller),
    registerDevicesByIam: ({ event, caller }) => register(app, event, caller),

    getDevice: async ({ path: { fleet, deviceId } }) =>
      jsonResult(200, await getDevice(app, fleet, deviceId)),

    setDeviceState: async ({ event, path: { fleet, deviceId }, caller: { actor } }) => {
      const { state } = parse(setDeviceStateRequest, bodyJson(event), "body");
      return jsonResult(200, await setDeviceState(app, { fleet, deviceId, state, actor }));
    },

    getOwnDevice: async ({ caller: { fleet, subjectId } }) =>
      jsonResult(200, await getDevice(app, fleet, subjectId)),
  };
}
