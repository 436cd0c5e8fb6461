import { describe, expect, it } from "vitest";
import {
  checkPattern,
  checkPrincipalPattern,
  checkSubjectPattern,
  matchesPattern,
} from "../../core/policy/claim-pattern.ts";
import type { Decision } from "../../core/policy/decision.ts";

const main = "repo:acme/firmware:ref:refs/heads/main";
const heads = "repo:acme/firmware:ref:refs/heads/*";

describe("Fulcio CVE-2026-22772: a pattern covers the whole value, or nothing", () => {
  const cases: readonly (readonly [name: string, pattern: string, value: string, matches: boolean])[] = [
    ["the very text", main, main, true],
    ["a star is one part", heads, main, true],
    ["a star is one character at least", heads, "repo:acme/firmware:ref:refs/heads/", false],
    ["a star in the middle", "repo:acme/*:ref:refs/heads/main", main, true],
    ["two stars in one part", "repo:acme/f*m*e:ref:refs/heads/main", main, true],
    ["a part that a star shares", "build-*-prod", "build-eu-west-prod", true],
    ["a star that must give back what it took", "build-*-prod", "build-prod-prod-prod", true],
    ["a star with nothing left for it", "build-*-prod", "build--prod", false],
    ["another repository that begins so", "repo:acme/firmware", "repo:acme/firmware-evil", false],
    ["another branch that begins so", main, `${main}-evil`, false],
    ["another owner that ends so", main, `evil${main}`, false],
    ["a value in front", main, `x ${main}`, false],
    ["a part more behind a star", heads, "repo:acme/firmware:ref:refs/heads/main/evil", false],
    ["a claim more behind a star", heads, "repo:acme/firmware:ref:refs/heads/main:evil", false],
    [
      "a star never takes the next part along",
      "repo:acme/*:ref:refs/heads/main",
      `repo:acme/evil/x${main.slice(18)}`,
      false,
    ],
    ["a star never takes a separator alone", "a*b", "a/b", false],
    ["another case", main, main.replace("acme", "Acme"), false],
    ["another case of all", main, main.toUpperCase(), false],
    ["a letter that lower-cases to the same", "repo:kit/x", "repo:\u212Ait/x", false],
    ["a Cyrillic letter that looks the same", main, main.replace("a", "\u0430"), false],
    ["the same letters, decomposed", "repo:acme/x", "repo:acme\u0301/x", false],
    ["a zero-width space", main, `repo:acme\u200B${main.slice(9)}`, false],
    ["a full-width solidus for a solidus", main, main.replace("/", "\uFF0F"), false],
    ["any letter under a star", heads, "repo:acme/firmware:ref:refs/heads/m\u00FCnchen", true],
    ["a letter of two code units under a star", "a-*-b", "a-\u{1F511}-b", true],
    ["half a letter under a star, and no other text", "a-*-b", "a-\uD83D-b", true],
    ["a line end behind it", main, `${main}\n`, false],
    ["a line in front of it", main, `evil\n${main}`, false],
    ["a line behind it", main, `${main}\nevil`, false],
    ["a line end under a star", heads, "repo:acme/firmware:ref:refs/heads/main\nevil", false],
    ["a NUL behind it", main, `${main}\0`, false],
    ["a tab under a star", heads, "repo:acme/firmware:ref:refs/heads/ma\tin", false],
    ["nothing", main, "", false],
    ["a dot is a dot", "a.c", "abc", false],
    ["a question mark is one", "ab?", "a", false],
    ["brackets, plus and bar are themselves", "[a-z]+|x", "[a-z]+|x", true],
    ["and nothing else", "[a-z]+|x", "x", false],
    ["a backslash is one", "a\\*", "a*", false],
    ["an anchor is a character", "^a$", "a", false],
    ["a star of the value is a character", "a-*", "a-*", true],
  ];
  it.each(cases)("%s", (_name, pattern, value, matches) => {
    expect(matchesPattern(pattern, value)).toBe(matches);
  });

  it("a value of 1,025 characters is nobody's", () => {
    expect(matchesPattern("a*", "a".repeat(1_024))).toBe(true);
    expect(matchesPattern("a*", "a".repeat(1_025))).toBe(false);
  });

  it("eight stars over the longest value that almost matches: 1,000 times in less than 5 seconds", () => {
    const pattern = `${"a*".repeat(8)}b`;
    expect(checkPattern(pattern).allow).toBe(true);
    const value = "a".repeat(1_024);
    const begin = performance.now();
    for (let count = 0; count < 1_000; count += 1) expect(matchesPattern(pattern, value)).toBe(false);
    expect(performance.now() - begin).toBeLessThan(5_000);
  });
});

