/**
 * Room: test/support. What this machine lacks of what other people's tools and cases need.
 *
 * As vitest's setup it says once which tests are skipped for that. Run by `.ci/run` it fails instead: a green
 * run without OpenSSL or the corpora would prove less than it seems to.
 */
import { corpora, corpus } from "../formats/corpora.ts";
import { opensslInstalled } from "./openssl.ts";

interface Lack {
  readonly message: string;
  readonly remedy: string;
  /** The variable that lets a CI run go on without. */
  readonly waiver?: string;
}

function lacks(): readonly Lack[] {
  const found: Lack[] = [];
  if (!opensslInstalled) {
    const remedy = "install it; LibreSSL does not stand in for it";
    found.push({ message: "OpenSSL is not installed", remedy });
  }
  const folders = ["csr", "wycheproof"].filter((name) => corpus(name) === undefined);
  if (folders.length > 0) {
    found.push({
      message: `No ${folders.join(" and no ")} in ${corpora}`,
      remedy: "FLEETKEY_CORPORA names another folder, CONTRIBUTING.md what belongs there",
      waiver: "FLEETKEY_ALLOW_MISSING_CORPORA",
    });
  }
  return found;
}

export function setup(): void {
  for (const { message, remedy } of lacks()) {
    process.stderr.write(`${message}, so the tests that ask for it are skipped: ${remedy}\n`);
  }
}

if (import.meta.main) {
  for (const { message, remedy, waiver } of lacks()) {
    const waived = waiver !== undefined && process.env[waiver] === "1";
    const otherwise = waiver === undefined ? "" : `, or ${waiver}=1 goes on without`;
    process.stderr.write(
      waived ? `${message}, as ${waiver} allows\n` : `${message}: ${remedy}${otherwise}\n`,
    );
    if (!waived) process.exitCode = 1;
  }
}
