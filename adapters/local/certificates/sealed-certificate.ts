/**
 * Room: adapters/local. One held certificate as a file: the certificate in the clear, its key under the master key and
 * tied to everything beside it.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { AppError } from "../../../core/errors.ts";
import type { HeldCertificate, ServerMaterial } from "../../../core/ports.ts";
import { seal, unseal } from "../keystore/sealing.ts";

const formatVersion = 1;

export interface SealedCertificate {
  readonly certificateId: string;
  readonly name: string;
  /** PEM. */
  readonly certificate: string;
  readonly chain: string;
  /** Milliseconds since the epoch. */
  readonly importedAt: number;
  /** PKCS #8, PEM, under the master key. */
  readonly sealed: Uint8Array;
}

const contextOf = ({
  certificateId,
  name,
  certificate,
  chain,
  importedAt,
}: Omit<SealedCertificate, "sealed">) => [
  "fleetkey-certificate",
  String(formatVersion),
  certificateId,
  name,
  certificate,
  chain,
  String(importedAt),
];

const refused = (message: string): AppError => new AppError("certificate_manager_refused", message);

const curves: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384" };

/** `P-256`, `RSA-2048` …; OpenSSL's word for another. */
export function keyAlgorithmOf({ publicKey }: X509Certificate): string {
  const { namedCurve = "", modulusLength } = publicKey.asymmetricKeyDetails ?? {};
  if (publicKey.asymmetricKeyType === "rsa") return `RSA-${modulusLength}`;
  if (publicKey.asymmetricKeyType === "ec") return curves[namedCurve] ?? namedCurve;
  return publicKey.asymmetricKeyType ?? "unknown";
}

/** @throws AppError certificate_manager_refused. The cause is left out: it might quote what it could not read. */
export function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw refused("the certificate does not read as PEM of X.509; give one that does");
  }
}

function readPrivateKey(pem: Buffer): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: "pem", type: "pkcs8" });
  } catch {
    throw refused("the private key does not read as PEM of PKCS #8; give one that does");
  }
}

/** @throws AppError certificate_manager_refused: what does not read, or a key that is not the certificate's. */
export function sealCertificate(
  masterKey: KeyObject,
  fields: Pick<SealedCertificate, "certificateId" | "name" | "importedAt">,
  { certificate, chain, privateKey }: ServerMaterial,
): SealedCertificate {
  const read = readCertificate(certificate);
  if (!read.checkPrivateKey(readPrivateKey(privateKey)))
    throw refused("the private key is not the certificate's; give the key that it was issued for");
  const open = { ...fields, certificate, chain };
  return { ...open, sealed: seal(masterKey, privateKey, contextOf(open)) };
}

export function encodeSealed(held: SealedCertificate): Buffer {
  const stored = { version: formatVersion, ...held, sealed: Buffer.from(held.sealed).toString("base64") };
  return Buffer.from(`${JSON.stringify(stored, null, 2)}\n`);
}

const damaged = (certificateId: string): AppError =>
  new AppError(
    "key_store_locked",
    `the file of ${certificateId} was changed or damaged; restore it from a backup`,
  );

/** @throws AppError key_store_locked. Nothing in it is to be believed before `openKey`. */
export function decodeSealed(content: Uint8Array, certificateId: string): SealedCertificate {
  let stored: unknown;
  try {
    stored = JSON.parse(Buffer.from(content).toString("utf8"));
  } catch {
    throw damaged(certificateId);
  }
  const fields = (typeof stored === "object" && stored !== null ? stored : {}) as Record<string, unknown>;
  const { name, certificate, chain, importedAt, sealed } = fields;
  if (typeof name !== "string" || typeof certificate !== "string" || typeof chain !== "string")
    throw damaged(certificateId);
  if (typeof importedAt !== "number" || typeof sealed !== "string") throw damaged(certificateId);
  return { certificateId, name, certificate, chain, importedAt, sealed: Buffer.from(sealed, "base64") };
}

/** PKCS #8, PEM, in the clear: the caller overwrites it. @throws AppError key_store_locked. */
export function openKey(masterKey: KeyObject, held: SealedCertificate): Buffer {
  const opened = unseal(masterKey, held.sealed, contextOf(held));
  if (opened === undefined) throw damaged(held.certificateId);
  return opened;
}

export function describeSealed({
  certificateId,
  certificate,
  importedAt,
}: SealedCertificate): HeldCertificate {
  const read = readCertificate(certificate);
  const serial = read.serialNumber.toLowerCase();
  return {
    certificateId,
    // Whole octets, as our records have it.
    serialNumber: serial.padStart(serial.length + (serial.length % 2), "0"),
    notAfter: read.validToDate.getTime(),
    keyAlgorithm: keyAlgorithmOf(read),
    importedAt,
    // Nobody says so here.
    inUse: false,
  };
}
