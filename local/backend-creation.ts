/**
 * Room: local. A backend of a local server's fleet, named and certified from the server's own data directory: whoever has
 * that directory has the server's keys, and needs nobody's approval. It may run beside a running server, and again.
 */
import { join } from "node:path";
import { deployBackend } from "../core/bootstrap/backend.ts";
import { trustBundlePem } from "../core/distribution/trust.ts";
import type { IssuedCertificate } from "../core/enrollment/answer.ts";
import { AppError } from "../core/errors.ts";
import { checkBackendId } from "../core/policy/identifiers.ts";
import type { Log } from "../core/ports.ts";
import type { PipelineOperation } from "../core/standard/access.ts";
import { openLocalApp } from "./app.ts";
import { readIfPresent } from "./durable-file.ts";

/** What backends do with data. */
export const backendOperations = [
  "createDataKey",
  "encryptData",
  "decryptData",
  "reencryptData",
] as const satisfies readonly PipelineOperation[];

export type BackendOperation = (typeof backendOperations)[number];

export interface LocalDeploymentOptions {
  /** Of a server that has been started at least once. */
  readonly dataDir: string;
  readonly passphrase?: string;
  readonly fleet: string;
  /** Default: JSON lines on standard error. */
  readonly log?: Log;
}

export interface LocalBackend {
  /** Opaque. */
  readonly backendId: string;
  readonly operations: readonly BackendOperation[];
  /** Words, or `*` alone. */
  readonly purposes: readonly string[];
  /** PKCS #10, DER. */
  readonly csr: Uint8Array;
}

export interface LocalDeployment {
  /** PEM of the fleet's roots. */
  readonly roots: string;
  /**
   * Names the backend in the fleet's configuration, in the place of what was said of it before, and certifies its key.
   * The same again changes nothing and gives the same certificate.
   * @throws AppError see `deployBackend`; store_unavailable.
   */
  certify(backend: LocalBackend): Promise<IssuedCertificate>;
  close(): Promise<void>;
}

/** @throws AppError name_not_permitted. */
export function assertBackendId(backendId: string): void {
  const decision = checkBackendId(backendId);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
}

/** A mistyped path must not become a data directory of its own. */
async function assertServed(dataDir: string): Promise<void> {
  if ((await readIfPresent(join(dataDir, "bootstrap", "root.pem"))) !== undefined) return;
  throw new AppError(
    "configuration_invalid",
    "the data directory is none that a server has used; check the path, or start the server once",
  );
}

/** @throws AppError configuration_invalid (no server's data directory), not_found (fleet), key_store_locked. */
export async function openLocalDeployment(options: LocalDeploymentOptions): Promise<LocalDeployment> {
  const { dataDir, fleet } = options;
  await assertServed(dataDir);
  const { app, close } = await openLocalApp(options);
  try {
    const roots = await trustBundlePem(app, { fleet });
    return { roots, certify: (backend) => deployBackend(app, { fleet, ...backend }), close };
  } catch (error) {
    await close();
    throw error;
  }
}
