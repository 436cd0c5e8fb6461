/** Room: cli. `fleetkey data-key create`. */
import { dataKey } from "../../lambdas/http/protection-answers.ts";
import { defineCommand } from "../command.ts";
import { privateMode, writeFileAtomically } from "../credential-files.ts";
import { backendFlags, backendSettings, contextFlags, contextOf, withBackendApi } from "../data-flags.ts";
import { usageFailure } from "../failure.ts";

export const dataKeyCreate = defineCommand({
  summary: "Make a data key, wrapped; in the clear only into a file",
  args: {
    ...contextFlags,
    "wrapped-only": { type: "boolean", description: "The key in the clear is given to nobody" },
    "key-out": {
      type: "string",
      valueHint: "FILE",
      description:
        "Where the 32 octets of the key in the clear go (mode 0600); needed without --wrapped-only",
    },
    ...backendFlags,
  },
  repeated: ["context"],
  async run(args, { terminal, output }) {
    const wrappedOnly = args["wrapped-only"] === true;
    const keyOut = args["key-out"];
    if (wrappedOnly === (keyOut !== undefined))
      throw usageFailure("give --wrapped-only, or --key-out FILE for the key in the clear");
    const settings = backendSettings(args, terminal.env);
    const body = { context: contextOf(args, settings.fleet.value), plaintext: !wrappedOnly };
    const call = { method: "POST", path: "/data-keys", body, schema: dataKey } as const;
    const { plaintext, ...made } = await withBackendApi({ settings, terminal }, (api) => api.call(call));
    if (keyOut !== undefined && plaintext !== undefined) {
      const key = Buffer.from(plaintext, "base64");
      await writeFileAtomically(keyOut, key, privateMode);
      key.fill(0);
      output.note(`the key in the clear is in ${keyOut}: remove it when it is done with`);
    }
    output.answer({ ...made, ...(keyOut === undefined ? {} : { keyOut }) }, JSON.stringify(made.wrapped));
    return undefined;
  },
});
