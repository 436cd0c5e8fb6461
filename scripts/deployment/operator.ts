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

/** Writes root.pem and operator.pem after checking that they are what was asked for. */
export async function installOperator(directory: string, answer: BootstrappedFleet): Promise<void> {
  const files = operatorFiles(directory);
  const { operator, root, rootFingerprint } = answer;
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
  if (fingerprintOf(new X509Certificate(root)) !== rootFingerprint) {
    throw new StepFailure(
      "the bootstrap's fingerprint is not its root's",
      "see the bootstrap function's log",
    );
  }
  if (certificate.validToDate.getTime() <= Date.now()) {
    throw new StepFailure(
      `the certificate of ${files.key} expired ${operator.notAfter}`,
      `move ${files.key} and ${files.request} away and run the same command again: a new key is certified`,
    );
  }
  await writeFileAtomically(files.root, root, publicMode);
  await writeFileAtomically(files.certificate, operator.certificate + operator.chain, publicMode);
}
