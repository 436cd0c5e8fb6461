/**
 * Room: test/support. A fleet on the local adapters for tests of use cases: the real store in memory (or in a
 * directory), the real key service, a clock that a test can move, a log that it can read.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identityVerifier } from "../../adapters/identity/identity-verifier.ts";
import { openSoftwareKeyService } from "../../adapters/local/software-key-service.ts";
import { openSqliteItemStore } from "../../adapters/local/sqlite-item-store.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { systemEntropy } from "../../adapters/system/entropy.ts";
import type { Fleet } from "../../core/authority/issuer.ts";
import { bootstrapFleet } from "../../core/bootstrap/fleet.ts";
import type { AuthorityAlgorithmId } from "../../core/formats/algorithms.ts";
import { boundedMemo } from "../../core/memo.ts";
import type { App, Clock, Log, Notice, ServiceApp, StartedTask, TaskStarter } from "../../core/ports.ts";
import { openLocalProtection } from "./local-protection.ts";
import { copyLine } from "./log-copy.ts";
import { type MemoryObjectStore, memoryObjectStore } from "./memory-object-store.ts";

export interface TestClock extends Clock {
  /** Moves the clock forward. */
  advance(milliseconds: number): void;
}

export function testClock(): TestClock {
  let offset = 0;
  return {
    now: () => systemClock.now() + offset,
    sleep: (milliseconds) => systemClock.sleep(milliseconds),
    advance(milliseconds) {
      offset += milliseconds;
    },
  };
}

export interface LogLine {
  readonly level: "info" | "warn" | "error";
  readonly event: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

export function recordingLog(lines: LogLine[]): Log {
  const at =
    (level: LogLine["level"]): Log["info"] =>
    (event, fields = {}) => {
      const line = { level, event, fields };
      lines.push(line);
      copyLine(line);
    };
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

/** What a process has that answers every kind of request; what was published is in memory. */
export type FleetPorts = ServiceApp;

export interface FleetApp {
  readonly app: FleetPorts;
  /** What was asked for, in order; nothing is run. */
  readonly started: readonly StartedTask[];
  readonly artifacts: MemoryObjectStore;
  /** What people were told. */
  readonly notices: readonly Notice[];
  readonly clock: TestClock;
  readonly log: readonly LogLine[];
  readonly fleet: Fleet;
  readonly directory: string;
  close(): Promise<void>;
}

export function recordingStarter(started: StartedTask[]): TaskStarter {
  return {
    async start(task) {
      await Promise.resolve();
      started.push(task);
    },
  };
}

export interface FleetAppOptions {
  readonly fleet?: string;
  readonly rootAlgorithm?: AuthorityAlgorithmId;
  readonly issuingAlgorithm?: AuthorityAlgorithmId;
  /** Keeps the store in a file of the directory, for tests with a second process. */
  readonly onDisk?: boolean;
}

export const testFleet = "default";

type Algorithms = Pick<FleetAppOptions, "rootAlgorithm" | "issuingAlgorithm">;

/** Makes `fleet` in `app`'s own store, beside whatever fleets are there: another tenant of the same service. */
export function addFleet(app: App, fleet: string, algorithms: Algorithms = {}): Promise<Fleet> {
  return bootstrapFleet(app, {
    fleet,
    trustDomain: "example.test",
    rootAlgorithm: algorithms.rootAlgorithm ?? "P-256",
    issuingAlgorithm: algorithms.issuingAlgorithm ?? "P-256",
  });
}

/** A new fleet in a new directory; `close` removes both. */
export async function openFleetApp(options: FleetAppOptions = {}): Promise<FleetApp> {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-test-"));
  const path = options.onDisk === true ? join(directory, "fleetkey.sqlite") : ":memory:";
  const items = await openSqliteItemStore({ path });
  const masterKey = { keyFile: join(directory, "master.key") };
  const keyStore = { directory: join(directory, "keys"), masterKey };
  const keys = await openSoftwareKeyService(keyStore);
  const clock = testClock();
  const protection = await openLocalProtection({ ...keyStore, clock });
  const notices: Notice[] = [];
  const log: LogLine[] = [];
  const started: StartedTask[] = [];
  const artifacts = memoryObjectStore({ namesVersions: false });
  const app: FleetPorts = {
    clock,
    entropy: systemEntropy,
    items,
    keys,
    log: recordingLog(log),
    memo: boundedMemo(),
    identities: identityVerifier(),
    tasks: recordingStarter(started),
    artifacts,
    ...protection.ports,
    notifier: {
      async notify(notice) {
        await Promise.resolve();
        notices.push(notice);
      },
    },
  };
  const fleet = await addFleet(app, options.fleet ?? testFleet, options);
  return {
    app,
    clock,
    log,
    fleet,
    started,
    artifacts,
    notices,
    directory,
    async close() {
      await Promise.all([items.close(), protection.close()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
