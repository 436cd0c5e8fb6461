/**
 * Room: test/rotation. A fleet with what keeps its server certificates: the real store, the real keys, certificates in
 * sealed files, and a memory of everything that the ports were given. Private keys that were made are kept aside, to
 * be looked for in all of it.
 */
import { join } from "node:path";
import { sealedCertificates } from "../../adapters/local/sealed-certificates.ts";
import { systemServerKeys } from "../../adapters/system/server-key.ts";
import { listFleet } from "../../core/fleets/directory.ts";
import type { CertificateManager, ItemStore, Notice, ServerApp } from "../../core/ports.ts";
import { findServerCertificate } from "../../core/rotation/server-certificate.ts";
import { writeServerCertificate } from "../../core/rotation/server-lease.ts";
import {
  requestServerCertificate,
  type ServerCertificateRequest,
} from "../../core/rotation/server-request.ts";
import { type FleetApp, openFleetApp, testFleet } from "../support/fleet-app.ts";

export const day = 86_400_000;

export interface ServerWorld extends FleetApp {
  readonly serverApp: ServerApp;
  readonly notices: readonly Notice[];
  /** Copies of every private key that was made: PEM of PKCS #8. */
  readonly keys: readonly Buffer[];
  /** The very buffers that were handed out, which must be overwritten. */
  readonly handedOut: readonly Buffer[];
  /** Everything that the store, the log, the notifier and the tasks were given. */
  readonly received: readonly unknown[];
  /** Operations of the certificate manager so far: `import new`, `import over`, `describe`, `remove`. */
  readonly acts: readonly string[];
  request(change?: Partial<ServerCertificateRequest>): ReturnType<typeof requestServerCertificate>;
  /** Makes the certificate due at this time, whatever its age: for services that have a clock of their own. */
  fallDue(name?: string): Promise<void>;
  record(name?: string): Promise<NonNullable<Awaited<ReturnType<typeof findServerCertificate>>>["value"]>;
}

function listening(items: ItemStore, received: unknown[]): ItemStore {
  return {
    get: (key) => items.get(key),
    query: (query) => items.query(query),
    transact(operations) {
      received.push(operations);
      return items.transact(operations);
    },
  };
}

function counting(manager: CertificateManager, acts: string[]): CertificateManager {
  return {
    import(name, material, replaces) {
      acts.push(replaces === undefined ? "import new" : "import over");
      return manager.import(name, material, replaces);
    },
    describe(certificateId) {
      acts.push("describe");
      return manager.describe(certificateId);
    },
    remove(certificateId) {
      acts.push("remove");
      return manager.remove(certificateId);
    },
  };
}

/** @param manager @default sealed files in the fleet's directory */
export async function openServerWorld(manager?: CertificateManager): Promise<ServerWorld> {
  const opened = await openFleetApp();
  const { app, directory, clock } = opened;
  const received: unknown[] = [opened.log, opened.started];
  const notices: Notice[] = [];
  const keys: Buffer[] = [];
  const handedOut: Buffer[] = [];
  const acts: string[] = [];
  await listFleet(app, testFleet);
  const held =
    manager ??
    (await sealedCertificates({
      directory: join(directory, "certificates"),
      masterKey: { keyFile: join(directory, "master.key") },
      now: () => clock.now(),
    }));
  const serverApp: ServerApp = {
    ...app,
    items: listening(app.items, received),
    certificates: counting(held, acts),
    serverKeys: {
      async make(algorithm) {
        const key = await systemServerKeys.make(algorithm);
        keys.push(Buffer.from(key.privateKey));
        handedOut.push(key.privateKey);
        return key;
      },
    },
    notifier: {
      async notify(notice) {
        await Promise.resolve();
        received.push(notice);
        notices.push(notice);
      },
    },
  };
  return {
    ...opened,
    serverApp,
    notices,
    keys,
    handedOut,
    received,
    acts,
    request: (change = {}) =>
      requestServerCertificate(serverApp, {
        fleet: testFleet,
        caller: { actor: "operator:operator-1", namePatterns: "any" },
        name: "api",
        dnsNames: ["api.example.test"],
        keyAlgorithm: "P-256",
        ...change,
      }),
    async fallDue(name = "api") {
      const found = await findServerCertificate(app, { fleet: testFleet, name });
      if (found === undefined) throw new Error(`there is no server certificate ${name}`);
      await writeServerCertificate(app, found, { nextAt: clock.now() });
    },
    async record(name = "api") {
      const found = await findServerCertificate(serverApp, { fleet: testFleet, name });
      if (found === undefined) throw new Error(`there is no server certificate ${name}`);
      return found.value;
    },
  };
}
