/** Room: lambdas/rotation. How old keys are, what waits for people, and renewals that are pulled forward. */
import { endRenewalWindow, listRenewalWindows, pullForward } from "../../core/enrollment/renewal-window.ts";
import type { RevocationApp } from "../../core/ports.ts";
import { rotateDataKey } from "../../core/rotation/data-keys.ts";
import { keyReport } from "../../core/rotation/key-report.ts";
import { listRotationTasks } from "../../core/rotation/people.ts";
import type { RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import {
  listRotationTasksQuery,
  pullRenewalForwardRequest,
  rotateDataKeyRequest,
} from "../http/rotation-schemas.ts";
import { parse } from "../http/schemas.ts";

type Keys =
  | "getKeyReport"
  | "listRotationTasks"
  | "rotateDataKey"
  | "pullRenewalForward"
  | "listRenewalWindows"
  | "endRenewalWindow";

export function keyHandlers(app: RevocationApp): Pick<RouteHandlers<"rotation">, Keys> {
  return {
    getKeyReport: async ({ path }) => jsonResult(200, await keyReport(app, path)),

    listRotationTasks: async ({ event, path }) => {
      const { closed } = parse(listRotationTasksQuery, event.queryStringParameters ?? {}, "query");
      return jsonResult(200, await listRotationTasks(app, { ...path, closed: closed === "true" }));
    },

    rotateDataKey: async ({ event, caller, approval }) => {
      const { name } = parse(rotateDataKeyRequest, bodyJson(event), "body");
      return jsonResult(202, await rotateDataKey(app, { caller, approval, name }));
    },

    pullRenewalForward: async ({ event, path: { fleet }, caller }) => {
      const { from, until, issuedBefore, ...body } = parse(
        pullRenewalForwardRequest,
        bodyJson(event),
        "body",
      );
      const window = await pullForward(app, {
        fleet,
        actor: caller.actor,
        ...body,
        from: Date.parse(from),
        until: Date.parse(until),
        ...(issuedBefore === undefined ? {} : { issuedBefore: Date.parse(issuedBefore) }),
      });
      return jsonResult(201, window);
    },

    listRenewalWindows: async ({ path }) => jsonResult(200, await listRenewalWindows(app, path)),

    endRenewalWindow: async ({ path, caller }) =>
      jsonResult(200, await endRenewalWindow(app, { ...path, actor: caller.actor })),
  };
}
