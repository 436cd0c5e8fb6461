/**
 * Room: local. The embedded default: binds the App to the local adapters, makes the first fleet, serves the
 * very handlers that run on AWS. State is in one directory and survives a restart and a kill.
 */
import { isIP } from "node:net";
import { join } from "node:path";
import { encryptionSdkCipher } from "../adapters/encryption/encryption-sdk-cipher.ts";
import { rawFleetKeyrings } from "../adapters/encryption/raw-fleet-keyring.ts";
import { identityVerifier } from "../adapters/identity/identity-verifier.ts";
import { localDataKeys } from "../adapters/local/data-keys.ts";
import { fileNotifier } from "../adapters/local/file-notifier.ts";
import { openFileObjectStore } from "../adapters/local/file-object-store.ts";
import { ensurePrivateDirectory } from "../adapters/local/private-directory.ts";
import { sealedCertificates } from "../adapters/local/sealed-certificates.ts";
import { softwareKeyCustody } from "../adapters/local/software-key-custody.ts";
import { type MasterKeySource, openSoftwareKeyService } from "../adapters/local/software-key-service.ts";
import { softwareWrappingKeys } from "../adapters/local/software-wrapping-keys.ts";
import { openSqliteItemStore } from "../adapters/local/sqlite-item-store.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { systemDataKeyPairs } from "../adapters/system/data-key-pair.ts";
import { systemEntropy } from "../adapters/system/entropy.ts";
import { systemServerKeys } from "../adapters/system/server-key.ts";
import { deployFleet } from "../core/bootstrap/deployment.ts";
import { reconcile } from "../core/enrollment/reconciler.ts";
import type { AuthorityAlgorithmId } from "../core/formats/algorithms.ts";
import { boundedMemo } from "../core/memo.ts";
import type { App, DeploymentApp, HouseApp, Log } from "../core/ports.ts";
import { handlersOf } from "../lambdas/handlers.ts";
import { createLog } from "../lambdas/http/logger.ts";
import { type BootstrapFiles, writeBootstrapFiles } from "./bootstrap-files.ts";
import { createdFleets, firstFleet, followOrigin } from "./fleet-directory.ts";
import { type HttpsServer, startHttpsServer } from "./https-server.ts";
import { issueListenerCertificate, type ListenerCertificate } from "./listener-certificate.ts";
import { assertPortFree } from "./port.ts";
import { every } from "./schedule.ts";
import { type LocalTasks, startTasks } from "./tasks.ts";

export interface LocalOptions {
  /** Made with mode 0700 when absent. */
  readonly dataDir: string;
  /** Address or name to listen on. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Seals the signing keys; without one a key file in the data directory does. */
  readonly passphrase?: string;
  readonly trustDomain?: string;
  readonly rootAlgorithm?: AuthorityAlgorithmId;
  readonly issuingAlgorithm?: AuthorityAlgorithmId;
  /** Default: JSON lines on standard error. */
  readonly log?: Log;
}

export interface LocalServer {
  readonly url: string;
  readonly fleet: string;
  /** SHA-256 of the root certificate, lowercase hexadecimal. */
  readonly rootFingerprint: string;
  readonly bootstrap: BootstrapFiles;
  /** Answers what runs, then lets go of every file. */
  close(): Promise<void>;
}

