/** Room: core/revocation. Why a certificate may be revoked; the edge and the client read these lists too. */
import type { CrlReason } from "../formats/crl/reason.ts";

/** RFC 5280 §5.3.1, without certificateHold and removeFromCRL, which a permanent revocation never has. */
export const revocationReasons = [
  "unspecified",
  "keyCompromise",
  "affiliationChanged",
  "superseded",
  "cessationOfOperation",
  "privilegeWithdrawn",
] as const satisfies readonly CrlReason[];
export type RevocationReason = (typeof revocationReasons)[number];

/** The one reason that can be taken back: the certificate is not to be trusted for now. */
export const holdReason = "certificateHold" satisfies CrlReason;
export type HoldReason = typeof holdReason;

/** What a device may say of its own certificates: the others are for people to judge. */
export const ownReasons = [
  "unspecified",
  "keyCompromise",
  "superseded",
  "cessationOfOperation",
] as const satisfies readonly RevocationReason[];
export type OwnReason = (typeof ownReasons)[number];
