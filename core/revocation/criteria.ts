/**
 * Room: core/revocation. Which certificates a bulk revocation is for. All criteria must hold, and what each of them
 * looks at never changes in a certificate's record, so that a preview and its execution find the same.
 */
import { findFleet } from "../authority/issuer.ts";
import { assertFirmwareLabel } from "../distribution/acknowledgement.ts";
import { findClaim } from "../enrollment/claim-quota.ts";
import { AppError } from "../errors.ts";
import { canonicalText } from "../formats/name.ts";
import { checkAuthorityId, checkClaimId } from "../policy/identifiers.ts";
import type { KeylessApp } from "../ports.ts";
import { text } from "../records/attributes.ts";
import type { CertificateRecord } from "../records/certificate-record.ts";
import { claimedItem } from "../records/claim-record.ts";
import { type ProfileId, profiles } from "../standard/profiles.ts";
import { isRevocableKind } from "./bulk-subjects.ts";

export interface RevocationCriteria {
  readonly authorityId?: string;
  /** Production batch: what this claim enrolled, and what its devices renewed since. */
  readonly claimId?: string;
  /** Label of the firmware that devices said last. */
  readonly firmware?: string;
  readonly profile?: ProfileId;
  /** Time of issue, both inclusive: milliseconds since the epoch. */
  readonly issuedFrom?: number;
  readonly issuedTo?: number;
}

const shown = (time: number): string => new Date(time).toISOString();

const latest = Date.parse("9999-12-31T23:59:59.999Z");

function assertTime(name: "issuedFrom" | "issuedTo", time: number | undefined): void {
  if (time === undefined || (Number.isSafeInteger(time) && time >= 0 && time <= latest)) return;
  throw new AppError(
    "request_invalid",
    `${name} is no time from 1970-01-01 to ${shown(latest)}; give one such as 2026-03-01T12:00:00Z`,
  );
}

function assertNames({ authorityId, claimId, firmware, profile }: RevocationCriteria): void {
  const decisions = [
    ...(authorityId === undefined ? [] : [checkAuthorityId(authorityId)]),
    ...(claimId === undefined ? [] : [checkClaimId(claimId)]),
  ];
  for (const decision of decisions) if (!decision.allow) throw new AppError(decision.code, decision.reason);
  if (firmware !== undefined) assertFirmwareLabel(firmware);
  if (profile === undefined || Object.hasOwn(profiles, profile)) return;
  throw new AppError(
    "request_invalid",
    `there is no such profile; use one of ${Object.keys(profiles).join(", ")}`,
  );
}

/**
 * The criteria as they are kept. What is issued after `now` never matches: a device that enrols again once the revocation
 * was asked for keeps its new certificate.
 * @throws AppError request_invalid; name_not_permitted: an id of another form, or shaped like a personal datum.
 */
export function checkCriteria(criteria: RevocationCriteria, now: number): RevocationCriteria {
  const given = Object.values(criteria).filter((value) => value !== undefined).length;
  if (given === 0) {
    throw new AppError(
      "request_invalid",
      "0 criteria, limit 1 at least; give authorityId, claimId, firmware, profile, issuedFrom or issuedTo",
    );
  }
  assertNames(criteria);
  const { issuedFrom, issuedTo = now } = criteria;
  assertTime("issuedFrom", issuedFrom);
  assertTime("issuedTo", issuedTo);
  const last = Math.min(issuedTo, now);
  if (issuedFrom !== undefined && issuedFrom > last) {
    throw new AppError(
      "request_invalid",
      `issuedFrom ${shown(issuedFrom)} is after ${shown(last)}, the end of the window, which is never after now; give an earlier one`,
    );
  }
  return { ...criteria, issuedTo: last };
}

/**
 * A name that is nobody's would count nothing, and be taken for an answer.
 * @throws AppError request_invalid: an authority or a claim that the fleet has none of.
 */
export async function assertKnown(
  app: KeylessApp,
  fleet: string,
  { authorityId, claimId }: RevocationCriteria,
): Promise<void> {
  const authorities = authorityId === undefined ? [] : ((await findFleet(app, fleet))?.authorities ?? []);
  const ids = authorities.map(({ record }) => record.authorityId);
  if (authorityId !== undefined && !ids.includes(authorityId)) {
    throw new AppError(
      "request_invalid",
      `authorityId names no authority of the fleet; it has ${ids.join(", ")}`,
    );
  }
  if (claimId === undefined || (await findClaim(app, fleet, claimId)) !== undefined) return;
  throw new AppError(
    "request_invalid",
    "claimId names no claim of the fleet; certificates of profile claim name those that there are",
  );
}

/** Of a certificate that came from another one of the device. */
const succession = /^(?:certificate|quarantine):/;

/** Renewed or back from quarantine: the credential names the certificate before, so the device's mark has to say. */
async function claimOfDevice(app: KeylessApp, record: CertificateRecord): Promise<string | undefined> {
  if (record.subjectKind !== "device" || !succession.test(record.credential)) return undefined;
  const { pk, sk } = claimedItem(record.fleet, record.subjectId, "", 0);
  const item = await app.items.get({ pk, sk });
  return item === undefined ? undefined : text(item, "claimId");
}

const claimCredential = /^claim:([^/]+)\//;

async function isOfClaim(app: KeylessApp, record: CertificateRecord, claimId: string): Promise<boolean> {
  const found = claimCredential.exec(record.credential)?.[1] ?? (await claimOfDevice(app, record));
  return found !== undefined && canonicalText(found) === canonicalText(claimId);
}

/**
 * Whether all criteria but the firmware hold, which the index of its devices answers. Certificates of authorities and
 * of the service itself never match, nor do those that had expired at `unexpiredAt`.
 */
export async function matchesCriteria(
  app: KeylessApp,
  record: CertificateRecord,
  criteria: RevocationCriteria,
  unexpiredAt: number,
): Promise<boolean> {
  const { authorityId, claimId, profile, issuedFrom = 0, issuedTo = latest } = criteria;
  if (!isRevocableKind(record.subjectKind) || record.notAfter < unexpiredAt) return false;
  const issuedAt = record.issuedAt ?? record.createdAt;
  if (issuedAt < issuedFrom || issuedAt > issuedTo) return false;
  if (authorityId !== undefined && record.authorityId !== authorityId) return false;
  if (profile !== undefined && record.profile !== profile) return false;
  return claimId === undefined || isOfClaim(app, record, claimId);
}
