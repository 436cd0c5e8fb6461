/**
 * Room: scripts. A deployed fleet on the local adapters with a clock that the simulation moves: the store in memory, the
 * software key service and its custody in a temporary directory, chance that can be repeated.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identityVerifier } from "../../adapters/identity/identity-verifier.ts";
import { softwareKeyCustody } from "../../adapters/local/software-key-custody.ts";
import { openSoftwareKeyService } from "../../adapters/local/software-key-service.ts";
import { openSqliteItemStore } from "../../adapters/local/sqlite-item-store.ts";
import { deployFleet } from "../../core/bootstrap/deployment.ts";
import { boundedMemo } from "../../core/memo.ts";
import type {
  App,
  CeremonyApp,
  Clock,
  DataKeyCustody,
  Notice,
  PublisherApp,
  RotationApp,
  StartedTask,
} from "../../core/ports.ts";
import { type LogLine, recordingLog } from "../../test/support/fleet-app.ts";
import { type MemoryObjectStore, memoryObjectStore } from "../../test/support/memory-object-store.ts";
import { countedEntropy } from "./random.ts";

export const fleet = "clinic";
export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

export interface SimulatedClock extends Clock {
  /** Milliseconds since the epoch; never back. */
  set(time: number): void;
}

function simulatedClock(start: number): SimulatedClock {
  let time = start;
  return {
    now: () => time,
    set(to) {
      time = Math.max(time, to);
    },
    async sleep(milliseconds) {
      time += milliseconds;
    },
  };
}

/** As KMS has one of a stage: it rotates by itself every year. */
function yearlyDataKey(now: () => number): DataKeyCustody {
  const createdAt = now();
  return {
    async list() {
      const years = Math.floor((now() - createdAt) / (365 * day));
      const lastRotationAt = years === 0 ? {} : { lastRotationAt: createdAt + years * 365 * day };
      return [
        {
          ...{ keyId: "arn:data", name: "data", condition: "enabled", createdAt, rotationDays: 365 },
          ...{ onDemandRotations: 0, onDemandLimit: 25, ...lastRotationAt },
        },
      ];
    },
    rotateNow: () => Promise.reject(new Error("nobody asks for that here")),
  };
}

export type HousePorts = App & RotationApp & CeremonyApp & PublisherApp;

export interface House {
  readonly app: HousePorts;
  readonly clock: SimulatedClock;
  readonly artifacts: MemoryObjectStore;
  readonly log: LogLine[];
  readonly notices: Notice[];
  /** Tasks that were asked for and not yet run. */
  readonly started: Set<StartedTask>;
  /** Drops from the store what is over, as a table's time to live does. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

async function deploy(app: HousePorts, clock: SimulatedClock): Promise<void> {
  clock.set(clock.now() + minute);
  await deployFleet(app, {
    plan: { fleet, trustDomain: "example.test", rootAlgorithm: "P-256", issuingAlgorithm: "P-256" },
    fleets: [fleet],
    origin: "https://keys.example.test",
  });
}

/** @param start Milliseconds since the epoch: when the fleet is deployed. */
export async function openHouse(start: number, seed: number): Promise<House> {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-decade-"));
  const items = await openSqliteItemStore({ path: ":memory:" });
  const masterKey = { keyFile: join(directory, "master.key") };
  const keys = await openSoftwareKeyService({ directory: join(directory, "keys"), masterKey });
  const clock = simulatedClock(start);
  const log: LogLine[] = [];
  const notices: Notice[] = [];
  const started = new Set<StartedTask>();
  const artifacts = memoryObjectStore({ namesVersions: false });
  const app: HousePorts = {
    ...{ clock, items, keys, artifacts, log: recordingLog(log), entropy: countedEntropy(seed) },
    trustStores: memoryObjectStore({ namesVersions: true }),
    records: memoryObjectStore({ namesVersions: true }),
    memo: boundedMemo(),
    identities: identityVerifier(),
    keysWith: () => keys,
    custody: softwareKeyCustody({ directory: join(directory, "keys"), clock }),
    dataKeys: yearlyDataKey(clock.now),
    tasks: {
      async start(task) {
        started.add(task);
      },
    },
    notifier: {
      async notify(notice) {
        notices.push(notice);
      },
    },
  };
  await deploy(app, clock);
  return {
    ...{ app, clock, artifacts, log, notices, started },
    async forget() {
      await items.sweep(Math.floor(clock.now() / 1_000));
    },
    async close() {
      await items.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
