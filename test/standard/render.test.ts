import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { clauses, profiles } from "../../core/standard/index.ts";
import { renderSecurityStandard } from "../../core/standard/render.ts";

const document = new URL("../../docs/security-standard.md", import.meta.url);

test("docs/security-standard.md is what the standard renders to", () => {
  expect(readFileSync(document, "utf8")).toBe(renderSecurityStandard());
});

test("the document names every profile and every clause, and says that it is generated", () => {
  const text = renderSecurityStandard();
  expect(text.split("\n")[0]).toMatch(/Generated .* do not edit/);
  for (const id of Object.keys(profiles)) expect(text).toMatch(new RegExp(`^\\| ${id} +\\|`, "m"));
  for (const clause of clauses) expect(text).toContain(clause.citation);
});

test("every row of every table has as many cells as its head", () => {
  for (const block of renderSecurityStandard().split("\n\n")) {
    if (!block.startsWith("| ")) continue;
    const widths = block
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" | ").length);
    expect(new Set(widths).size).toBe(1);
  }
});
