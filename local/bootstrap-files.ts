/**
 * Room: local. What the first start leaves for its owner: the fleet's root and the credential of one operator.
 * The key is on disk before its certificate exists, so a kill between the two loses nothing.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ensurePrivateDirectory, publishPrivateFile } from "../adapters/local/private-directory.ts";
import { authenticateClientCertificate } from "../core/access/client-certificate.ts";
import { issueForDeployment } from "../core/bootstrap/end-entity.ts";
import { trustBundlePem } from "../core/distribution/trust.ts";
import { isAppError } from "../core/errors.ts";
import type { App } from "../core/ports.ts";
import { profiles } from "../core/standard/profiles.ts";
import { keyWithRequest } from "./certification.ts";
import { readIfPresent, replaceFile } from "./durable-file.ts";

/** Paths of the files. */
export interface BootstrapFiles {
  readonly root: string;
  readonly operatorCertificate: string;
  readonly operatorKey: string;
}

export const firstOperatorId = "operator-1";

type Standing = "absent" | "due" | "inForce" | "revoked";

/** A certificate without its key is worth nothing, as a partial restore or two first starts may leave it. */
function belongsTo(pem: string, key: string | undefined): boolean {
  return key !== undefined && new X509Certificate(pem).checkPrivateKey(createPrivateKey(key));
}

async function standing(app: App, fleet: string, files: BootstrapFiles): Promise<Standing> {
  const pem = await readIfPresent(files.operatorCertificate);
  if (pem === undefined) return "absent";
  try {
    await authenticateClientCertificate(app, { fleet, certificate: pem });
  } catch (error) {
    if (isAppError(error, "client_certificate_revoked")) return "revoked";
    if (isAppError(error, "client_certificate_expired")) return "due";
    if (isAppError(error, "client_certificate_untrusted")) return "absent";
    throw error;
  }
  if (!belongsTo(pem, await readIfPresent(files.operatorKey))) return "absent";
  const { validFromDate, validToDate } = new X509Certificate(pem);
  const [notBefore, notAfter] = [validFromDate.getTime(), validToDate.getTime()];
  const due = notBefore + (notAfter - notBefore) * profiles.operator.renewAfterFraction;
  return due <= app.clock.now() ? "due" : "inForce";
}

/** The key on disk: the one that a kill left, or a new one. Of two first starts both use the first's. */
async function publishedKey(path: string): Promise<string> {
  const existing = await readIfPresent(path);
  if (existing !== undefined) return existing;
  await publishPrivateFile(path, Buffer.from(keyWithRequest().privateKey));
  return readFile(path, "utf8");
}

async function certify(app: App, fleet: string, files: BootstrapFiles, key: string): Promise<void> {
  const subject = { kind: "operator", operatorId: firstOperatorId } as const;
  const { certificate, chain } = await issueForDeployment(app, {
    fleet,
    subject,
    csr: keyWithRequest(key).csr,
  });
  await replaceFile(files.operatorCertificate, certificate + chain, 0o600);
}

async function renewOperator(app: App, fleet: string, files: BootstrapFiles): Promise<void> {
  const { privateKey } = keyWithRequest();
  await replaceFile(files.operatorKey, privateKey, 0o600);
  await certify(app, fleet, files, privateKey);
}

async function issueOperator(app: App, fleet: string, files: BootstrapFiles): Promise<void> {
  try {
    await certify(app, fleet, files, await publishedKey(files.operatorKey));
  } catch (error) {
    // The key's request was closed unfinished, or its certificate is revoked or over: only a new key helps.
    const dead = isAppError(error, "issuance_closed") || isAppError(error, "credential_spent");
    if (!dead) throw error;
    await renewOperator(app, fleet, files);
  }
}

/**
 * Makes what is missing of `DIR/bootstrap`, and a new operator credential when the present one is due. A
 * revoked one stays: its files must be removed by hand first, so that a revocation is never undone unseen.
 * @throws AppError configuration_invalid when the directory is open to others; what issuance throws.
 */
export async function writeBootstrapFiles(app: App, fleet: string, dataDir: string): Promise<BootstrapFiles> {
  const directory = join(dataDir, "bootstrap");
  await ensurePrivateDirectory(directory);
  const files: BootstrapFiles = {
    root: join(directory, "root.pem"),
    operatorCertificate: join(directory, "operator.pem"),
    operatorKey: join(directory, "operator.key"),
  };
  const root = await trustBundlePem(app, { fleet });
  if ((await readIfPresent(files.root)) !== root) await replaceFile(files.root, root, 0o644);
  const state = await standing(app, fleet, files);
  if (state === "revoked") app.log.warn("operator_revoked", { subjectId: firstOperatorId });
  if (state === "absent") await issueOperator(app, fleet, files);
  if (state === "due") await renewOperator(app, fleet, files);
  return files;
}
