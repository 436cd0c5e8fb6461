/**
 * Room: adapters/local. The CertificateManager on files: a certificate with its chain in the clear, its key sealed under
 * the key store's master key. Key type and size stay when a certificate is replaced, as AWS Certificate Manager has it.
 */
import { type KeyObject, randomBytes } from "node:crypto";
import { join } from "node:path";
import { AppError, isAppError } from "../../core/errors.ts";
import type { CertificateManager, HeldCertificate, ServerMaterial } from "../../core/ports.ts";
import {
  decodeSealed,
  describeSealed,
  encodeSealed,
  keyAlgorithmOf,
  openKey,
  readCertificate,
  type SealedCertificate,
  sealCertificate,
} from "./certificates/sealed-certificate.ts";
import { type MasterKeySource, openMasterKey } from "./keystore/master-key.ts";
import { ensurePrivateDirectory, readPrivateFile } from "./keystore/private-files.ts";
import { removeFile, replaceBy, temporaryName, writeTemporary } from "./whole-files.ts";

export interface SealedCertificatesOptions {
  /** Holds a header and a file for each certificate; made with mode 0700 when absent. */
  readonly directory: string;
  /** That of the key store. */
  readonly masterKey: MasterKeySource;
  /** Milliseconds since the epoch. @default the machine's clock */
  readonly now?: () => number;
}

/** @throws AppError key_store_locked, configuration_invalid, as the key store; certificate_manager_unavailable. */
export async function sealedCertificates(options: SealedCertificatesOptions): Promise<SealedCertificates> {
  const { directory, masterKey, now = Date.now } = options;
  await ensurePrivateDirectory(directory);
  return new SealedCertificates(directory, await openMasterKey(directory, masterKey), now);
}

const idPattern = /^certificate-[0-9a-f]{32}$/;
const namePattern = /^(?!.{129})[a-z0-9-]+(?:\/[a-z0-9-]+)*$/;

function unavailable(cause: unknown): AppError {
  const message =
    "the directory of certificates cannot be read or written; check the disk and its permissions";
  return new AppError("certificate_manager_unavailable", message, { cause, retryAfter: 1 });
}

function notHeld(): AppError {
  return new AppError(
    "certificate_not_held",
    "the certificate to be replaced is not there; import a new one",
  );
}

/** As the port promises. Made by `sealedCertificates`. */
export class SealedCertificates implements CertificateManager {
  readonly #directory: string;
  readonly #masterKey: KeyObject;
  readonly #now: () => number;

  constructor(directory: string, masterKey: KeyObject, now: () => number) {
    this.#directory = directory;
    this.#masterKey = masterKey;
    this.#now = now;
  }

  async import(name: string, material: ServerMaterial, replaces?: string): Promise<string> {
    if (!namePattern.test(name))
      throw new AppError("certificate_manager_refused", "a name is 1 to 128 of a-z, 0-9, hyphen and inner /");
    const before = replaces === undefined ? undefined : await this.#read(replaces);
    if (replaces !== undefined && before === undefined) throw notHeld();
    const certificateId = before?.certificateId ?? `certificate-${randomBytes(16).toString("hex")}`;
    const fields = { certificateId, name: before?.name ?? name, importedAt: this.#now() };
    const held = sealCertificate(this.#masterKey, fields, material);
    if (before !== undefined) this.#assertFits(before, held);
    await this.#write(held);
    return certificateId;
  }

  async describe(certificateId: string): Promise<HeldCertificate | undefined> {
    const held = await this.#read(certificateId);
    return held === undefined ? undefined : describeSealed(held);
  }

  async remove(certificateId: string): Promise<void> {
    if (!idPattern.test(certificateId)) return;
    try {
      await removeFile(this.#path(certificateId));
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  /**
   * For a server on this machine; undefined when it is gone. The caller overwrites the key.
   * @throws AppError key_store_locked (the file was changed), certificate_manager_unavailable.
   */
  async material(certificateId: string): Promise<ServerMaterial | undefined> {
    const held = await this.#read(certificateId);
    if (held === undefined) return undefined;
    const { certificate, chain } = held;
    return { certificate, chain, privateKey: openKey(this.#masterKey, held) };
  }

  #assertFits(before: SealedCertificate, held: SealedCertificate): void {
    const [old, fresh] = [before, held].map(({ certificate }) =>
      keyAlgorithmOf(readCertificate(certificate)),
    );
    if (old === fresh) return;
    throw new AppError(
      "certificate_manager_refused",
      `a key of type ${fresh} does not replace one of type ${old}; import it as a new certificate`,
    );
  }

  #path(certificateId: string): string {
    return join(this.#directory, `${certificateId}.json`);
  }

  async #read(certificateId: string): Promise<SealedCertificate | undefined> {
    // No other name ever becomes a path.
    if (!idPattern.test(certificateId)) return undefined;
    try {
      const content = await readPrivateFile(this.#path(certificateId));
      return content === undefined ? undefined : decodeSealed(content, certificateId);
    } catch (error) {
      throw isAppError(error, "key_service_unavailable") ? unavailable(error) : error;
    }
  }

  async #write(held: SealedCertificate): Promise<void> {
    const temporary = join(this.#directory, temporaryName());
    try {
      await writeTemporary(temporary, encodeSealed(held));
      await replaceBy(temporary, this.#path(held.certificateId));
    } catch (cause) {
      throw unavailable(cause);
    }
  }
}
