/**
 * Judges of keys and signatures that share no code with an adapter: node:crypto on the SPKI alone, and the
 * openssl command. Ask it only where `opensslKnows` the algorithm.
 */
import { createPublicKey, verify } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { SignatureAlgorithm } from "../../core/formats/algorithms.ts";
import { openssl, opensslOutput, withFiles } from "../support/openssl.ts";

/** What node:crypto says of `signature`; a DER Ecdsa-Sig-Value for EC. */
export function nodeVerifies(
  spki: Uint8Array,
  row: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  return verify(row.digest, message, { key, dsaEncoding: "der" }, signature);
}

/** The SPKI as openssl reads and writes it again. */
export function opensslSpki(spki: Uint8Array): Promise<Buffer> {
  return withFiles({ spki }, async (path) => {
    const formats = ["-inform", "DER", "-outform", "DER"];
    await opensslOutput(["pkey", "-pubin", ...formats, "-in", path("spki"), "-out", path("again")]);
    return readFile(path("again"));
  });
}

/** What openssl says of `signature`. */
export async function opensslVerifies(
  spki: Uint8Array,
  row: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const key = await opensslOutput(["pkey", "-pubin", "-inform", "DER"], spki);
  return withFiles({ key, message, signature }, async (path) => {
    // dgst does not do schemes that hash by themselves; pkeyutl takes their message whole.
    const parameters =
      row.digest === null
        ? ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", path("key"), "-sigfile", path("signature")]
        : ["dgst", `-${row.digest}`, "-verify", path("key"), "-signature", path("signature")];
    const input = row.digest === null ? ["-in", path("message")] : [path("message")];
    return (await openssl([...parameters, ...input])).accepted;
  });
}
