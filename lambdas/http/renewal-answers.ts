/** Room: lambdas/http. What answers about pulled-forward renewals look like, for the OpenAPI document and the client. */
import * as z from "zod/mini";
import { renewalReasons } from "../../core/records/renewal-window-record.ts";
import { time } from "./answer-schemas.ts";
import { authorityId, documented, renewalWindowId } from "./schemas.ts";

export const renewalWindow = documented(
  z.strictObject({
    windowId: renewalWindowId(),
    authorityId: z.exactOptional(authorityId()),
    issuedBefore: time("It is about certificates issued before."),
    from: time("Begin of the window."),
    until: time("End of the window."),
    reason: z.enum(renewalReasons),
    explanationUrl: z.exactOptional(z.string()),
    createdAt: time("When it was asked for."),
    createdBy: z.string(),
  }),
  { id: "RenewalWindow" },
);

export const renewalWindowList = documented(z.strictObject({ windows: z.array(renewalWindow) }), {
  id: "RenewalWindowList",
});

export type RenewalWindow = z.infer<typeof renewalWindow>;
export type RenewalWindowList = z.infer<typeof renewalWindowList>;
