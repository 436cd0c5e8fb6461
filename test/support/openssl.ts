/** Room: test/support. OpenSSL as an outside judge. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** False on a machine with Node and npm alone: there the tests that ask this judge are skipped. */
export const opensslInstalled = spawnSync("openssl", ["version"]).status === 0;

/** OpenSSL before 3.5 does not know ML-DSA at all; node:crypto, which brings 3.5, judges it instead. */
export const opensslKnowsMlDsa =
  opensslInstalled &&
  spawnSync("openssl", ["list", "-public-key-algorithms"], { encoding: "utf8" }).stdout.includes("ML-DSA");

export interface Verdict {
  readonly accepted: boolean;
  readonly output: string;
}

export function openssl(parameters: readonly string[]): Promise<Verdict> {
  return new Promise((resolve) => {
    execFile("openssl", parameters, (error, stdout, stderr) => {
      resolve({ accepted: error === null, output: stdout + stderr });
    });
  });
}

/** Runs `work` with `files` (name → content) in a directory that is removed afterwards. */
export async function withFiles<Result>(
  files: Readonly<Record<string, string | Uint8Array>>,
  work: (path: (name: string) => string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-openssl-"));
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
    return await work((name) => join(directory, name));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** `openssl verify` of PEM texts: strict path validation from `leaf` over `chain` to `root`. */
export function verifyChain(leaf: string, chain: string, root: string, purpose?: string): Promise<Verdict> {
  const options = purpose === undefined ? [] : ["-purpose", purpose];
  return withFiles({ leaf, chain, root }, (path) =>
    openssl([
      "verify",
      "-x509_strict",
      ...options,
      "-CAfile",
      path("root"),
      "-untrusted",
      path("chain"),
      path("leaf"),
    ]),
  );
}
