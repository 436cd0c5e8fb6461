/** Room: test. Each failure of others, of access and of what is held elsewhere, owes a test that bears its name: none is lost by a rename. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const tests = join(import.meta.dirname, "..");

/** All tests without their comments: a name in a comment is no test. */
function testsAlone(): string {
  const own = "lessons-named.test.ts";
  return readdirSync(tests, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(?:test|judge)\.ts$/.test(path) && !path.endsWith(own))
    .map((path) => readFileSync(join(tests, path), "utf8"))
    .map((text) => text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, ""))
    .join("\n");
}

const all = testsAlone();

it.each([
  "step-ca CVE-2026-30836",
  "step-ca GO-2025-4180",
  "GO-2025-4181",
  "EJBCA CVE-2020-25276",
  "CVE-2021-40088",
  "Lemur 2026",
  "Fulcio CVE-2026-22772",
  "GO-2025-4193",
  "Vault CVE-2020-16250",
  "Puppet CVE-2026-115732",
  "AWS IoT claim keys",
  "API Gateway mutual TLS",
  "cert-manager/aws-privateca-issuer #479",
  "espressif/esp-aws-iot #139",
  "ACM re-import has no rollback: pre-flight check; old material kept",
])("%s has a test of that name", (name) => {
  expect(all).toContain(name);
});
