import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { lintRules } from "../../core/lint/index.ts";
import { lint } from "../../core/lint/lint.ts";
import { type Profile, profiles } from "../../core/standard/index.ts";
import { fieldsCases } from "./cases/fields.ts";
import { keysCases } from "./cases/keys.ts";
import { pointersCases } from "./cases/pointers.ts";
import { subjectNamesCases } from "./cases/subject-names.ts";
import type { Cases } from "./spoiled.ts";
import { type Subject, subject, type TestKey } from "./subjects.ts";

const cases: Cases = { ...fieldsCases, ...subjectNamesCases, ...keysCases, ...pointersCases };

const found = ({ tbs, context }: Subject): readonly string[] => lint(tbs, context).map(({ rule }) => rule);

const files = readdirSync(new URL("../../core/lint/rules", import.meta.url)).map((file) =>
  file.replace(/\.ts$/, ""),
);
const ids = lintRules.map(({ id }) => id);

describe("the list of rules", () => {
  test("holds every file of the folder, each under its own name and once", () => {
    expect([...ids].sort()).toEqual([...files].sort());
  });

  test("cites a clause for each", () => {
    for (const { id, citation } of lintRules)
      expect(citation, id).toMatch(/RFC|SP 800|SPIFFE|CFR|Requirements/);
  });

  test("has at least one bad case for each, and no case for a rule that is not there", () => {
    expect(Object.keys(cases).sort()).toEqual([...ids].sort());
    for (const [id, { bad }] of Object.entries(cases)) expect(bad.length, id).toBeGreaterThan(0);
  });
});

describe("what issuance builds", () => {
  const keys: readonly TestKey[] = [
    "P-256",
    "P-384",
    "Ed25519",
    "RSA-2048",
    "RSA-3072",
    "ML-DSA-44",
    "ML-DSA-65",
  ];
  /** Keys of the service itself are of the kinds that authorities have. */
  const ofService = keys.filter((key) => key !== "RSA-2048" && key !== "ML-DSA-44");
  const keysOf = ({ basicConstraints, subjectKind }: Profile): readonly TestKey[] => {
    if (basicConstraints.cA) return ["P-256"];
    return subjectKind === "service" ? ofService : keys;
  };
  for (const profile of Object.values(profiles)) {
    for (const key of keysOf(profile)) {
      test(`profile ${profile.id}, ${key}: no finding`, () => {
        const { tbs, context } = subject(profile.id, key);
        expect(lint(tbs, context)).toEqual([]);
      });
    }
  }
});

for (const { id, citation } of lintRules) {
  describe(`${citation}: ${id}`, () => {
    for (const bad of cases[id]?.bad ?? []) {
      test(`${bad.name}: found, by this rule alone`, () => {
        expect(found(bad.subject())).toEqual([id]);
      });
    }
    for (const good of cases[id]?.good ?? []) {
      test(`${good.name}: passes`, () => {
        expect(found(good.subject())).toEqual([]);
      });
    }
  });
}

test("a finding names its rule, its citation and a remedy", () => {
  const [finding] = lint(...spoiled());
  expect(finding).toEqual({
    rule: "version-3",
    citation: "RFC 5280 §4.1.2.1",
    message: "version is 1; write 3",
  });
});

function spoiled(): Parameters<typeof lint> {
  const { tbs, context } = subject("device");
  return [{ ...tbs, version: 1 }, context];
}
