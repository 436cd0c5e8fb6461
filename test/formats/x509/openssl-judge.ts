/** OpenSSL's command line as an outside judge: its own directory for each test file, emptied at the end. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

export interface OpensslJudge {
  /** Path of a file in the judge's directory. */
  readonly path: (file: string) => string;
  readonly write: (file: string, content: string | Uint8Array) => string;
  /** Standard output of `openssl …`; throws with its complaint when it fails. */
  readonly run: (...args: readonly string[]) => string;
}

export function opensslJudge(): OpensslJudge {
  const directory = mkdtempSync(join(tmpdir(), "fleetkey-judge-"));
  afterAll(() => rmSync(directory, { recursive: true }));
  const path = (file: string): string => join(directory, file);
  return {
    path,
    write(file, content) {
      writeFileSync(path(file), content);
      return path(file);
    },
    run: (...args) => execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }),
  };
}
