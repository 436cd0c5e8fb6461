/** Room: cli. `fleetkey operator key`: an operator's own key for the command line, and the request for its certificate. */
import { join } from "node:path";
import { defineCommand } from "../command.ts";
import {
  makePrivateDirectory,
  privateMode,
  publicMode,
  readFileIfPresent,
  writeFileAtomically,
} from "../credential-files.ts";
import { pageUrl } from "../critical-operation.ts";
import { checkDeviceId } from "../device-enrollment.ts";
import { makeDeviceKey } from "../device-key.ts";
import { Failure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import { resolveSettings } from "../settings.ts";

export const operatorKey = defineCommand({
  summary: "Make your own key for the command line; the page for passkeys certifies it",
  args: {
    operator: { type: "positional", required: true, valueHint: "ID", description: "Your operator id" },
    out: {
      type: "string",
      required: true,
      valueHint: "DIR",
      description: "Directory for operator.key and .csr",
    },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const { operator: operatorId, out: directory } = args;
    checkDeviceId(operatorId, "an operator id");
    const settings = resolveSettings(args, terminal.env);
    await makePrivateDirectory(directory);
    const path = join(directory, "operator.key");
    if ((await readFileIfPresent(path)) !== undefined)
      throw new Failure("localFile", "identity_conflict", `${path} is there already`, {
        remedy: "name another directory with --out, or use that key",
      });
    const { privateKey, csr } = await makeDeviceKey(operatorId, "P-256");
    await writeFileAtomically(join(directory, "operator.csr"), csr, publicMode);
    await writeFileAtomically(path, privateKey, privateMode);
    output.answer({ directory, csr }, csr);
    output.note(`wrote ${path}; sign in at ${pageUrl(settings, { fleet: settings.fleet.value })}`);
    output.note(`paste the request there, and save what it answers as ${join(directory, "operator.pem")}`);
    return undefined;
  },
});
