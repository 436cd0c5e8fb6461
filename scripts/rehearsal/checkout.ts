/** Room: scripts/rehearsal. A copy of this checkout in which one thing differs: the fleets of the rehearsed stage. */
import { cp, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { repository } from "../deployment/command.ts";
import { rehearsed } from "./rehearsed-stage.ts";
import { expectThat } from "./report.ts";

/** What a deployment does without, or gets in another way. */
const left = new Set([".git", ".judges", "cdk.json", "cdk.out", "deployments", "node_modules", "test"]);

/** @param fleets As `fleets` of a stage in cdk.json; docs/deploy.md. */
export async function checkOut(directory: string, fleets: object): Promise<void> {
  const sources = (await readdir(repository)).filter((name) => !left.has(name));
  for (const name of sources) await cp(join(repository, name), join(directory, name), { recursive: true });
  await symlink(join(repository, "node_modules"), join(directory, "node_modules"));
  const cdk = JSON.parse(await readFile(join(repository, "cdk.json"), "utf8")) as {
    readonly context: { readonly "fleetkey:stages": Record<string, { fleets?: object }> };
  };
  const described = cdk.context["fleetkey:stages"][rehearsed.stage];
  expectThat(described !== undefined, `cdk.json does not describe ${rehearsed.stage}`);
  described.fleets = fleets;
  await writeFile(join(directory, "cdk.json"), JSON.stringify(cdk));
}
