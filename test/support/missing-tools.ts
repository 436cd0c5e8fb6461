/**
 * Room: test/support. What this machine lacks of what other people's tools and cases need.
 *
 * As vitest's setup it says once which tests are skipped for that. Run by `.ci/run` it fails without OpenSSL,
 * and, where FLEETKEY_REQUIRE_CORPORA=1 says that they belong there, without the corpora.
 */
import { corpora, corpus } from "../formats/corpora.ts";
import { opensslInstalled } from "./openssl.ts";

interface Lack {
  readonly message: string;
  readonly remedy: string;
  /** Whether a CI run must not go on without. */
  readonly required: boolean;
}

function lacks(): readonly Lack[] {
  const found: Lack[] = [];
  if (!opensslInstalled) {
    const remedy = "install it; LibreSSL does not stand in for it";
    found.push({ message: "OpenSSL is not installed", remedy, required: true });
  }
  const folders = ["csr", "wycheproof"].filter((name) => corpus(name) === undefined);
  if (folders.length > 0) {
    found.push({
      message: `No ${folders.join(" and no ")} in ${corpora}`,
      remedy: "FLEETKEY_CORPORA names another folder, CONTRIBUTING.md what belongs there",
      required: process.env["FLEETKEY_REQUIRE_CORPORA"] === "1",
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
  for (const { message, remedy, required } of lacks()) {
    process.stderr.write(`${message}${required ? "" : ", so its tests count as skipped"}: ${remedy}\n`);
    if (required) process.exitCode = 1;
  }
}
