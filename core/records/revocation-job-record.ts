/**
 * Room: core/records. A bulk revocation: what it is for, how far it has come and what it has counted. Its position and
 * its counts change in the transaction of the revocations themselves, so that none is ever counted twice. The id
 * begins with its time, so that a fleet's newest come first; while there is work to do it stands in the index `open`.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { noSubjects, type SubjectCounts } from "../revocation/bulk-subjects.ts";
import type { RevocationCriteria } from "../revocation/criteria.ts";
import { type RevocationReason, revocationReasons } from "../revocation/reason.ts";
import { number, optionalNumber, optionalText, present, text, word } from "./attributes.ts";
import { type Stored, timeKey } from "./certificate-record.ts";

/**
 * counting → counted → revoking → done; cancelled from each of them but the last; stopped where there were more to
 * revoke than was approved.
 */
export const revocationJobStates = [
  "counting",
  "counted",
  "revoking",
  "done",
  "stopped",
  "cancelled",
] as const;
export type RevocationJobState = (typeof revocationJobStates)[number];

/** After which certificate the next batch begins: `source` is a part of the fleet, `after` a place in it. */
export interface JobPosition {
  readonly source: string;
  readonly after?: string;
}

export interface RevocationJobRecord {
  readonly fleet: string;
  /** 32 hexadecimal digits: 12 of the time in milliseconds, 20 random. */
  readonly jobId: string;
  readonly state: RevocationJobState;
  readonly criteria: RevocationCriteria;
  readonly reason: RevocationReason;
  /** Milliseconds since the epoch, as all times here. What had expired by then does not match. */
  readonly createdAt: number;
  /** Who, as the audit log names it. */
  readonly createdBy: string;
  readonly countedAt?: number;
  readonly startedAt?: number;
  readonly startedBy?: string;
  readonly endedAt?: number;
  /** With that criterion: whether any device said that it runs this firmware when the job was made. */
  readonly firmwareKnown?: boolean;
  /** Certificates that the count found. */
  readonly matched: number;
  /** Those of them that the count found to be revoked; an execution revokes no more than these in all. */
  readonly toRevoke: SubjectCounts;
  readonly revoked: number;
  /** Of those that match: revoked for good before, or expired meanwhile. */
  readonly unchanged: number;
  /** Certificates that the present pass has looked at, and how many the count looked at in all. */
  readonly read: number;
  readonly of?: number;
  /** Absent at the beginning of a pass. */
  readonly position?: JobPosition;
}

/** Of all of a fleet's jobs: people make them, so one partition carries them. */
export const jobPartition = (fleet: string): string => `REVOCATIONJOB#${fleet}`;

/** Index open: the jobs of all fleets that have work to do, the oldest first. */
export const openJobsPartition = "REVOCATIONJOBS";

export function jobKey(fleet: string, jobId: string): ItemKey {
  return { pk: jobPartition(fleet), sk: jobId };
}

const isOpen = ({ state }: RevocationJobRecord): boolean => state === "counting" || state === "revoking";

export function jobItem(record: RevocationJobRecord): NewItem {
  const { fleet, jobId, createdAt, criteria, toRevoke, position, firmwareKnown, ...rest } = record;
  const sk = `${timeKey(createdAt)}#${fleet}#${jobId}`;
  return {
    ...jobKey(fleet, jobId),
    attributes: present({
      ...rest,
      fleet,
      jobId,
      createdAt,
      criteria: JSON.stringify(criteria),
      toRevoke: JSON.stringify(toRevoke),
      firmwareKnown: firmwareKnown === undefined ? undefined : String(firmwareKnown),
      position: position === undefined ? undefined : JSON.stringify(position),
    }),
    ...(isOpen(record) ? { indexes: { open: { pk: openJobsPartition, sk } } } : {}),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function jobRecord(item: Item): Stored<RevocationJobRecord> {
  const position = optionalText(item, "position");
  const firmwareKnown = optionalText(item, "firmwareKnown");
  const optional = present({
    countedAt: optionalNumber(item, "countedAt"),
    startedAt: optionalNumber(item, "startedAt"),
    startedBy: optionalText(item, "startedBy"),
    endedAt: optionalNumber(item, "endedAt"),
    of: optionalNumber(item, "of"),
  }) as Partial<RevocationJobRecord>;
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      jobId: text(item, "jobId"),
      state: word(item, "state", revocationJobStates),
      criteria: JSON.parse(text(item, "criteria")) as RevocationCriteria,
      reason: word(item, "reason", revocationReasons),
      createdAt: number(item, "createdAt"),
      createdBy: text(item, "createdBy"),
      matched: number(item, "matched"),
      // Kinds that came with a later release have none.
      toRevoke: { ...noSubjects, ...(JSON.parse(text(item, "toRevoke")) as Partial<SubjectCounts>) },
      revoked: number(item, "revoked"),
      unchanged: number(item, "unchanged"),
      read: number(item, "read"),
      ...optional,
      ...(firmwareKnown === undefined ? {} : { firmwareKnown: firmwareKnown === "true" }),
      ...(position === undefined ? {} : { position: JSON.parse(position) as JobPosition }),
    },
  };
}