export interface LocalApp {
  readonly app: HouseApp;
  /** Drops records whose time is over. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** ICANN keeps `.internal` for private use, so the name never meets a public one. */
const defaultTrustDomain = "fleetkey.internal";
const reconcileMilliseconds = 5_000;
const listenerCheckMilliseconds = 60_000;
const sweepMilliseconds = 600_000;
const operatorCheckMilliseconds = 3_600_000;

/** The App on the local adapters, without a listener. @throws AppError configuration_invalid, key_store_locked. */
export async function openLocalApp(
  options: Pick<LocalOptions, "dataDir" | "passphrase" | "log">,
): Promise<LocalApp> {
  const { dataDir, passphrase } = options;
  await ensurePrivateDirectory(dataDir);
  const masterKey: MasterKeySource =
    passphrase === undefined ? { keyFile: join(dataDir, "master.key") } : { passphrase };
  const keyDirectory = join(dataDir, "keys");
  const keys = await openSoftwareKeyService({ directory: keyDirectory, masterKey });
  const wrappingKeys = await softwareWrappingKeys({ directory: keyDirectory, masterKey, clock: systemClock });
  const items = await openSqliteItemStore({ path: join(dataDir, "fleetkey.sqlite") });
  // A store of its own, which backups leave out: what is shredded comes back from none.
  await ensurePrivateDirectory(join(dataDir, "subject-keys"));
  const subjectKeys = await openSqliteItemStore({
    path: join(dataDir, "subject-keys", "subject-keys.sqlite"),
    rewrites: true,
  });
  const log = options.log ?? createLog();
  const objects = (name: string) => openFileObjectStore({ directory: join(dataDir, "objects", name) });
  const app: HouseApp = {
    clock: systemClock,
    entropy: systemEntropy,
    items,
    keys,
    log,
    memo: boundedMemo(),
    identities: identityVerifier(),
    artifacts: await objects("artifacts"),
    trustStores: await objects("trust-stores"),
    records: await objects("records"),
    notifier: fileNotifier({ path: join(dataDir, "notices.jsonl") }),
    custody: softwareKeyCustody({ directory: keyDirectory, clock: systemClock }),
    dataKeys: localDataKeys(wrappingKeys),
    wrappingKeys,
    subjectKeys,
    keyPairs: systemDataKeyPairs,
    // What this process deletes is overwritten, and it makes no copies.
    keyRecoveryDays: 0,
    cipher: encryptionSdkCipher({
      fleetKeyring: rawFleetKeyrings((fleet, keyId) => wrappingKeys.openGeneration(fleet, keyId)),
    }),
    // Whoever has the data directory has its keys: a loan is kept in the books, and no lock.
    keysWith: () => keys,
    certificates: await sealedCertificates({ directory: join(dataDir, "certificates"), masterKey }),
    serverKeys: systemServerKeys,
  };
  return {
    app,
    async sweep() {
      const now = Math.floor(systemClock.now() / 1000);
      // Nothing in the other expires; what was destroyed while others read is overwritten then.
      await Promise.all([items.sweep(now), subjectKeys.sweep(now)]);
    },
    async close() {
      await Promise.all([items.close(), subjectKeys.close()]);
    },
  };
}

function renewListener(
  app: App,
  fleet: string,
  host: string,
  server: HttpsServer,
  first: ListenerCertificate,
) {
  let renewAfter = first.renewAfter;
  return every(listenerCheckMilliseconds, app.log, "listener_renewal", async () => {
    if (app.clock.now() < renewAfter) return;
    const next = await issueListenerCertificate(app, fleet, host);
    server.setCertificate(next.key, next.cert);
    renewAfter = next.renewAfter;
  });
}

/** Everything that a running server does by itself. Returns what stops it. */
function startSchedules(
  local: LocalApp,
  options: LocalOptions,
  server: HttpsServer,
  listener: ListenerCertificate,
) {
  const { app, sweep } = local;
  const { dataDir, host } = options;
  const stops = [
    every(reconcileMilliseconds, app.log, "reconciler", async () => {
      await reconcile(app);
    }),
    every(sweepMilliseconds, app.log, "sweep", sweep),
    every(operatorCheckMilliseconds, app.log, "operator_renewal", async () => {
      await writeBootstrapFiles(app, firstFleet, dataDir);
      await followOrigin(app, dataDir, originOf(host, server.port));
    }),
    renewListener(app, firstFleet, host, server, listener),
  ];
  return () => Promise.all(stops.map((stop) => stop()));
}

/**
 * The name `localhost` stands in the listener's certificate, and WebAuthn wants a name: an address has no passkeys.
 * Whoever listens under a name of its own is found under that.
 */
function originOf(host: string, port: number): string {
  const name = isIP(host) === 0 ? host : "localhost";
  return new URL(`https://${name}:${port}`).origin;
}

function deployFirstFleet({ app }: LocalApp, options: LocalOptions, fleets: readonly string[]) {
  const { trustDomain = defaultTrustDomain, rootAlgorithm = "P-384", issuingAlgorithm = "P-256" } = options;
  const plan = { fleet: firstFleet, trustDomain, rootAlgorithm, issuingAlgorithm };
  return deployFleet(app, { plan, fleets: [firstFleet, ...fleets] });
}

/** All fleets are at the listener's origin before anybody is told its URL. */
async function followListener(
  app: DeploymentApp,
  { dataDir, host }: LocalOptions,
  server: HttpsServer,
): Promise<void> {
  // The port is known only now, where any free one was asked for.
  const origin = originOf(host, server.port);
  try {
    await followOrigin(app, dataDir, origin);
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Lists and answers are published once the fleets are where the server listens. A start that fails leaves no task behind. */
async function startServer(
  app: HouseApp,
  options: LocalOptions,
  tls: { readonly key: string; readonly cert: string },
  tasks: LocalTasks,
): Promise<HttpsServer> {
  const { host, port } = options;
  const handlers = handlersOf({ ...app, tasks: tasks.starter });
  try {
    const server = await startHttpsServer({ handlers, tls, host, port, log: app.log });
    await followListener(app, options, server);
    // What was due while nothing ran waits for no interval.
    for (const task of ["publish", "rotate", "tendServers", "safekeep"] as const)
      await tasks.starter.start(task);
    return server;
  } catch (error) {
    await tasks.stop();
    throw error;
  }
}

async function serve(local: LocalApp, options: LocalOptions): Promise<LocalServer> {
  const { app } = local;
  const { host, port, dataDir } = options;
  // Before anything is signed: a start that fails for its port leaves no certificate behind.
  await assertPortFree(host, port);
  const { rootFingerprint } = await deployFirstFleet(local, options, await createdFleets(dataDir));
  const bootstrap = await writeBootstrapFiles(app, firstFleet, dataDir);
  await reconcile(app);
  const listener = await issueListenerCertificate(app, firstFleet, host);
  const tls = { key: listener.key, cert: listener.cert };
  const tasks = startTasks(app);
  const server = await startServer(app, options, tls, tasks);
  const stop = startSchedules(local, options, server, listener);
  return {
    url: server.url,
    fleet: firstFleet,
    rootFingerprint,
    bootstrap,
    async close() {
      await server.close();
      await Promise.all([stop(), tasks.stop()]);
      await local.close();
    },
  };
}

/**
 * Starts the server; the first start makes fleet "default" with its authorities and one operator.
 * @throws AppError configuration_invalid, key_store_locked, store_unavailable; Error when the port is taken.
 */
export async function startLocal(options: LocalOptions): Promise<LocalServer> {
  const local = await openLocalApp(options);
  try {
    return await serve(local, options);
  } catch (error) {
    await local.close();
    throw error;
  }
}
