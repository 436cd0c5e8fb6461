/** Room: cli. `fleetkey data-key create`. */
import { dataKey } from "../../lambdas/http/protection-answers.ts";
import { defineCommand } from "../command.ts";
import { privateMode, readFileIfPresent, writeFileAtomically } from "../credential-files.ts";
import { backendFlags, backendSession, contextFlags, contextOf, withBackendApi } from "../data-flags.ts";
import { Failure, usageFailure } from "../failure.ts";

/** Another key there may be the last of its copies. */
async function assertFree(path: string): Promise<void> {
  if ((await readFileIfPresent(path)) === undefined) return;
  throw new Failure("localFile", "file_exists", `${path} is there already and is not written over`, {
    remedy: "name another file with --key-out",
  });
}

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
    const session = await backendSession(args, terminal.env);
    const body = { context: contextOf(args, session.settings.fleet.value), plaintext: !wrappedOnly };
    if (keyOut !== undefined) await assertFree(keyOut);
    const call = { method: "POST", path: "/data-keys", body, schema: dataKey } as const;
    const { plaintext, ...made } = await withBackendApi({ session, terminal }, (api) => api.call(call));
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
