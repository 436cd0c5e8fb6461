/** Room: core/formats. Why a certificate was revoked: CRLReason (RFC 5280 §5.3.1), as a table of its numbers. */

/** removeFromCRL (8) is of delta CRLs, which we neither write nor read; 7 is not used. */
export const crlReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;

export type CrlReason = keyof typeof crlReasons;

const reasonsByNumber: ReadonlyMap<number, CrlReason> = new Map(
  (Object.keys(crlReasons) as readonly CrlReason[]).map((reason) => [crlReasons[reason], reason]),
);

/** The reason that `number` stands for, undefined for 7, 8 and all beyond the table. */
export function crlReasonOf(number: number): CrlReason | undefined {
  return reasonsByNumber.get(number);
}
