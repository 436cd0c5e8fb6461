/** Room: core/standard. How keys are replaced: when, under which gates, with how many people, how fast devices follow. */
import { type Cryptoperiod, cryptoperiods } from "./cryptoperiods.ts";

/** Days of a key's age, from its first use. */
export interface RotationThresholds {
  /** People are told that a rotation is coming. */
  readonly warnDays: number;
  /** The rotation is to begin: what can, begins by itself; for the rest a task is opened. */
  readonly dueDays: number;
  /** The end of its cryptoperiod: it is still used while the grace lasts. */
  readonly overdueDays: number;
  /** Past it the key signs nothing more. */
  readonly refusedDays: number;
}

function thresholds(
  { originatorDays }: Cryptoperiod,
  days: { readonly lead: number; readonly notice: number; readonly grace: number },
): RotationThresholds {
  const dueDays = originatorDays - days.lead;
  return {
    warnDays: dueDays - days.notice,
    dueDays,
    overdueDays: originatorDays,
    refusedDays: originatorDays + days.grace,
  };
}

/** Of keys that the service holds itself; a secret or a certificate with a life of its own ends with that. */
export const rotationThresholds = {
  // Its successor must reach every device, and an issuing authority below it every certificate.
  root: thresholds(cryptoperiods.root, { lead: 365, notice: 90, grace: 90 }),
  issuing: thresholds(cryptoperiods.issuing, { lead: 60, notice: 30, grace: 30 }),
  ocspResponder: thresholds(cryptoperiods.ocspResponder, { lead: 30, notice: 14, grace: 14 }),
  trustManifestSigner: thresholds(cryptoperiods.trustManifestSigner, { lead: 60, notice: 30, grace: 30 }),
  keyEncryption: thresholds(cryptoperiods.keyEncryption, { lead: 0, notice: 0, grace: 7 }),
} as const satisfies Readonly<Record<string, RotationThresholds>>;
export type RotatedKeyKind = keyof typeof rotationThresholds;

const hour = 3_600;

export const rotationStandard = {
  /** Days that a successor is in the trust bundle before it may issue, and share of active devices that must have said that they trust it. */
  rollover: {
    publishedDays: { root: 30, issuing: 7 },
    adoptionPercent: { default: 95, minimum: 50, maximum: 100 },
    /** Days for which a successor issues before its predecessor drains: until then the rollover can be taken back. */
    activeDays: { root: 7, issuing: 1 },
    citation: "RFC 9810 §4.4; SP 800-57 Part 1 r5 §5.3",
  },
  /** A device counts as active when a certificate of it is in force. */
  ceremony: {
    /** Seconds for which a root is lent. */
    windowSeconds: hour,
    citation: "SP 800-57 Part 1 r5 §6.2; 45 CFR 164.308(a)(3)",
  },
  /** Share of a device certificate's life over which renewals of one day's devices are spread. */
  renewalSpread: 0.1,
  /**
   * Hours over which a fleet is asked to renew at least, when its windows are pulled forward: devices that offices switch
   * on on Monday morning all come in that hour, and in a week that stays under 2 % of a fleet (docs/rotation.md).
   */
  renewalWindowMinimumHours: 168,
  /** Seconds after which a device asks again when it should renew. */
  renewalInfoSeconds: 6 * hour,
  /** Days that a destroyed key can still be brought back. */
  deletionDays: 30,
  onDemandRotations: { limit: 25, warnFrom: 20, citation: "AWS KMS developer guide, RotateKeyOnDemand" },
  citation: "SP 800-57 Part 1 r5 §5.3.6",
} as const;
