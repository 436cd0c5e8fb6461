/** Room: test/support. OpenSSL's command line as an outside judge; the one place that looks for it and runs it. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";

/** What `command parameters` prints; undefined where it is missing or fails. */
function printedBy(command: string, ...parameters: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(command, parameters, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

const version = printedBy("openssl", "version");

/** LibreSSL answers to the same name; it is another judge, with other words, and counts as missing. */
export const opensslVersion = version?.startsWith("OpenSSL ") ? version : undefined;

/** False on a machine with Node and npm alone: there the tests that ask this judge are skipped. */
export const opensslInstalled = opensslVersion !== undefined;

/** OpenSSL before 3.5 does not know ML-DSA at all; node:crypto, which brings 3.5, judges it instead. */
const opensslKnowsMlDsa =
  opensslInstalled && printedBy("openssl", "list", "-public-key-algorithms")?.includes("ML-DSA") === true;

/** Whether OpenSSL is installed and can judge keys of `algorithm`: the id of a row, or a device's, as RSA-2048. */
export function opensslKnows(algorithm: string): boolean {
  return algorithm.startsWith("ML-DSA") ? opensslKnowsMlDsa : opensslInstalled;
}

/** What the machine's own configuration permits or forbids is no part of a judgement. */
export const opensslEnvironment = { ...process.env, OPENSSL_CONF: devNull };

export interface Verdict {
  readonly accepted: boolean;
  readonly stdout: string;
  /** Standard output, then standard error. */
  readonly output: string;
}

/** Runs `openssl …parameters` with `input`. Rejects when it cannot be started, or says nothing for 30 s. */
export function openssl(parameters: readonly string[], input: string | Uint8Array = ""): Promise<Verdict> {
  const options = { env: opensslEnvironment, timeout: 30_000 };
  return new Promise((resolve, reject) => {
    const child = execFile("openssl", parameters, options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") reject(error);
      else resolve({ accepted: error === null, stdout, output: stdout + stderr });
    });
    // It may refuse its parameters, and end, before it has read anything.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

/** Standard output of `openssl …parameters`; throws with its complaint when it fails. */
export async function opensslOutput(
  parameters: readonly string[],
  input?: string | Uint8Array,
): Promise<string> {
  const { accepted, stdout, output } = await openssl(parameters, input);
  if (!accepted) throw new Error(`openssl ${parameters.join(" ")}: ${output}`);
  return stdout;
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

/** `openssl verify` of PEM texts: strict path validation from `leaf` over `chain`, which may be empty, to `root`. */
export function verifyChain(leaf: string, chain: string, root: string, purpose?: string): Promise<Verdict> {
  const options = purpose === undefined ? [] : ["-purpose", purpose];
  return withFiles({ leaf, chain, root }, (path) => {
    const untrusted = chain === "" ? [] : ["-untrusted", path("chain")];
    return openssl([
      "verify",
      "-x509_strict",
      ...options,
      "-CAfile",
      path("root"),
      ...untrusted,
      path("leaf"),
    ]);
  });
}
