/** Room: test/support. Said once at the start of a run: what this machine lacks, and which tests it skips for that. */
import { corpora, corpus } from "../formats/corpora.ts";
import { opensslInstalled } from "./openssl.ts";

export function setup(): void {
  if (!opensslInstalled) process.stderr.write("OpenSSL is not installed: tests that ask it are skipped\n");
  if (["csr", "wycheproof"].some((name) => corpus(name) === undefined)) {
    process.stderr.write(
      `No corpora at ${corpora}: tests that read them are skipped; FLEETKEY_CORPORA names another folder\n`,
    );
  }
}
