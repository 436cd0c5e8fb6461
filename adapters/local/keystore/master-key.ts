/**
 * Room: adapters/local. The key that seals all others: 32 octets of a file, or scrypt of a passphrase.
 * The store's header says which, and holds a sealed constant that tells a wrong key from a damaged file.
 */
import { createSecretKey, type KeyObject, randomBytes, scrypt } from "node:crypto";
import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "../../../core/errors.ts";
import { encodeHeader, type Header, headerName, type KeyDerivation, parseHeader } from "./header.ts";
import { isKeyFile } from "./key-record.ts";
import { publishPrivateFile, readPrivateFile, removeLeftovers } from "./private-files.ts";
import { seal, unseal } from "./sealing.ts";
import { isWrappingKeyFile } from "./wrapping-key-name.ts";

/** Where the master key comes from. A key file is made on first use; keep it apart from the store's backups. */
export type MasterKeySource =
  | { readonly keyFile: string }
  /** At least 12 characters. */
  | { readonly passphrase: string };

const keyOctets = 32;
const passphraseCharacters = 12;
const checkContext = ["fleetkey-keystore", "check"];
const checkValue = Buffer.from("fleetkey-keystore");

// OWASP Password Storage Cheat Sheet, scrypt: N = 2^17, r = 8, p = 1; takes 128 MB once a start.
const derivation = { N: 131_072, r: 8, p: 1 } as const;

async function deriveKey(passphrase: string, parameters: KeyDerivation): Promise<KeyObject> {
  const { N, r, p } = parameters;
  // NIST SP 800-63B §5.1.1.2: normalised, so that one passphrase is the same octets from every keyboard.
  const secret = Buffer.from(passphrase.normalize("NFKC"), "utf8");
  const key = await new Promise<Buffer>((resolve, reject) => {
    scrypt(secret, parameters.salt, keyOctets, { N, r, p, maxmem: 256 * N * r }, (error, derived) =>
      error === null ? resolve(derived) : reject(error),
    );
  }).finally(() => secret.fill(0));
  return takeKey(key);
}

function takeKey(octets: Buffer): KeyObject {
  const key = createSecretKey(octets);
  octets.fill(0);
  return key;
}

function locked(message: string): AppError {
  return new AppError("key_store_locked", message);
}

async function readKeyFile(path: string): Promise<KeyObject | undefined> {
  const octets = await readPrivateFile(path);
  if (octets === undefined) return undefined;
  if (octets.length !== keyOctets) {
    throw locked(
      `key file ${path} has ${octets.length} octets, limit ${keyOctets}; restore it from a backup`,
    );
  }
  return takeKey(octets);
}

async function openHeader(header: Header, source: MasterKeySource): Promise<KeyObject> {
  if ("keyFile" in source) {
    if (header.derivation !== undefined) {
      throw locked(
        "the key store is sealed with a passphrase, but a key file was given; give the passphrase",
      );
    }
    const key = await readKeyFile(source.keyFile);
    if (key !== undefined) return key;
    throw locked(`key file ${source.keyFile} is missing, and the key store was made with it; restore it`);
  }
  if (header.derivation === undefined) {
    throw locked("the key store is sealed with a key file, but a passphrase was given; give the key file");
  }
  return deriveKey(source.passphrase, header.derivation);
}

async function makeHeader(source: MasterKeySource): Promise<Header> {
  if ("passphrase" in source) {
    const parameters = { ...derivation, salt: randomBytes(16) };
    const key = await deriveKey(source.passphrase, parameters);
    return { derivation: parameters, check: seal(key, checkValue, checkContext) };
  }
  await mkdir(dirname(source.keyFile), { recursive: true, mode: 0o700 });
  // Two first starts at once may both come here: whoever publishes first made the key.
  await publishPrivateFile(source.keyFile, randomBytes(keyOctets));
  const key = await readKeyFile(source.keyFile);
  if (key === undefined) throw locked(`key file ${source.keyFile} vanished while it was made; start again`);
  return { check: seal(key, checkValue, checkContext) };
}

/** A lost header is not a new store: a fresh one would make every key in it look damaged. */
async function checkNew(directory: string): Promise<void> {
  if (!(await readdir(directory)).some((name) => isKeyFile(name) || isWrappingKeyFile(name))) return;
  // Another first start may have published the header and its first key since we looked.
  if ((await readPrivateFile(join(directory, headerName))) !== undefined) return;
  throw locked(`the key store holds keys but its header ${headerName} is missing; restore it from a backup`);
}

function checkPassphrase(source: MasterKeySource): void {
  if (!("passphrase" in source)) return;
  const length = [...source.passphrase].length;
  if (length >= passphraseCharacters) return;
  throw new AppError(
    "configuration_invalid",
    `passphrase has ${length} characters, limit at least ${passphraseCharacters}; choose a longer one`,
  );
}

/**
 * The master key of the store in `directory`, whose header is made on first use.
 * @throws AppError key_store_locked: wrong passphrase, wrong or missing key file, the other kind of source;
 * configuration_invalid: short passphrase, a key file that others may read, a header of a newer release.
 */
export async function openMasterKey(directory: string, source: MasterKeySource): Promise<KeyObject> {
  checkPassphrase(source);
  // Its directory may be one that others enter too, such as a mount of secrets, so nobody else tidies it.
  if ("keyFile" in source) await removeLeftovers(dirname(source.keyFile));
  const path = join(directory, headerName);
  let stored = await readPrivateFile(path);
  if (stored === undefined) {
    await checkNew(directory);
    await publishPrivateFile(path, encodeHeader(await makeHeader(source)));
    stored = await readPrivateFile(path);
  }
  const header = parseHeader(stored ?? Buffer.alloc(0));
  const key = await openHeader(header, source);
  if (unseal(key, header.check, checkContext)?.equals(checkValue) === true) return key;
  throw locked(
    "passphrase" in source
      ? "the passphrase does not open the key store; give the one it was made with"
      : `key file ${source.keyFile} does not open the key store; restore the one it was made with`,
  );
}
