/** Room: core/revocation. Why a certificate may be revoked; the edge and the client read this list too. */

/** RFC 5280 §5.3.1, without certificateHold and removeFromCRL, which a permanent revocation never has. */
export const revocationReasons = [
  "unspecified",
  "keyCompromise",
  "affiliationChanged",
  "superseded",
  "cessationOfOperation",
  "privilegeWithdrawn",
] as const;
export type RevocationReason = (typeof revocationReasons)[number];
