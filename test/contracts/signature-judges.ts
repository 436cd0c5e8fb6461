/**
 * Judges of keys and signatures that share no code with an adapter: node:crypto on the SPKI alone, and the
 * openssl command where it is installed and knows the algorithm.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createPublicKey, verify } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SignatureAlgorithm } from "../../core/formats/algorithms.ts";

export const opensslInstalled = spawnSync("openssl", ["version"]).status === 0;

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

/** The SPKI as openssl reads and writes it again; undefined when this openssl does not know the algorithm. */
export function opensslSpki(spki: Uint8Array): Buffer | undefined {
  const result = spawnSync("openssl", ["pkey", "-pubin", "-inform", "DER", "-outform", "DER"], {
    input: spki,
  });
  return result.status === 0 ? result.stdout : undefined;
}

function verifyCommand(row: SignatureAlgorithm): readonly string[] {
  // dgst does not do schemes that hash by themselves; pkeyutl takes their message whole.
  if (row.digest === null) {
    return [
      "pkeyutl",
      "-verify",
      "-rawin",
      "-pubin",
      "-inkey",
      "key",
      "-sigfile",
      "signature",
      "-in",
      "message",
    ];
  }
  return ["dgst", `-${row.digest}`, "-verify", "key", "-signature", "signature", "message"];
}

/** What openssl says of `signature`. */
export function opensslVerifies(
  spki: Uint8Array,
  row: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const directory = mkdtempSync(join(tmpdir(), "fleetkey-judge-"));
  try {
    const pem = execFileSync("openssl", ["pkey", "-pubin", "-inform", "DER"], { input: spki });
    for (const [name, content] of Object.entries({ key: pem, message, signature })) {
      writeFileSync(join(directory, name), content);
    }
    return spawnSync("openssl", verifyCommand(row), { cwd: directory }).status === 0;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
