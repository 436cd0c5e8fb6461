/** Room: test/support. A DeploymentApp without a fleet: real store and keys, objects in memory, notices kept. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identityVerifier } from "../../adapters/identity/identity-verifier.ts";
import { localDataKeys } from "../../adapters/local/data-keys.ts";
import { sealedCertificates } from "../../adapters/local/sealed-certificates.ts";
import { softwareKeyCustody } from "../../adapters/local/software-key-custody.ts";
import { openSoftwareKeyService } from "../../adapters/local/software-key-service.ts";
import { openSqliteItemStore } from "../../adapters/local/sqlite-item-store.ts";
import { systemEntropy } from "../../adapters/system/entropy.ts";
import { systemServerKeys } from "../../adapters/system/server-key.ts";
import { boundedMemo } from "../../core/memo.ts";
import type { HouseApp, Notice, RevocationApp, StartedTask } from "../../core/ports.ts";
import { type LogLine, recordingLog, recordingStarter, type TestClock, testClock } from "./fleet-app.ts";
import { openLocalProtection } from "./local-protection.ts";
import { type MemoryObjectStore, memoryObjectStore } from "./memory-object-store.ts";

export type DeploymentPorts = HouseApp & RevocationApp;

export interface DeploymentFixture {
  readonly app: DeploymentPorts;
  readonly clock: TestClock;
  readonly log: readonly LogLine[];
  readonly artifacts: MemoryObjectStore;
  readonly trustStores: MemoryObjectStore;
  readonly records: MemoryObjectStore;
  readonly notices: readonly Notice[];
  /** Tasks that were asked for, in order; nothing is run. */
  readonly started: readonly StartedTask[];
  /** Of the key service: `keys`, and what it is opened with. */
  readonly directory: string;
  close(): Promise<void>;
}

export async function openDeploymentApp(): Promise<DeploymentFixture> {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-test-"));
  const items = await openSqliteItemStore({ path: ":memory:" });
  const masterKey = { keyFile: join(directory, "master.key") };
  const keyStore = { directory: join(directory, "keys"), masterKey };
  const keys = await openSoftwareKeyService(keyStore);
  const clock = testClock();
  const protection = await openLocalProtection({ ...keyStore, clock });
  const log: LogLine[] = [];
  const notices: Notice[] = [];
  const started: StartedTask[] = [];
  const objects = {
    artifacts: memoryObjectStore({ namesVersions: false }),
    trustStores: memoryObjectStore({ namesVersions: true }),
    records: memoryObjectStore({ namesVersions: true }),
  };
  const app: DeploymentPorts = {
    ...objects,
    tasks: recordingStarter(started),
    clock,
    entropy: systemEntropy,
    items,
    keys,
    log: recordingLog(log),
    memo: boundedMemo(),
    identities: identityVerifier(),
    custody: softwareKeyCustody({ directory: join(directory, "keys"), clock }),
    dataKeys: localDataKeys(),
    ...protection.ports,
    keysWith: () => keys,
    certificates: await sealedCertificates({
      directory: join(directory, "certificates"),
      masterKey,
      now: clock.now,
    }),
    serverKeys: systemServerKeys,
    notifier: {
      async notify(notice) {
        await Promise.resolve();
        notices.push(notice);
      },
    },
  };
  return {
    ...objects,
    app,
    clock,
    log,
    notices,
    started,
    directory,
    async close() {
      await Promise.all([items.close(), protection.close()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