function judged(check: (pattern: string) => Decision, pattern: string): string {
  const decision = check(pattern);
  return decision.allow ? "allowed" : `${decision.code}: ${decision.reason}`;
}

describe("what a fleet may rely on", () => {
  it.each([
    ["a name", "main", "allowed"],
    ["a name and a star", "refs/heads/*", "allowed"],
    ["nothing", "", "request_invalid: pattern of 0 characters"],
    ["too much", "a".repeat(257), "request_invalid: pattern of 257 characters"],
    ["a star alone", "*", "begins with *"],
    ["a star first", "*/firmware", "begins with *"],
    ["two stars side by side", "a**", "two * side by side"],
    ["nine stars", "a*".repeat(9), "9 *, limit 8"],
    ["a space", "a b", "printable ASCII"],
    ["a line end", "a\n", "printable ASCII"],
    ["a letter that is no ASCII", "\u0430cme", "printable ASCII"],
  ])("for a claim: %s", (_name, pattern, expected) => {
    expect(judged(checkPattern, pattern)).toContain(expected);
  });

  it.each([
    ["one repository and branch", main, "allowed"],
    ["all branches", heads, "allowed"],
    ["all repositories of an owner", "repo:acme/*:ref:refs/heads/main", "allowed"],
    ["one part with a star", "build-*", "where owners are named"],
    ["a number that begins so", "1*", "where owners are named"],
    ["a star for the host of a URL", "spiffe://*/ns/ci", "where owners are named"],
    ["a star for the account of a URL", "sc://host/*/conn", "where owners are named"],
    ["a star first", "*", "begins with *"],
    ["a star for the owner", "repo:*/firmware:ref:refs/heads/main", "where owners are named"],
    ["owners that begin so", "repo:acme*/firmware:ref:refs/heads/main", "where owners are named"],
    ["a star in the issuer's word", "repo*:acme/firmware", "where owners are named"],
    ["an owner alone, open", "organization:*", "where owners are named"],
  ])("for the subject: %s", (_name, pattern, expected) => {
    expect(judged(checkSubjectPattern, pattern)).toContain(expected);
  });

  it.each([
    ["one session of a role", "arn:aws:sts::123456789012:assumed-role/ci-role/build-7", "allowed"],
    ["all sessions of a role", "arn:aws:sts::123456789012:assumed-role/ci-role/*", "allowed"],
    ["in another partition", "arn:aws-us-gov:sts::123456789012:assumed-role/ci-role/*", "allowed"],
    ["a user", "arn:aws:iam::123456789012:user/ci", "allowed"],
    ["any account", "arn:aws:sts::*:assumed-role/ci-role/*", "names no account"],
    ["accounts that begin so", "arn:aws:sts::12345678901*:assumed-role/ci-role/*", "names no account"],
    ["any role", "arn:aws:sts::123456789012:assumed-role/*/*", "names no account"],
    ["whatever the account has", "arn:aws:sts::123456789012:*", "names no account"],
    ["the account's root user", "arn:aws:iam::123456789012:root", "names no account"],
    ["another service", "arn:aws:s3::123456789012:user/ci", "names no account"],
    ["no ARN", "ci-role", "names no account"],
    ["a star", "*", "begins with *"],
  ])("for an IAM principal: %s", (_name, pattern, expected) => {
    expect(judged(checkPrincipalPattern, pattern)).toContain(expected);
  });

  it("no reason repeats the pattern: it may hold what should not travel", () => {
    for (const pattern of ["*jane@example.test", "jane doe", `jane${"x".repeat(300)}`, "jane**"])
      for (const check of [checkPattern, checkSubjectPattern, checkPrincipalPattern])
        expect(judged(check, pattern)).not.toContain("jane");
  });
});
