/** Room: test. Patterns of names that a pipeline's server certificates may carry. */
import { describe, expect, it } from "vitest";
import { checkServerNamePattern, matchesServerName } from "../../core/policy/server-names.ts";

describe("matchesServerName", () => {
  it.each([
    { pattern: "api.example.com", name: "api.example.com", expected: true },
    { pattern: "api.example.com", name: "www.example.com", expected: false },
    { pattern: "api.example.com", name: "x.api.example.com", expected: false },
    { pattern: "*.example.com", name: "api.example.com", expected: true },
    { pattern: "*.example.com", name: "a.b.example.com", expected: false },
    { pattern: "*.example.com", name: "example.com", expected: false },
    { pattern: "*.example.com", name: ".example.com", expected: false },
    { pattern: "*.example.com", name: "evilexample.com", expected: false },
    { pattern: "*.example.com", name: "api.example.com.evil.org", expected: false },
    { pattern: "*.example.com", name: "API.EXAMPLE.COM", expected: false },
  ])("$pattern covers $name: $expected", ({ pattern, name, expected }) => {
    expect(matchesServerName(pattern, name)).toBe(expected);
  });
});

describe("checkServerNamePattern", () => {
  it.each(["api.example.com", "*.example.com", "localhost"])("takes %s", (pattern) => {
    expect(checkServerNamePattern(pattern).allow).toBe(true);
  });
  it.each([
    "",
    "*",
    "*.",
    "*.com",
    "*.*.example.com",
    "a*.example.com",
    "*.Example.com",
    "api.*.com",
    "*.example.com\n",
  ])("refuses %j", (pattern) => {
    expect(checkServerNamePattern(pattern)).toMatchObject({ allow: false, code: "name_not_permitted" });
  });
});
