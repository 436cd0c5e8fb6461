/** Room: core/standard. How long what the system writes about itself is kept, and when it is forgotten. */

export interface Retention {
  readonly of: string;
  /** Days; where CloudWatch keeps it, one of the counts that CloudWatch knows. */
  readonly days: number;
  readonly reason: string;
  readonly citation: string;
}

// Six years, two leap days among them; CloudWatch and S3 count days.
const sixYears = 2_192;
const documentation = "45 CFR 164.316(b)(2)(i)";

export const retention = {
  activityLogs: {
    of: "logs of functions, of requests and of reads of stored objects",
    days: sixYears,
    reason: "they record activity in a system that serves ePHI; they hold opaque ids and no address",
    citation: `45 CFR 164.312(b); ${documentation}`,
  },
  records: {
    of: "records of ceremonies",
    days: sixYears,
    reason: "nobody changes or deletes them before (S3 Object Lock)",
    citation: documentation,
  },
  refusedRequests: {
    of: "requests that the firewall refused",
    days: 90,
    reason: "the one log that holds addresses, of clients that attacked; long enough to answer an incident",
    citation: "45 CFR 164.514(b)(2)(i)(O); 45 CFR 164.502(b)",
  },
  deadLetters: {
    of: "invocations that failed for good",
    days: 14,
    reason: "as long as SQS keeps a message; an alarm tells of the first",
    citation: "45 CFR 164.308(a)(1)(ii)(D)",
  },
} as const satisfies Readonly<Record<string, Retention>>;
