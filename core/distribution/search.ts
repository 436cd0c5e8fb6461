/**
 * Room: core/distribution. Which index answers a search, in which order, and what is left to be looked at row by row.
 * Each search reads one index from one place on; nothing is scanned.
 */
import type { Fleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import { keyAlgorithms } from "../formats/algorithms.ts";
import { canonicalText } from "../formats/name.ts";
import {
  type CertificateRecord,
  expiryPartition,
  issuePartition,
  revokedIndexPartition,
  subjectPartition,
  timeKey,
} from "../records/certificate-record.ts";
import { shards } from "../records/shard.ts";
import { type ProfileId, profiles } from "../standard/profiles.ts";
import { type CertificateStatus, statusOf } from "./certificate-status.ts";
import type { MergedQuery } from "./merged-rows.ts";

/** All that is given must hold. Nothing given: all certificates of the fleet. */
export interface CertificateFilter {
  /** Whatever its spelling. */
  readonly deviceId?: string;
  readonly status?: CertificateStatus;
  readonly profile?: ProfileId;
  readonly authorityId?: string;
  readonly keyAlgorithm?: string;
  /** Certificates that end then or later: ISO 8601, or milliseconds since the epoch. */
  readonly expiresFrom?: string | number;
  /** Certificates that end before. */
  readonly expiresTo?: string | number;
}

export interface Search {
  readonly query: MergedQuery;
  /** Of a row of the query: whether it is wanted. */
  readonly matches: (record: CertificateRecord) => boolean;
  /** True when every row of the query is wanted. */
  readonly isExact: boolean;
  /** What a cursor is tied to. */
  readonly identity: readonly unknown[];
}

interface Window {
  readonly from?: number;
  readonly to?: number;
}

const latest = Date.parse("9999-12-31T23:59:59.999Z");

function refuse(message: string): never {
  throw new AppError("request_invalid", message);
}

function instant(value: string | number | undefined, name: string): number | undefined {
  if (value === undefined) return undefined;
  const time = typeof value === "number" ? value : Date.parse(value);
  if (Number.isInteger(time) && time >= 0 && time <= latest) return time;
  return refuse(`${name} is no time from 1970 to 9999; write ISO 8601 such as 2026-03-01T12:00:00Z`);
}

function windowOf({ expiresFrom, expiresTo }: CertificateFilter): Window {
  const from = instant(expiresFrom, "expiresFrom");
  const to = instant(expiresTo, "expiresTo");
  if (from !== undefined && to !== undefined && from >= to) {
    refuse(
      `expiresFrom ${timeKey(from)} is not before expiresTo ${timeKey(to)}, which is exclusive; widen the window`,
    );
  }
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

function checkCombination(fleet: Fleet, filter: CertificateFilter): void {
  const { deviceId, profile, authorityId, keyAlgorithm } = filter;
  if (deviceId !== undefined && profile !== undefined && profiles[profile].subjectKind !== "device") {
    refuse(`profile "${profile}" is not for devices; leave out deviceId or profile`);
  }
  if (keyAlgorithm !== undefined && !Object.hasOwn(keyAlgorithms, keyAlgorithm)) {
    refuse(`keyAlgorithm is none of ${Object.keys(keyAlgorithms).join(", ")}`);
  }
  if (
    authorityId !== undefined &&
    !fleet.authorities.some(({ record }) => record.authorityId === authorityId)
  ) {
    refuse("authorityId names no authority of the fleet; its trust bundle lists them");
  }
}

/** The index that leaves the fewest rows to be looked at, and its order. */
function indexFor(fleet: string, filter: CertificateFilter, { from, to }: Window, now: number): MergedQuery {
  const { deviceId, status } = filter;
  if (deviceId !== undefined) {
    return {
      index: "byDevice",
      partitions: [subjectPartition(fleet, "device", deviceId)],
      descending: true,
    };
  }
  if (from !== undefined || to !== undefined || status === "expired") {
    // `time#serial` sorts after `time` alone, so the upper bound leaves out what ends at it.
    const end = status === "expired" ? Math.min(to ?? now, now) : to;
    return {
      index: "byExpiry",
      partitions: shards.map((shard) => expiryPartition(fleet, shard)),
      ...(from === undefined ? {} : { from: timeKey(from) }),
      ...(end === undefined ? {} : { to: timeKey(end) }),
    };
  }
  const isRevoked = status === "revoked" || status === "held";
  const partition = isRevoked ? revokedIndexPartition : issuePartition;
  return {
    index: isRevoked ? "open" : "byIssue",
    partitions: shards.map((shard) => partition(fleet, shard)),
    descending: true,
  };
}

/**
 * @param now Milliseconds since the epoch at which statuses hold.
 * @throws AppError request_invalid (a time, an algorithm or an authority that is none, an empty window, a device with
 * another subject's profile), name_not_permitted (deviceId).
 */
export function planSearch(fleet: Fleet, filter: CertificateFilter, now: number): Search {
  checkCombination(fleet, filter);
  const { deviceId, status, profile, authorityId, keyAlgorithm } = filter;
  const window = windowOf(filter);
  const query = indexFor(fleet.record.fleet, filter, window, now);
  const tests: ((record: CertificateRecord) => boolean)[] = [];
  if (status !== undefined) tests.push((record) => statusOf(record, now) === status);
  if (profile !== undefined) tests.push((record) => record.profile === profile);
  if (authorityId !== undefined) tests.push((record) => record.authorityId === authorityId);
  if (keyAlgorithm !== undefined) tests.push((record) => record.keyAlgorithm === keyAlgorithm);
  if (query.index !== "byExpiry") {
    const { from, to } = window;
    if (from !== undefined) tests.push(({ notAfter }) => notAfter >= from);
    if (to !== undefined) tests.push(({ notAfter }) => notAfter < to);
  }
  const device = deviceId === undefined ? undefined : canonicalText(deviceId);
  return {
    query,
    matches: (record) => tests.every((test) => test(record)),
    isExact: tests.length === 0,
    identity: [
      fleet.record.fleet,
      device,
      status,
      profile,
      authorityId,
      keyAlgorithm,
      window.from,
      window.to,
    ],
  };
}
