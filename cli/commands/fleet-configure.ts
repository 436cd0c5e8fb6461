/** Room: cli. `fleetkey fleet configure`. */
import { fleetDetails } from "../../lambdas/http/access-answers.ts";
import { defineCommand, parseWholeNumber } from "../command.ts";
import { readFileBytes } from "../credential-files.ts";
import { approvalFlags, callCritical } from "../critical-operation.ts";
import { Failure, usageFailure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import { parseJsonText } from "../json-text.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const maximumOctets = 300_000;

async function readConfiguration(path: string): Promise<object> {
  const value = parseJsonText((await readFileBytes(path, maximumOctets)).toString("utf8"));
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new Failure("localFile", "configuration_malformed", `${path} holds no JSON object`, {
    remedy: "start from what `fleetkey fleet show` prints",
  });
}

export const fleetConfigure = defineCommand({
  summary: "Replace the fleet's configuration by a file's",
  args: {
    file: {
      type: "string",
      required: true,
      valueHint: "FILE",
      description: "JSON, as `fleet show` prints it",
    },
    "if-version": {
      type: "string",
      valueHint: "N",
      description: "Only if it has this version, as `fleet show` told; the present one if not given",
    },
    force: { type: "boolean", description: "Also when somebody else changes it meanwhile" },
    ...approvalFlags,
    ...connectionFlags,
  },
  async run(args, context) {
    const { terminal, output } = context;
    const settings = resolveSettings(args, terminal.env);
    const { "if-version": version, force = false } = args;
    if (force && version !== undefined) throw usageFailure("--force does not go with --if-version");
    const seen =
      version === undefined ? undefined : parseWholeNumber("--if-version", version, 0, 999_999_999);
    const body = await readConfiguration(args.file);
    const answer = await withOperatorApi({ settings, terminal }, async (api) => {
      const current = { method: "GET", path: "", schema: fleetDetails } as const;
      const expected = seen ?? (await api.call(current)).configurationVersion;
      const call = {
        operation: "configureFleet",
        method: "PUT",
        path: "/configuration",
        body,
        schema: fleetDetails,
        headers: force ? {} : { "if-match": `"${expected}"` },
      } as const;
      return callCritical(api, call, args, settings, context);
    });
    if (answer === undefined) return "pending";
    output.answer(answer, JSON.stringify(answer.configuration, null, 2));
    output.note(`fleet ${answer.fleet} has configuration ${answer.configurationVersion}`);
    return undefined;
  },
});
