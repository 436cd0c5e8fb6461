/**
 * Room: local. What the first start leaves for its owner: the fleet's root and the credential of one operator.
 * The key is on disk before its certificate exists, so a kill between the two loses nothing.
 */
import { join } from "node:path";
import { ensurePrivateDirectory } from "../adapters/local/private-directory.ts";
import { authenticateClientCertificate } from "../core/access/client-certificate.ts";
import { issueForDeployment } from "../core/bootstrap/end-entity.ts";
import { trustBundlePem } from "../core/distribution/trust.ts";
import { isAppError } from "../core/errors.ts";
import { decodePem } from "../core/formats/pem.ts";
import { decodeCertificate } from "../core/formats/x509/certificate.ts";
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

async function standing(app: App, fleet: string, pem: string | undefined): Promise<Standing> {
  if (pem === undefined) return "absent";
  try {
    await authenticateClientCertificate(app, { fleet, certificate: pem });
  } catch (error) {
    if (isAppError(error, "client_certificate_revoked")) return "revoked";
    if (isAppError(error, "client_certificate_expired")) return "due";
    if (isAppError(error, "client_certificate_untrusted")) return "absent";
    throw error;
  }
  const [der] = decodePem(pem, "CERTIFICATE");
  if (der === undefined) return "absent";
  const { notBefore, notAfter } = decodeCertificate(der).tbs.validity;
  const due = notBefore + (notAfter - notBefore) * profiles.operator.renewAfterFraction;
  return due <= app.clock.now() ? "due" : "inForce";
}

async function issueOperator(
  app: App,
  fleet: string,
  files: BootstrapFiles,
  keepKey: boolean,
): Promise<void> {
  const existing = keepKey ? await readIfPresent(files.operatorKey) : undefined;
  const { privateKey, csr } = keyWithRequest(existing);
  if (existing === undefined) await replaceFile(files.operatorKey, privateKey, 0o600);
  const subject = { kind: "operator", operatorId: firstOperatorId } as const;
  const { certificate, chain } = await issueForDeployment(app, { fleet, subject, csr });
  await replaceFile(files.operatorCertificate, certificate + chain, 0o600);
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
  const state = await standing(app, fleet, await readIfPresent(files.operatorCertificate));
  if (state === "revoked") {
    app.log.warn("operator_revoked", { subjectId: firstOperatorId });
  } else if (state !== "inForce") {
    // A due certificate gets a new key; an absent one belongs to the key that a kill may have left.
    await issueOperator(app, fleet, files, state === "absent");
  }
  return files;
}
