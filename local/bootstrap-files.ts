/**
 * Room: local. What the first start leaves for its owner: the fleet's root and the credential of one operator.
 * The key is on disk before its certificate exists, so a kill between the two loses nothing.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { FileLock } from "../adapters/local/file-lock.ts";
import { ensurePrivateDirectory, publishPrivateFile } from "../adapters/local/private-directory.ts";
import { issueForDeployment } from "../core/bootstrap/end-entity.ts";
import { trustBundlePem } from "../core/distribution/trust.ts";
import { findCertificate } from "../core/enrollment/intent.ts";
import { isAppError } from "../core/errors.ts";
import { serialNumberHex } from "../core/formats/x509/tbs-certificate.ts";
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

/** The key in `pem`, or undefined when it is none that this product made. */
function operatorKey(pem: string | undefined): KeyObject | undefined {
  if (pem === undefined) return undefined;
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyDetails?.namedCurve === "prime256v1" ? key : undefined;
  } catch {
    // A torn or foreign file: the caller makes a new key.
    return undefined;
  }
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // As above: what is no certificate is no credential.
    return undefined;
  }
}

/**
 * Judged by its record first: a revoked certificate stays revoked when it has expired too, so that a revocation
 * is never undone unseen. A certificate without its key is worth nothing.
 */
async function standing(app: App, fleet: string, files: BootstrapFiles): Promise<Standing> {
  const certificate = parse((await readIfPresent(files.operatorCertificate)) ?? "");
  if (certificate === undefined) return "absent";
  const serialNumber = serialNumberHex(Buffer.from(certificate.serialNumber, "hex"));
  const record = (await findCertificate(app, fleet, serialNumber))?.value;
  if (record?.certificate === undefined || !certificate.raw.equals(record.certificate)) return "absent";
  if (record.state === "revoked") return "revoked";
  const key = operatorKey(await readIfPresent(files.operatorKey));
  if (key === undefined || !certificate.checkPrivateKey(key)) return "absent";
  const lifetime = record.notAfter - record.notBefore;
  const due = record.notBefore + lifetime * profiles.operator.renewAfterFraction;
  return due <= app.clock.now() ? "due" : "inForce";
}

/** The key on disk: the one that a kill left, or a new one. */
async function publishedKey(path: string): Promise<string> {
  const existing = await readIfPresent(path);
  if (operatorKey(existing) === undefined) await rm(path, { force: true });
  else if (existing !== undefined) return existing;
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

/** An operator whom the fleet's owners have suspended gets nothing, and keeps nobody from starting the server. */
async function renewFiles(
  app: App,
  fleet: string,
  files: BootstrapFiles,
  state: "absent" | "due",
): Promise<void> {
  try {
    await (state === "absent" ? issueOperator : renewOperator)(app, fleet, files);
  } catch (error) {
    if (!isAppError(error, "operator_not_active")) throw error;
    app.log.warn("operator_suspended", { fleet, subjectId: firstOperatorId });
  }
}

/**
 * Makes what is missing of `DIR/bootstrap`, and a new operator credential when the present one is due. A
 * revoked one stays: its files must be removed by hand first, so that a revocation is never undone unseen.
 * @throws AppError configuration_invalid when the directory is open to others; what issuance throws.
 */
export function writeBootstrapFiles(app: App, fleet: string, dataDir: string): Promise<BootstrapFiles> {
  return writeOperatorFiles(app, fleet, join(dataDir, "bootstrap"));
}

/** As `writeBootstrapFiles`, in any directory. One process at a time: a key and its certificate are two files. */
export async function writeOperatorFiles(
  app: App,
  fleet: string,
  directory: string,
): Promise<BootstrapFiles> {
  await ensurePrivateDirectory(directory);
  return new FileLock(join(directory, ".lock")).hold(() => mendFiles(app, fleet, directory));
}

async function mendFiles(app: App, fleet: string, directory: string): Promise<BootstrapFiles> {
  const files: BootstrapFiles = {
    root: join(directory, "root.pem"),
    operatorCertificate: join(directory, "operator.pem"),
    operatorKey: join(directory, "operator.key"),
  };
  const root = await trustBundlePem(app, { fleet });
  if ((await readIfPresent(files.root)) !== root) await replaceFile(files.root, root, 0o644);
  const state = await standing(app, fleet, files);
  if (state === "revoked") app.log.warn("operator_revoked", { fleet, subjectId: firstOperatorId });
  else if (state !== "inForce") await renewFiles(app, fleet, files, state);
  return files;
}
