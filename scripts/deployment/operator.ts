/**
 * Room: scripts/deployment. The operator of a fleet: a key made on this machine that never leaves it, and what the
 * fleet's bootstrap made of its request.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  privateMode,
  publicMode,
  readFileIfPresent,
  writeFileAtomically,
} from "../../cli/credential-files.ts";
import { makeDeviceKey } from "../../cli/device-key.ts";
import { fingerprintOf } from "../../cli/issued-certificate.ts";
import { StepFailure } from "./failure.ts";

export interface OperatorFiles {
  readonly root: string;
  readonly certificate: string;
  readonly key: string;
  readonly request: string;
}

/** What the task `bootstrapFleet` answers. */
export interface BootstrappedFleet {
  readonly fleet: string;
  /** PEM. */
  readonly root: string;
  /** SHA-256 of the root certificate, lowercase hex. */
  readonly rootFingerprint: string;
  readonly trustStore: { readonly key: string; readonly versionId?: string };
  readonly operator?: {
    readonly serialNumber: string;
    /** PEM; `chain` without the root. */
    readonly certificate: string;
    readonly chain: string;
    /** ISO 8601, UTC. */
    readonly notAfter: string;
  };
}

/** Opaque, as the certificate and the audit log will hold it. */
export const operatorId = "operator-1";

export function operatorFiles(directory: string): OperatorFiles {
  return {
    root: join(directory, "root.pem"),
    certificate: join(directory, "operator.pem"),
    key: join(directory, "operator.key"),
    request: join(directory, "operator.csr"),
  };
}

/** The request for the key in `directory`, which is made now unless it is there; PEM. */
export async function prepareOperator(directory: string): Promise<string> {
  const files = operatorFiles(directory);
  const key = await readFileIfPresent(files.key);
  const request = await readFileIfPresent(files.request);
  if (key !== undefined && request !== undefined) return request;
  if (key !== undefined) {
    throw new StepFailure(
      `${files.key} is there without ${files.request}`,
      "bring the request back, or move the key away: another will be made and certified",
    );
  }
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const made = await makeDeviceKey(operatorId, "P-256");
  // The request first: a crash in between leaves a request without a key, which the next run replaces.
  await writeFileAtomically(files.request, made.csr, publicMode);
  await writeFileAtomically(files.key, made.privateKey, privateMode);
  return made.csr;
}

/** @throws StepFailure before anything is deployed, when the operator of `directory` has expired. */
export async function checkOperator(directory: string): Promise<void> {
  const files = operatorFiles(directory);
  const certificate = await readFileIfPresent(files.certificate);
  if (certificate !== undefined) assertInForce(new X509Certificate(certificate), files);
}

function assertInForce(certificate: X509Certificate, files: OperatorFiles): void {
  if (certificate.validToDate.getTime() > Date.now()) return;
  throw new StepFailure(
    `the certificate of ${files.key} expired ${certificate.validToDate.toISOString()}`,
    `move ${files.key}, ${files.request} and ${files.certificate} away and run the same command again: a new key is certified`,
  );
}

/**
 * Writes root.pem. A root that is there already is the one that people compare with: another is never put in its place.
 * @throws StepFailure.
 */
export async function installRoot(directory: string, answer: BootstrappedFleet): Promise<void> {
  const { root, rootFingerprint } = answer;
  const path = operatorFiles(directory).root;
  if (fingerprintOf(new X509Certificate(root)) !== rootFingerprint) {
    throw new StepFailure(
      "the bootstrap's fingerprint is not its root's",
      "see the bootstrap function's log",
    );
  }
  const known = await readFileIfPresent(path);
  const before = known === undefined ? rootFingerprint : fingerprintOf(new X509Certificate(known));
  if (before !== rootFingerprint) {
    throw new StepFailure(
      `the fleet's root is ${rootFingerprint}, and ${path} holds ${before}`,
      `find out who made another root; only if it is meant, move ${path} away and run the same command again`,
    );
  }
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFileAtomically(path, root, publicMode);
}

/** Writes operator.pem after checking that it is what was asked for. @throws StepFailure. */
export async function installOperator(directory: string, answer: BootstrappedFleet): Promise<void> {
  const files = operatorFiles(directory);
  const { operator } = answer;
  if (operator === undefined) {
    throw new StepFailure(
      "the bootstrap certified no operator",
      "run the same command again; if it stays so, see the bootstrap function's log",
    );
  }
  const certificate = new X509Certificate(operator.certificate);
  const key = await readFileIfPresent(files.key);
  if (key === undefined || !certificate.checkPrivateKey(createPrivateKey(key))) {
    throw new StepFailure(
      `the certificate is for another key than ${files.key}`,
      "let one person deploy at a time, then run the same command again",
    );
  }
  assertInForce(certificate, files);
  await writeFileAtomically(files.certificate, operator.certificate + operator.chain, publicMode);
}
