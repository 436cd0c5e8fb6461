/** Room: lambdas/http. What answers about revocation look like, for the OpenAPI document and the client. */
import * as z from "zod/mini";
import { revocationJobStates } from "../../core/records/revocation-job-record.ts";
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

const toRevoke = documented(
  z.strictObject({
    certificates: count("In all. An execution names this number, and revokes no more."),
    bySubject: z.strictObject({
      device: count("Of devices."),
      operator: count("Of operators."),
      server: count("Of servers."),
      claim: count("Of claims."),
      backend: count("Of backends."),
    }),
  }),
  {
    id: "RevocationCount",
    description:
      "Certificates that match and are not revoked for good, as the count found them. Never those of authorities and of the service itself.",
  },
);

export const revocationJob = documented(
  z.strictObject({
    jobId: revocationJobId(),
    state: documented(z.enum(revocationJobStates), {
      description:
        "counting and counted change nothing; an execution that was approved makes it revoking. stopped: it found more to revoke than was approved, and left them alone.",
    }),
    criteria: revocationCriteria(),
    reason: z.enum(revocationReasons),
    firmwareKnown: z.exactOptional(
      documented(z.boolean(), {
        description:
          "Of criteria with firmware: whether any device said that it runs it when the job was made.",
      }),
    ),
    matched: count(
      "Certificates that the criteria meet and that had not expired, as far as it has read; those that were revoked before are among them.",
    ),
    toRevoke,
    revoked: count("Certificates that it has revoked."),
    unchanged: count("Of those that match: revoked for good, or over, before it came to them."),
    progress: z.strictObject({
      read: count("Certificates looked at."),
      of: z.exactOptional(count("Certificates to look at, once they were counted.")),
    }),
    createdAt: time("When it was asked for; certificates issued later are left alone."),
    countedAt: z.exactOptional(time("When it was counted; it may be executed for a day.")),
    startedAt: z.exactOptional(time("When its execution began.")),
    endedAt: z.exactOptional(time("When it was done, stopped or cancelled.")),
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
