/**
 * Room: test. On AWS functions may delete two kinds of item, the hold of a device and the key of a subject; every other
 * writer ends its items by a put.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

function deleters(room: string): readonly string[] {
  return readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => `${room}/${path}`)
    .filter((path) => /\{\s*delete:/.test(readFileSync(join(root, path), "utf8")))
    .toSorted();
}

it("dynamodb:DeleteItem is granted for holds of devices and for subject keys alone, and nothing else deletes an item", () => {
  expect([...deleters("core"), ...deleters("lambdas")]).toEqual([
    "core/enrollment/device.ts",
    "core/protection/shred-deletion.ts",
  ]);
});

it("whoever deletes subject keys is reached by the task that keeps them, and by no request", () => {
  const imports = (path: string): readonly string[] =>
    [...readFileSync(join(root, path), "utf8").matchAll(/from "(\.{1,2}\/[^"]+)"/g)].map(([, to = ""]) =>
      join(path, "..", to),
    );
  const reached = (from: string, found = new Set<string>()): ReadonlySet<string> => {
    for (const path of imports(from)) if (!found.has(path)) reached(path, found.add(path));
    return found;
  };
  expect(reached("lambdas/safekeeping/handler.ts")).toContain("core/protection/shred-deletion.ts");
  expect(reached("lambdas/protection/keeping.ts")).not.toContain("core/protection/shred-deletion.ts");
});
