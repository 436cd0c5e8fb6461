/** Room: lambdas/enrollment. Tokens, enrolment and renewal over HTTP. */
import { enroll } from "../../core/enrollment/enroll.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { AppError } from "../../core/errors.ts";
import type { App } from "../../core/ports.ts";
import { requestedCertificate } from "../http/csr.ts";
import type { HttpHandler, RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { certificateLocation, certificateResult, jsonResult } from "../http/response.ts";
import { createEnrollmentTokenRequest, parse } from "../http/schemas.ts";
import { httpHandler } from "../http/stack.ts";

/** Handlers of this function's routes. They reject with AppError; `httpHandler` answers it as a problem. */
export function enrollmentHandlers(app: App): RouteHandlers<"enrollment"> {
  return {
    createEnrollmentToken: async ({ event, path: { fleet }, caller }) => {
      const body = parse(createEnrollmentTokenRequest, bodyJson(event), "body");
      const { expiresInSeconds, ...request } = body;
      const ttl = expiresInSeconds === undefined ? {} : { ttlSeconds: expiresInSeconds };
      const token = await createEnrollmentToken(app, {
        fleet,
        operatorId: caller.subjectId,
        ...request,
        ...ttl,
      });
      return jsonResult(201, token);
    },

    enroll: async ({ event, path: { fleet }, caller, accepted }) => {
      const request = requestedCertificate(event);
      const issued = await enroll(app, { fleet, token: caller.token, ...request });
      return certificateResult(201, issued, accepted, certificateLocation(fleet, issued.serialNumber));
    },

    renew: async ({ event, path: { fleet }, caller, accepted }) => {
      const { csr, profile } = requestedCertificate(event);
      if (profile !== undefined && profile !== caller.profile) {
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

/** The function whole. It never rejects: failures are answered as problems. */
export function enrollmentFunction(app: App): HttpHandler {
  return httpHandler<"enrollment">(app, enrollmentHandlers(app));
}
