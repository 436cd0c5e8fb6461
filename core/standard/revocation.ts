/** Room: core/standard. How soon a revocation is known, and how long what was published about it may be relied on. */

export interface Schedule {
  /** Seconds from thisUpdate to nextUpdate. */
  readonly validSeconds: number;
  /** Seconds after which it is signed again though nothing has changed. */
  readonly refreshSeconds: number;
  readonly reason: string;
  readonly citation: string;
}

const hour = 3_600;
const day = 24 * hour;

/** What is published, and how often. A change is published at once, whatever these say. */
export const publicationSchedules = {
  crl: {
    validSeconds: 7 * day,
    refreshSeconds: 3 * day,
    reason: "four days are left to a reader, and to whoever mends a publisher that stands still",
    citation: "RFC 5280 §5.1.2.5",
  },
  rootCrl: {
    validSeconds: 180 * day,
    refreshSeconds: 90 * day,
    reason:
      "a root signs while it is lent; a deployment by a person, or a ceremony, signs the list again when it is due",
    citation: "RFC 5280 §5.1.2.5",
  },
  ocspAnswer: {
    validSeconds: 12 * hour,
    refreshSeconds: 6 * hour,
    reason: "signed when it is asked for and kept; a change of status drops it at once",
    citation: "RFC 6960 §2.4; RFC 9919",
  },
  trustManifest: {
    validSeconds: 30 * day,
    refreshSeconds: 10 * day,
    reason: "a device that hears nothing for a month knows that it is cut off",
    citation: "product limit",
  },
} as const satisfies Readonly<Record<string, Schedule>>;

export const revocationStandard = {
  /** Seconds from an accepted revocation to the list that has it. */
  publishedWithinSeconds: 60,
  /** Days of expiry that one shard of a CRL covers. */
  crlWindowDays: { default: 7, minimum: 1, maximum: 30 },
  /** Days that a shard stays published after the last of its certificates expired: RFC 5280 §3.3 asks for one more list. */
  afterExpiryDays: 7,
  /** Seconds for which caches may keep a list or an answer. */
  cacheSeconds: 30,
  /** Days before a certificate's end at which people are told, unless the fleet says otherwise. */
  expiryNoticeDays: [30, 14, 7, 1],
  citation: "RFC 5280 §3.3, §5.2.5; RFC 9919",
} as const;
