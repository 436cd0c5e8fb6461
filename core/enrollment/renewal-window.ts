/**
 * Room: core/enrollment. Renewals that people pull forward, after a compromise or before an authority goes: the
 * windows in which a fleet is asked to renew sooner than its certificates' ends demand.
 */
import { auditEntry } from "../audit/entry.ts";
import { getFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import {
  type RenewalReason,
  type RenewalWindow,
  renewalWindows,
  renewalWindowsItem,
  renewalWindowsKey,
} from "../records/renewal-window-record.ts";
import { profiles } from "../standard/profiles.ts";
import { rotationStandard } from "../standard/rotation.ts";
import { isoSeconds } from "./answer.ts";

const hour = 3_600_000;
const day = 24 * hour;

/** At once, for one fleet. */
const maximumWindows = 20;
/** Besides, for authorities whose keys are lost: whatever people have asked for, their devices are asked. */
const reservedWindows = 20;
/** No certificate of a device lasts longer, so no later one is any use to it. */
const maximumDays = profiles.device.maximumDays;
/** Clocks of those who ask may run late. */
const lateness = hour;

export interface RenewalWindowView {
  readonly windowId: string;
  readonly authorityId?: string;
  /** ISO 8601, UTC, as all times here. */
  readonly issuedBefore: string;
  readonly from: string;
  readonly until: string;
  readonly reason: RenewalReason;
  readonly explanationUrl?: string;
  readonly createdAt: string;
  readonly createdBy: string;
}

function view({ issuedBefore, from, until, createdAt, ...rest }: RenewalWindow): RenewalWindowView {
  return {
    ...rest,
    issuedBefore: isoSeconds(issuedBefore),
    from: isoSeconds(from),
    until: isoSeconds(until),
    createdAt: isoSeconds(createdAt),
  };
}

type StoredWindows = Stored<readonly RenewalWindow[]> | undefined;

/** One read. */
export async function findWindows(app: KeylessApp, fleet: string): Promise<StoredWindows> {
  const item = await app.items.get(renewalWindowsKey(fleet));
  return item === undefined ? undefined : renewalWindows(item);
}

export interface PullForward {
  readonly fleet: string;
  /** Who does it, as the audit log names it. */
  readonly actor: string;
  /** Of the certificates that are to be renewed. @default whichever of the fleet issued them */
  readonly authorityId?: string;
  /** Certificates issued before are to be renewed; at most now. Milliseconds since the epoch. @default now */
  readonly issuedBefore?: number;
  /** Renewals are spread from here … */
  readonly from: number;
  /** … to here: at least `rotationStandard.renewalWindowMinimumHours` later, unless it is an emergency. */
  readonly until: number;
  readonly reason: RenewalReason;
  /** https address of a page about it, which anybody may read. */
  readonly explanationUrl?: string;
  /** Renewals may come as fast as the devices ask: the fleet is not spared. */
  readonly emergency?: boolean;
}

const invalid = (message: string): AppError => new AppError("request_invalid", message);

function checkExplanation(text: string): void {
  const url = text.length <= 512 ? URL.parse(text) : null;
  const isPlain = url?.protocol === "https:" && url.username === "" && url.search === "" && url.hash === "";
  if (!isPlain)
    throw invalid(
      "explanationUrl is no plain https address of at most 512 characters; leave out user, query and fragment",
    );
}

function checkTimes({ from, until, issuedBefore, emergency }: PullForward, now: number): void {
  const times = [from, until, issuedBefore ?? now];
  if (!times.every((time) => Number.isSafeInteger(time) && time >= 0))
    throw invalid("a time is not in whole milliseconds since 1970");
  if (issuedBefore !== undefined && issuedBefore > now)
    // Else a certificate that was just renewed would be asked to renew again, and again.
    throw invalid(`issuedBefore ${isoSeconds(issuedBefore)} is to come; give a time up to now`);
  if (until <= now) throw invalid(`until ${isoSeconds(until)} is over; give a later time`);
  if (until > now + maximumDays * day)
    throw invalid(`until ${isoSeconds(until)} is more than ${maximumDays} d away; give an earlier time`);
  if (until <= from) throw invalid("until is not after from; give a later until");
  if (emergency === true) return;
  const minimum = rotationStandard.renewalWindowMinimumHours;
  if (until - from < minimum * hour)
    throw invalid(
      `the window has ${Math.floor((until - from) / hour)} h, at least ${minimum} h spare the fleet; give a later until, or say that it is an emergency`,
    );
  // Whoever's place is over renews at once, so a window that began long ago is a short one.
  if (from < now - lateness)
    throw invalid(
      `from ${isoSeconds(from)} is over; give a time from now on, or say that it is an emergency`,
    );
}

const changeAttempts = 10;

/** Writes what `change` makes of the windows, together with an entry about `subject`; of two at once none is lost. */
async function changeWindows(
  app: KeylessApp,
  { fleet, actor }: { readonly fleet: string; readonly actor: string },
  act: {
    readonly action: "renewal.pulled-forward" | "renewal.window-ended";
    readonly subject: string;
    readonly reason: string;
  },
  change: (windows: readonly RenewalWindow[]) => readonly RenewalWindow[],
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const stored = await findWindows(app, fleet);
    const put = renewalWindowsItem(fleet, change(stored?.value ?? []));
    const entry = auditEntry(app, { fleet, actor, result: "success", ...act });
    try {
      await app.items.transact([{ put, when: stored?.version ?? "absent" }, entry]);
      return;
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === changeAttempts) throw error;
    }
  }
}

