/**
 * Room: local. A backend of a local server's fleet, named and certified from the server's own data directory: whoever has
 * that directory has the server's keys, and needs nobody's approval. It may run beside a running server, and again.
 */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { FileLock } from "../adapters/local/file-lock.ts";
import { ensurePrivateDirectory, publishPrivateFile } from "../adapters/local/private-directory.ts";
import { deployBackend } from "../core/bootstrap/backend.ts";
import { trustBundlePem } from "../core/distribution/trust.ts";
import { AppError } from "../core/errors.ts";
import { checkBackendId } from "../core/policy/identifiers.ts";
import type { App, Log } from "../core/ports.ts";
import type { PipelineOperation } from "../core/standard/access.ts";
import { openLocalApp } from "./app.ts";
import { keyWithRequest } from "./certification.ts";
import { readIfPresent, replaceFile } from "./durable-file.ts";

export interface LocalBackendOptions {
  /** Of a server that has been started at least once. */
  readonly dataDir: string;
  readonly passphrase?: string;
  readonly fleet: string;
  /** Opaque; also the name of its directory. */
  readonly backendId: string;
  readonly operations: readonly PipelineOperation[];
  /** Words, or `*`. */
  readonly purposes: readonly string[];
  /** Default: JSON lines on standard error. */
  readonly log?: Log;
}

/** Paths of the files. */
export interface LocalBackend {
  readonly backendId: string;
  readonly directory: string;
  readonly certificate: string;
  readonly key: string;
  readonly root: string;
  /** ISO 8601, UTC. */
  readonly notAfter: string;
}

/** A mistyped path must not become a data directory of its own. */
async function assertServed(dataDir: string): Promise<void> {
  if ((await readIfPresent(join(dataDir, "bootstrap", "root.pem"))) !== undefined) return;
  throw new AppError(
    "configuration_invalid",
    "the data directory is none that a server has used; check the path, or start the server once",
  );
}

/** The key on disk: one that is there is kept, so that a kill between key and certificate loses nothing. */
async function keyAt(path: string): Promise<string> {
  const existing = await readIfPresent(path);
  if (existing !== undefined) return existing;
  await publishPrivateFile(path, Buffer.from(keyWithRequest().privateKey));
  return (await readIfPresent(path)) ?? "";
}

async function isInForce(app: App, path: string): Promise<boolean> {
  const pem = await readIfPresent(path);
  return pem !== undefined && new X509Certificate(pem).validToDate.getTime() > app.clock.now();
}

async function create(app: App, options: LocalBackendOptions, directory: string): Promise<LocalBackend> {
  const { fleet, backendId, operations, purposes } = options;
  const key = join(directory, "backend.key");
  const certificate = join(directory, "backend.pem");
  const root = join(directory, "root.pem");
  // The key of a certificate that has ended is done with (key_reused).
  if ((await readIfPresent(certificate)) !== undefined && !(await isInForce(app, certificate)))
    await replaceFile(key, keyWithRequest().privateKey, 0o600);
  const { csr } = keyWithRequest(await keyAt(key));
  const issued = await deployBackend(app, { fleet, backendId, operations, purposes, csr });
  await replaceFile(certificate, issued.certificate + issued.chain, 0o600);
  await replaceFile(root, await trustBundlePem(app, { fleet }), 0o644);
  return { backendId, directory, certificate, key, root, notAfter: issued.notAfter };
}

/**
 * Names the backend in the fleet's configuration and writes `DIR/backends/NAME/{backend.pem,backend.key,root.pem}`. A run
 * that died is finished by the next.
 * @throws AppError see `deployBackend`; configuration_invalid (no server's data directory), key_store_locked,
 * store_unavailable.
 */
export async function createLocalBackend(options: LocalBackendOptions): Promise<LocalBackend> {
  const { dataDir, backendId } = options;
  const decision = checkBackendId(backendId);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
  await assertServed(dataDir);
  const directory = join(dataDir, "backends", backendId);
  await ensurePrivateDirectory(join(dataDir, "backends"));
  await ensurePrivateDirectory(directory);
  const local = await openLocalApp(options);
  try {
    return await new FileLock(join(directory, ".lock")).hold(() => create(local.app, options, directory));
  } finally {
    await local.close();
  }
}
