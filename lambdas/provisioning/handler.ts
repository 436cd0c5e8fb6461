/** Room: lambdas/provisioning. Enrolment tokens for a caller that IAM vouches for, such as a production line. */
import * as z from "zod/mini";
import { createEnrollmentToken, type EnrollmentToken } from "../../core/enrollment/token.ts";
import type { KeylessApp } from "../../core/ports.ts";
import { createEnrollmentTokenRequest, fleetId, lazily, parse } from "../http/schemas.ts";
import { type TaskHandler, taskHandler } from "../task.ts";

/** As the body of `POST …/enrollment-tokens`, and the fleet, which stands in the path there. */
const provisioningRequest = lazily(() => z.extend(createEnrollmentTokenRequest(), { fleet: fleetId() }));

/**
 * Stands where an operator does. Who invoked the function is
 * in the account's own trail, which this service cannot write, where the trail records data events of this function.
 */
const invoker = "iam:invocation";

export function provisioningFunction(app: KeylessApp): TaskHandler<EnrollmentToken> {
  return taskHandler(app, "provisionEnrollmentToken", async (event) => {
    const { expiresInSeconds, ...request } = parse(provisioningRequest, event, "body");
    const ttl = expiresInSeconds === undefined ? {} : { ttlSeconds: expiresInSeconds };
    return createEnrollmentToken(app, { ...request, ...ttl, actor: invoker });
  });
}