/** A window is done with when the last certificate that it can be about is over. */
const isLive = ({ issuedBefore }: RenewalWindow, now: number): boolean =>
  issuedBefore + maximumDays * day > now;

/**
 * Asks devices to renew between `from` and `until`, each at its own place in between; whoever has asked for the
 * window that is in force knows after `rotationStandard.renewalInfoSeconds`. A certificate that is due sooner stays so.
 * @throws AppError not_found (fleet, authority); request_invalid (times, address, more windows than a fleet has);
 * store_condition_failed when others never cease to change them.
 */
export async function pullForward(app: KeylessApp, request: PullForward): Promise<RenewalWindowView> {
  const { fleet, actor, authorityId, from, until, reason, explanationUrl } = request;
  const now = app.clock.now();
  checkTimes(request, now);
  if (explanationUrl !== undefined) checkExplanation(explanationUrl);
  const { authorities } = await getFleet(app, fleet);
  const isKnown = authorities.some(({ record }) => record.authorityId === authorityId);
  if (authorityId !== undefined && !isKnown)
    throw new AppError("not_found", `there is no authority "${authorityId}" in fleet "${fleet}"`);
  const window: RenewalWindow = {
    windowId: Buffer.from(app.entropy.bytes(16)).toString("hex"),
    ...(authorityId === undefined ? {} : { authorityId }),
    issuedBefore: request.issuedBefore ?? now,
    from,
    until,
    reason,
    ...(explanationUrl === undefined ? {} : { explanationUrl }),
    createdAt: now,
    createdBy: actor,
  };
  const act = { action: "renewal.pulled-forward", subject: window.windowId, reason } as const;
  await changeWindows(app, { fleet, actor }, act, (windows) => {
    const live = windows.filter((each) => isLive(each, now));
    const limit = maximumWindows + (actor === "system" ? reservedWindows : 0);
    if (live.length < limit) return [...live, window];
    throw invalid(`the fleet has ${live.length} windows, at most ${limit}; end one first`);
  });
  return view(window);
}

/**
 * Takes a window back: whoever has not renewed yet is asked at the certificate's own time again.
 * @throws AppError not_found; store_condition_failed.
 */
export async function endRenewalWindow(
  app: KeylessApp,
  { fleet, actor, windowId }: { readonly fleet: string; readonly actor: string; readonly windowId: string },
): Promise<RenewalWindowView> {
  const ended = (await findWindows(app, fleet))?.value.find((each) => each.windowId === windowId);
  const missing = new AppError("not_found", `there is no window "${windowId}" in fleet "${fleet}"`);
  if (ended === undefined) throw missing;
  const act = { action: "renewal.window-ended", subject: windowId, reason: ended.reason } as const;
  await changeWindows(app, { fleet, actor }, act, (windows) => {
    if (!windows.some((each) => each.windowId === windowId)) throw missing;
    return windows.filter((each) => each.windowId !== windowId);
  });
  return view(ended);
}

export interface RenewalWindowList {
  /** Those that can still be about a certificate, the oldest first; 40 at most. */
  readonly windows: readonly RenewalWindowView[];
}

/** One read; empty for a fleet that there is not. */
export async function listRenewalWindows(
  app: KeylessApp,
  { fleet }: { readonly fleet: string },
): Promise<RenewalWindowList> {
  const windows = (await findWindows(app, fleet))?.value ?? [];
  return { windows: windows.filter((each) => isLive(each, app.clock.now())).map(view) };
}
