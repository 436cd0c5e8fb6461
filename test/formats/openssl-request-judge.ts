/** OpenSSL's own opinion of certification requests, many to a process of the shell. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { opensslEnvironment } from "../support/openssl.ts";

const script = `for file do
  case "$(openssl req -inform DER -in "$file" -verify -noout 2>&1)" in
    *"verify OK"*) echo yes ;;
    *) echo no ;;
  esac
done`;

async function judgeFiles(files: readonly string[]): Promise<readonly boolean[]> {
  const options = { env: opensslEnvironment, timeout: 120_000 };
  const { stdout } = await promisify(execFile)("sh", ["-c", script, "sh", ...files], options);
  const verdicts = stdout.trim().split("\n");
  if (verdicts.length !== files.length)
    throw new Error(`${verdicts.length} verdicts on ${files.length} files`);
  return verdicts.map((verdict) => verdict === "yes");
}

/** For each request whether OpenSSL decodes it and verifies its signature. */
export async function opensslVerdicts(requests: readonly Uint8Array[]): Promise<readonly boolean[]> {
  if (requests.length === 0) return [];
  const folder = mkdtempSync(join(tmpdir(), "fleetkey-requests-"));
  try {
    const files = requests.map((request, index) => {
      const file = join(folder, `${index}.der`);
      writeFileSync(file, request);
      return file;
    });
    const half = Math.ceil(files.length / 2);
    const [first, second] = await Promise.all(
      [files.slice(0, half), files.slice(half)].map((part) => (part.length === 0 ? [] : judgeFiles(part))),
    );
    return [...(first ?? []), ...(second ?? [])];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
