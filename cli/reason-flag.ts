/** Room: cli. Why something is revoked for good. */
import { type RevocationReason, revocationReasons } from "../core/revocation/reason.ts";

const reasons: RevocationReason[] = [...revocationReasons];

export const reasonFlag = {
  reason: {
    type: "enum",
    required: true,
    valueHint: "REASON",
    options: reasons,
    description: "Why",
  },
} as const;
