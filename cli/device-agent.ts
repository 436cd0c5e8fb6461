/** Room: cli. The agent that keeps a device's certificate and trust fresh: one look, or one after the other. */
import { setTimeout as wait } from "node:timers/promises";
import { type AgentEvent, runHook } from "./agent-hook.ts";
import { type AgentFlags, isInQuarantine, keepFresh, renewFromOf } from "./agent-renewal.ts";
import { type AgentState, readAgentState, writeAgentState } from "./agent-state.ts";
import { acknowledgeTrust, adoptTrust } from "./agent-trust.ts";
import type { DeviceRecord } from "./device-directory.ts";
import { withDeviceDirectory } from "./device-enrollment.ts";
import { readEnrolled } from "./device-session.ts";
import { Failure, toFailure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

export interface AgentOptions {
  readonly directory: string;
  readonly flags: AgentFlags;
  /** Program that is run when files have changed. */
  readonly hook?: string | undefined;
  readonly terminal: Terminal;
}

export interface Look {
  readonly events: readonly AgentEvent[];
  readonly record: DeviceRecord;
  readonly version?: number;
  /** Milliseconds since the epoch, as both times here. */
  readonly renewFrom: number;
  readonly askAt?: number;
  /** The first thing that did not work out; the others were done all the same. */
  readonly failure?: Failure;
}

/** A device has nobody to start the agent again: it outlives whatever but an interruption, which is thrown. */
function outlived(error: unknown): Failure {
  const failure = toFailure(error);
  if (failure.exit === "interrupted") throw failure;
  return failure;
}

/** Keeps the first failure and goes on. */
function forgiving(): { failure?: Failure; attempt(work: () => Promise<void>): Promise<void> } {
  const seen: ReturnType<typeof forgiving> = {
    async attempt(work) {
      try {
        await work();
      } catch (error) {
        const failure = outlived(error);
        seen.failure ??= failure;
      }
    },
  };
  return seen;
}

interface Changes {
  record: DeviceRecord;
  state: AgentState;
  version?: number;
}

/** Inside the lock. What one part has done is on disk whatever becomes of the next. */
async function change(
  { directory, flags, terminal }: AgentOptions,
  seen: ReturnType<typeof forgiving>,
): Promise<Changes> {
  const record = await readEnrolled(directory);
  const before = await readAgentState(directory);
  // The hook is not told of what the enrolment brought.
  const now: Changes = { record, state: before ?? { toldSerialNumber: record.serialNumber } };
  // Before anything changes: after a kill the next look would take the renewed one for the enrolment's.
  if (before === undefined) await writeAgentState(directory, now.state);
  try {
    await seen.attempt(async () => {
      const keep = (state: AgentState): void => void Object.assign(now, { state });
      Object.assign(now, await keepFresh(directory, now, flags, terminal, keep));
    });
    await seen.attempt(async () => {
      now.version = await adoptTrust(directory, now.record, flags, terminal);
      // A device in quarantine is heard when it is let out.
      if (isInQuarantine(now.record)) return;
      now.state = await acknowledgeTrust(directory, now.record, now.version, now.state, flags, terminal);
    });
  } finally {
    await writeAgentState(directory, now.state);
  }
  return now;
}

/** Outside the lock, so that the hook may use the directory. What a hook has failed on, it is told of again. */
async function tell(
  { directory, hook, terminal }: AgentOptions,
  { record, state, version }: Changes,
  seen: ReturnType<typeof forgiving>,
): Promise<readonly AgentEvent[]> {
  const news: [AgentEvent, boolean, AgentState][] = [
    ["renewed", state.toldSerialNumber !== record.serialNumber, { toldSerialNumber: record.serialNumber }],
    [
      "trust-updated",
      version !== undefined && state.toldVersion !== version,
      version === undefined ? {} : { toldVersion: version },
    ],
  ];
  const events: AgentEvent[] = [];
  let told = state;
  for (const [event, isNew, mark] of news) {
    if (!isNew) continue;
    events.push(event);
    await seen.attempt(async () => {
      if (hook !== undefined) await runHook(hook, directory, event, terminal);
      told = { ...told, ...mark };
      await writeAgentState(directory, told);
    });
  }
  return events;
}

/**
 * Looks once: asks when to renew, renews, adopts the newest trust, tells the hook. Safe to end or kill at any point: the
 * next look goes on from there. @throws Failure only for what keeps it from looking at all.
 */
export async function look(options: AgentOptions): Promise<Look> {
  const { directory } = options;
  // Before the directory is opened, so that a mistyped one is not made.
  await readEnrolled(directory);
  const seen = forgiving();
  const now = await withDeviceDirectory(directory, () => change(options, seen));
  const events = await tell(options, now, seen);
  const { record, state, version } = now;
  return {
    events,
    record,
    renewFrom: renewFromOf(record, state),
    ...(state.askAt === undefined ? {} : { askAt: state.askAt }),
    ...(version === undefined ? {} : { version }),
    ...(seen.failure === undefined ? {} : { failure: seen.failure }),
  };
}

const firstDelay = 30_000;
/** Whatever a service says: who is told to wait for a year would be without a certificate by then. */
const longestDelay = 86_400_000;

/** After the n-th failure in a row: the service's Retry-After, or a delay that doubles; a thousand devices differ. */
export function delayAfter(failures: number, retryAfter: number | undefined, interval: number): number {
  const backoff = Math.min(firstDelay * 2 ** Math.min(failures - 1, 20), interval);
  return Math.min((retryAfter ?? backoff / 2) + (Math.random() * backoff) / 2, longestDelay);
}

/** Until the next look: the interval, or sooner where the certificate is due or the service may be asked again. */
function delayUntil({ renewFrom, askAt }: Look, now: number, interval: number): number {
  const times = [renewFrom, ...(askAt === undefined ? [] : [askAt])].filter((time) => time > now);
  return Math.min(interval, ...times.map((time) => time - now));
}

/** One look, its failure as a value; what ends the agent is thrown. */
async function lookOrFail(options: AgentOptions): Promise<Look | Failure> {
  try {
    return await look(options);
  } catch (error) {
    return outlived(error);
  }
}

/** Looks again and again until it is interrupted. `report` gets each look, or why there was none. */
export async function keepLooking(
  options: AgentOptions,
  interval: number,
  report: (outcome: Look | Failure) => void,
): Promise<void> {
  const { interrupted, now } = options.terminal;
  let failures = 0;
  while (!interrupted.aborted) {
    let delay: number;
    try {
      const outcome = await lookOrFail(options);
      report(outcome);
      if (outcome instanceof Failure || outcome.failure !== undefined) {
        failures += 1;
        delay = delayAfter(
          failures,
          outcome instanceof Failure ? outcome.retryAfter : outcome.failure?.retryAfter,
          interval,
        );
      } else {
        failures = 0;
        delay = delayUntil(outcome, now(), interval);
      }
    } catch (error) {
      if (toFailure(error).exit === "interrupted") return;
      throw error;
    }
    await wait(Math.max(delay, 250), undefined, { signal: interrupted }).catch(() => undefined);
  }
}
