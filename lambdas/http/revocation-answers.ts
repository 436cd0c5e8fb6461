/** Room: lambdas/http. What answers about revocation look like, for the OpenAPI document and the client. */
import * as z from "zod/mini";
import { holdReason, revocationReasons } from "../../core/revocation/reason.ts";
import { time } from "./answer-schemas.ts";
import { revocationCriteria } from "./revocation-schemas.ts";
import { cursor, deviceId, documented, revocationJobId, serialNumber } from "./schemas.ts";

const count = (description: string) => documented(z.int(), { description });

export const revocation = documented(
  z.strictObject({
    serialNumber: serialNumber(),
    status: documented(z.enum(["revoked", "held"]), { description: "held: it can be released." }),
    revokedAt: time("When it was revoked."),
    reason: z.enum([...revocationReasons, holdReason]),
  }),
  { id: "Revocation" },
);

export const release = documented(
  z.strictObject({ serialNumber: serialNumber(), status: z.enum(["active", "expired"]) }),
  { id: "Release" },
);

export const deviceRevocation = documented(
  z.strictObject({
    deviceId: deviceId(),
    revoked: count("Certificates that were revoked now."),
    unchanged: count("Certificates that were revoked before."),
  }),
  { id: "DeviceRevocation" },
);

export const revocationJob = documented(
  z.strictObject({
    jobId: revocationJobId(),
    state: documented(z.enum(["counting", "counted", "revoking", "done", "cancelled"]), {
      description: "counting and counted change nothing; an execution that was approved makes it revoking.",
    }),
    criteria: revocationCriteria(),
    reason: z.enum(revocationReasons),
    matched: count("Certificates in force that the criteria meet, as far as it has read."),
    revoked: count("Certificates that it has revoked."),
    unchanged: count("Certificates that were revoked or over before it came to them."),
    progress: z.strictObject({
      read: count("Certificates looked at."),
      of: z.exactOptional(count("Certificates to look at, once they were counted.")),
    }),
    createdAt: time("When it was asked for; certificates issued later are left alone."),
    countedAt: z.exactOptional(time("When it was counted; it may be executed for a day.")),
    startedAt: z.exactOptional(time("When its execution began.")),
    endedAt: z.exactOptional(time("When it was done or cancelled.")),
    createdBy: z.string(),
    startedBy: z.exactOptional(z.string()),
  }),
  { id: "RevocationJob" },
);

export const revocationJobPage = documented(
  z.strictObject({ revocations: z.array(revocationJob), cursor: z.exactOptional(cursor()) }),
  { id: "RevocationJobPage" },
);

export type Revocation = z.infer<typeof revocation>;
export type RevocationJob = z.infer<typeof revocationJob>;
