/** Room: lambdas/enrollment. Tokens, enrolment and renewal over HTTP. */
import type { OperatorCaller, PipelineCaller } from "../../core/access/caller.ts";
import { enroll, isPending, type PendingEnrollment } from "../../core/enrollment/enroll.ts";
import { renew, renewalProfile } from "../../core/enrollment/renew.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { AppError } from "../../core/errors.ts";
import type { App } from "../../core/ports.ts";
import { requestedCertificate } from "../http/csr.ts";
import type { HttpEvent, HttpHandler, HttpResult, RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { certificateLocation, certificateResult, jsonResult } from "../http/response.ts";
import { createEnrollmentTokenRequest, parse } from "../http/schemas.ts";
import { httpHandler } from "../http/stack.ts";
import { acknowledgementHandlers } from "./acknowledgements.ts";
import { backendHandlers } from "./backends.ts";
import { claimHandlers } from "./claims.ts";
import { deviceHandlers } from "./devices.ts";
import { operatorHandlers } from "./operators.ts";
import { requestHandlers } from "./requests.ts";

/** A token for a device, whoever of those whom the door lets in asks for it. */
async function tokenFor(
  app: App,
  event: HttpEvent,
  fleet: string,
  caller: OperatorCaller | PipelineCaller,
): Promise<HttpResult> {
  const { expiresInSeconds, ...request } = parse(createEnrollmentTokenRequest, bodyJson(event), "body");
  const profile = request.profile ?? "device";
  if (caller.kind === "pipeline" && !caller.profiles.includes(profile))
    throw new AppError(
      "profile_not_permitted",
      `the fleet lets this pipeline ask for ${caller.profiles.join(", ")}`,
    );
  const ttl = expiresInSeconds === undefined ? {} : { ttlSeconds: expiresInSeconds };
  return jsonResult(
    201,
    await createEnrollmentToken(app, { fleet, actor: caller.actor, ...request, ...ttl }),
  );
}

/** RFC 7030 §4.2.3: accepted, and not decided yet; whatever the client would have the certificate in, this is JSON. */
function pendingResult({ status, requestId, retryAfter }: PendingEnrollment): HttpResult {
  return jsonResult(202, { status, requestId }, { "retry-after": String(retryAfter) });
}

/** Certificates of devices, and the tokens for them. */
function issuanceHandlers(
  app: App,
): Pick<
  RouteHandlers<"enrollment">,
  "createEnrollmentToken" | "createEnrollmentTokenByIam" | "enroll" | "renew"
> {
  return {
    createEnrollmentToken: ({ event, path: { fleet }, caller }) => tokenFor(app, event, fleet, caller),
    createEnrollmentTokenByIam: ({ event, path: { fleet }, caller }) => tokenFor(app, event, fleet, caller),

    enroll: async ({ event, path: { fleet }, caller, accepted }) => {
      const { kind: _, ...presented } = caller;
      const issued = await enroll(app, { fleet, ...presented, ...requestedCertificate(event) });
      if (isPending(issued)) return pendingResult(issued);
      return certificateResult(201, issued, accepted, certificateLocation(fleet, issued.serialNumber));
    },

    renew: async ({ event, path: { fleet }, caller, accepted }) => {
      const { csr, profile } = requestedCertificate(event);
      if (profile !== undefined && profile !== renewalProfile(caller).id) {
        throw new AppError(
          "profile_not_permitted",
          "renewal keeps the profile of the certificate; leave it out",
        );
      }
      const issued = await renew(app, { fleet, client: caller, csr });
      return certificateResult(201, issued, accepted, certificateLocation(fleet, issued.serialNumber));
    },
  };
}

/** Handlers of this function's routes. They reject with AppError; `httpHandler` answers it as a problem. */
export function enrollmentHandlers(app: App): RouteHandlers<"enrollment"> {
  return {
    ...issuanceHandlers(app),
    ...deviceHandlers(app),
    ...claimHandlers(app),
    ...requestHandlers(app),
    ...operatorHandlers(app),
    ...backendHandlers(app),
    ...acknowledgementHandlers(app),
  };
}

/** The function whole. It never rejects: failures are answered as problems. */
export function enrollmentFunction(app: App): HttpHandler {
  return httpHandler<"enrollment">(app, enrollmentHandlers(app));
}
