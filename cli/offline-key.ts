/** Room: cli. Keys of an offline ceremony: a root's, encrypted under a passphrase, and those of the participants. */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../core/formats/algorithms.ts";
import { decodeSubjectPublicKey } from "../core/formats/spki.ts";
import type { OfflineSigner } from "../core/rotation/offline/transcript.ts";
import { readCredentialFile } from "./credential-files.ts";
import { deviceKeyAlgorithms, requestFor } from "./device-key.ts";
import { Failure } from "./failure.ts";

/** Characters of a passphrase that PBKDF2 alone stands before. */
export const leastPassphrase = 16;

/** First line of the file. @throws Failure passphrase_unfit. */
export async function readPassphrase(path: string): Promise<string> {
  const [line = ""] = (await readCredentialFile(path)).split(/\r?\n/);
  if (line.length >= leastPassphrase) return line;
  throw new Failure(
    "localFile",
    "passphrase_unfit",
    `the first line of ${path} has ${line.length} characters, at least ${leastPassphrase} are needed`,
    { remedy: "take five random words or more" },
  );
}

export interface RootKey {
  /** PKCS #8, PEM, encrypted: PBES2 with AES-256-CBC. */
  readonly encrypted: string;
  /** PKCS #10, PEM. */
  readonly csr: string;
  /** SHA-256 of its SubjectPublicKeyInfo, hexadecimal. */
  readonly fingerprint: string;
}

const spkiOf = (key: KeyObject): Buffer => createPublicKey(key).export({ type: "spki", format: "der" });

/** A new root's key. `commonName`: of the root. */
export async function makeRootKey(
  commonName: string,
  algorithm: AuthorityAlgorithmId,
  passphrase: string,
): Promise<RootKey> {
  const { privateKey } = await deviceKeyAlgorithms[algorithm].make();
  const { csr } = requestFor(commonName, privateKey, authorityAlgorithms[algorithm]);
  const encrypted = privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase });
  const { fingerprint } = decodeSubjectPublicKey(spkiOf(privateKey));
  return { encrypted: encrypted.toString(), csr, fingerprint };
}

function openKey(pem: string, path: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    // What went wrong in there tells of the key; it is not passed on.
    const locked = pem.includes("ENCRYPTED");
    const message = locked ? `${path} does not open with this passphrase` : `${path} holds no private key`;
    throw new Failure("localFile", locked ? "passphrase_wrong" : "key_unreadable", message, {
      remedy: "a key is PKCS #8 in PEM, and its passphrase file stands at the same place in its own list",
    });
  }
}

/** A signer from a file of PKCS #8 in PEM. @throws Failure passphrase_wrong, key_unreadable. */
export async function openSigner(path: string, passphraseFile: string | undefined): Promise<OfflineSigner> {
  const pem = await readCredentialFile(path);
  const passphrase = passphraseFile === undefined ? undefined : await readPassphrase(passphraseFile);
  const key = openKey(pem, path, passphrase);
  const publicKey = spkiOf(key);
  const { algorithm, modulusBits } = decodeSubjectPublicKey(publicKey);
  const row = Object.values(authorityAlgorithms).find(
    (each) =>
      each.key.id === algorithm.id && ("modulusBits" in each ? each.modulusBits : undefined) === modulusBits,
  );
  if (row === undefined)
    throw new Failure(
      "localFile",
      "key_unsupported",
      `${path} holds a key of a kind that signs nothing here`,
      {
        remedy: `use one of ${Object.keys(authorityAlgorithms).join(", ")}`,
      },
    );
  return { publicKey, sign: async (message) => sign(row.signature.digest, message, key) };
}
