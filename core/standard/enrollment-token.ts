/** Room: core/standard. Secrets that the product hands out, and how long they live. */

export interface CredentialStandard {
  readonly entropyBits: 256;
  readonly defaultSeconds: number;
  readonly maximumSeconds: number;
  readonly citation: string;
}

/** One-time enrolment tokens: one device, one use, stored as a hash only. */
export const enrollmentTokenStandard = {
  // SP 800-63B asks 20 bits of a look-up secret with throttling; 256 need none and suit a plain hash.
  entropyBits: 256,
  defaultSeconds: 86_400,
  // A production line may make its tokens a month ahead, not longer.
  maximumSeconds: 2_592_000,
  citation: "SP 800-63B (look-up secrets); SP 800-57 Part 1 r5 §5.6.1.1; RFC 8555 §11.3",
} as const satisfies CredentialStandard;
