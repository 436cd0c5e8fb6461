/** Room: lambdas/http. What requests to take trust back look like. */
import * as z from "zod/mini";
import { holdReason, ownReasons, revocationReasons } from "../../core/revocation/reason.ts";
import { firmwareLabel, instant, page } from "./fields.ts";
import { authorityId, claimId, documented, lazily, profileId, serialNumber } from "./schemas.ts";

export { revocationReasons };

const reasonEnum = <const Reasons extends readonly [string, ...string[]]>(reasons: Reasons) =>
  z.enum(reasons, { error: `must be one of ${reasons.join(", ")}` });

/** Of a permanent revocation. */
export const revocationReason = lazily(() =>
  documented(reasonEnum(revocationReasons), {
    id: "RevocationReason",
    description: "RFC 5280 §5.3.1 reason.",
    example: "keyCompromise",
  }),
);

export const revocationRequest = lazily(() =>
  documented(
    z.strictObject({
      reason: z.exactOptional(
        documented(reasonEnum([...revocationReasons, holdReason]), {
          description: `RFC 5280 §5.3.1 reason; ${holdReason} can be released, every other is final.`,
          example: "keyCompromise",
        }),
      ),
    }),
    { id: "RevocationRequest" },
  ),
);

export const deviceRevocationRequest = lazily(() =>
  documented(z.strictObject({ reason: z.exactOptional(revocationReason()) }), {
    id: "DeviceRevocationRequest",
  }),
);

export const ownRevocationRequest = lazily(() =>
  documented(
    z.strictObject({
      reason: z.exactOptional(
        documented(reasonEnum(ownReasons), {
          description: "Why; `unspecified` when absent.",
          example: "cessationOfOperation",
        }),
      ),
      serialNumber: z.exactOptional(
        documented(serialNumber(), {
          description: "Another certificate of the same device; the presented one when absent.",
        }),
      ),
    }),
    { id: "OwnRevocationRequest" },
  ),
);

export const revocationCriteria = lazily(() =>
  documented(
    z.strictObject({
      authorityId: z.exactOptional(authorityId()),
      claimId: z.exactOptional(claimId()),
      firmware: z.exactOptional(firmwareLabel()),
      profile: z.exactOptional(profileId()),
      issuedFrom: z.exactOptional(instant("Certificates issued then or later.")),
      issuedTo: z.exactOptional(instant("Certificates issued then or before.")),
    }),
    { id: "RevocationCriteria", description: "All that are named must hold; at least one." },
  ),
);

export const previewRevocationRequest = lazily(() =>
  documented(
    z.strictObject({ criteria: revocationCriteria(), reason: z.exactOptional(revocationReason()) }),
    {
      id: "PreviewRevocationRequest",
    },
  ),
);

const certificatesMessage = "must be a whole number from 1 on, as the job has counted";

export const executeRevocationRequest = lazily(() =>
  documented(
    z.strictObject({
      certificates: documented(
        z.int({ error: certificatesMessage }).check(z.minimum(1, { error: certificatesMessage })),
        {
          description:
            "How many are to be revoked: `toRevoke.certificates` of the job. The approval is for this number.",
          example: 312,
        },
      ),
    }),
    { id: "ExecuteRevocationRequest" },
  ),
);

export const listRevocationJobsQuery = lazily(() => z.strictObject(page("revocations")));
