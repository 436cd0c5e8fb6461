/** Room: test. On AWS functions may delete one kind of item, the hold of a device; every other writer ends its items by a put. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

function deleters(room: string): readonly string[] {
  return readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => `${room}/${path}`)
    .filter((path) => /\{\s*delete:/.test(readFileSync(join(root, path), "utf8")));
}

it("dynamodb:DeleteItem is granted for holds of devices alone, and nothing else deletes an item", () => {
  expect([...deleters("core"), ...deleters("lambdas")]).toEqual(["core/enrollment/device.ts"]);
});
