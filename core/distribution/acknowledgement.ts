/**
 * Room: core/distribution. Devices and pipelines say which version of the trust they rely on now. What a subject has
 * acknowledged never goes back; each step forward leaves an event, from which adoption is counted.
 */
import { AppError, isAppError } from "../errors.ts";
import { personalDataShape } from "../policy/personal-data.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import {
  type AcknowledgementRecord,
  type AcknowledgingSubject,
  acknowledgementEventItem,
  acknowledgementItem,
  acknowledgementKey,
  acknowledgementRecord,
} from "../records/acknowledgement-record.ts";
import type { Stored } from "../records/certificate-record.ts";
import { findPublication } from "./trust-version.ts";

export interface AcknowledgementRequest {
  readonly fleet: string;
  readonly subject: AcknowledgingSubject;
  /** Of the manifest that the subject relies on. */
  readonly version: number;
  /** Label of the firmware that a device runs; 1 to 64 of A-Z, a-z, 0-9, dot, underscore, plus and hyphen. */
  readonly firmware?: string;
}

export interface TrustAcknowledgement {
  /** The newest that the subject has acknowledged. */
  readonly version: number;
  /** The newest that there is. */
  readonly current: number;
}

const firmwarePattern = /^[A-Za-z0-9._+-]{1,64}$/;

/** @throws AppError request_invalid, name_not_permitted (shaped like a personal datum). */
export function assertFirmwareLabel(label: string): void {
  const shape = label.length > 64 ? undefined : personalDataShape(label);
  // 45 CFR 164.514(b): the label stands in index keys and in answers. It is not repeated.
  if (shape !== undefined)
    throw new AppError(
      "name_not_permitted",
      `firmware label is shaped like ${shape}; use one such as pump-4.2.1`,
    );
  if (firmwarePattern.test(label)) return;
  throw new AppError(
    "request_invalid",
    `firmware label of ${label.length} characters; use 1 to 64 of A-Z, a-z, 0-9, dot, underscore, plus and hyphen`,
  );
}

function assertVersion(version: number, current: number): void {
  if (Number.isInteger(version) && version >= 1 && version <= current) return;
  throw new AppError(
    "request_invalid",
    current === 0
      ? "the fleet has published no trust manifest yet"
      : `version ${version} of the trust manifest is outside 1 to ${current}; acknowledge one that was fetched`,
  );
}

/** What is to be written; none when the subject says nothing new, or is behind what it said before. */
function writes(
  app: KeylessApp,
  { fleet, subject, version, firmware }: AcknowledgementRequest,
  stored: Stored<AcknowledgementRecord> | undefined,
): readonly WriteOperation[] {
  const known = stored?.value;
  const label = firmware ?? known?.firmware;
  if (
    known !== undefined &&
    (version < known.version || (version === known.version && label === known.firmware))
  )
    return [];
  const { kind } = subject;
  const advanced = version !== known?.version;
  const previous = advanced ? known?.version : known.previous;
  const event = {
    fleet,
    kind,
    // A device has one spelling: the one that it came with first.
    id: known?.id ?? subject.id,
    version,
    at: app.clock.now(),
    ...(previous === undefined ? {} : { previous }),
  };
  const firmwareAt = label === known?.firmware ? (known?.firmwareAt ?? known?.at ?? event.at) : event.at;
  const state = acknowledgementItem({
    ...event,
    ...(label === undefined ? {} : { firmware: label, firmwareAt }),
  });
  return [
    { put: state, when: stored?.version ?? "absent" },
    ...(advanced ? [{ put: acknowledgementEventItem(event), when: "absent" } as const] : []),
  ];
}

/** Of calls at once for one subject each lost race is another's progress. */
const attempts = 10;

/**
 * Two reads at once, then one transaction at most. A repetition, and a version lower than what was acknowledged, get the
 * same answer and write nothing.
 * @throws AppError request_invalid (no such version; a label of other characters), name_not_permitted,
 * store_condition_failed (the same subject calls all the time), store_unavailable.
 */
export async function acknowledgeTrust(
  app: KeylessApp,
  request: AcknowledgementRequest,
): Promise<TrustAcknowledgement> {
  const { fleet, subject, version, firmware } = request;
  if (firmware !== undefined) assertFirmwareLabel(firmware);
  const key = acknowledgementKey(fleet, subject);
  for (let attempt = 1; ; attempt += 1) {
    const [publication, item] = await Promise.all([findPublication(app, fleet), app.items.get(key)]);
    const current = publication?.value.trustVersion ?? 0;
    assertVersion(version, current);
    const stored = item === undefined ? undefined : acknowledgementRecord(item);
    const answer = { version: Math.max(version, stored?.value.version ?? 0), current };
    const operations = writes(app, request, stored);
    if (operations.length === 0) return answer;
    try {
      await app.items.transact(operations);
      return answer;
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === attempts) throw error;
    }
  }
}
