/** Room: test. A copy of this checkout for a deployment: it differs in the fleets of the rehearsed stage, and in nothing else. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readStageConfiguration } from "../../infra/stage-configuration.ts";
import { repository } from "../../scripts/deployment/command.ts";
import { checkOut } from "../../scripts/rehearsal/checkout.ts";
import { temporaryDirectory } from "../cli/temporary-directory.ts";

interface CdkJson {
  readonly context: { readonly "fleetkey:stages": Record<string, object> };
}

const cdkOf = async (directory: string): Promise<CdkJson> =>
  JSON.parse(await readFile(join(directory, "cdk.json"), "utf8")) as CdkJson;

it("a checkout with a second issuing key is one whose stage has it, and is the same besides", async () => {
  const directory = temporaryDirectory();
  const fleets = { default: { keys: { issuing: 2 } } };
  await checkOut(directory, fleets);
  const [copy, own] = [await cdkOf(directory), await cdkOf(repository)];
  const stages = copy.context["fleetkey:stages"];
  expect(readStageConfiguration("rehearsal", stages).fleets["default"]?.keys).toEqual({ issuing: 2 });
  const { rehearsal, ...others } = own.context["fleetkey:stages"];
  expect(copy).toEqual({
    ...own,
    context: { ...own.context, "fleetkey:stages": { ...others, rehearsal: { ...rehearsal, fleets } } },
  });
  const names = await readdir(directory);
  expect(names).toEqual(expect.arrayContaining(["core", "infra", "lambdas", "node_modules"]));
  expect(names).not.toContain(".git");
});
