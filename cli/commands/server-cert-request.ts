/** Room: cli. `fleetkey server-cert request`. */
import { serverCertificate } from "../../lambdas/http/server-answers.ts";
import { defineCommand } from "../command.ts";
import { usageFailure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import {
  followServer,
  hasFailed,
  parseServerName,
  renderServer,
  serverArgument,
} from "../server-certificate.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

/** `--key` is a client's key file everywhere, and stays so here: the kind of key has a flag of its own. */
export const serverCertRequest = defineCommand({
  summary: "Have a server's certificate made, kept fresh and held, and wait until it is",
  args: {
    name: serverArgument,
    dns: {
      type: "string",
      required: true,
      valueHint: "NAME",
      description: "A DNS name of the server; more of them by the flag again, or with commas",
    },
    algorithm: {
      type: "enum",
      options: [...serverCertificate.shape.keyAlgorithm.options],
      default: "P-256",
      valueHint: "ALGORITHM",
      description: "Of its key, for as long as it is held; one of",
    },
    "no-wait": { type: "boolean", description: "Do not wait until it is held" },
    ...connectionFlags,
  },
  repeated: ["dns"],
  async run(args, context) {
    const { terminal, output } = context;
    const name = parseServerName(args.name);
    const dnsNames = args.dns.split(",").map((each) => each.trim());
    if (dnsNames.includes("")) throw usageFailure("--dns holds an empty name");
    const body = { name, dnsNames, keyAlgorithm: args.algorithm };
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "POST", path: "/server-certificates", body, schema: serverCertificate } as const;
    const seen = await withOperatorApi({ settings, terminal }, async (api) => {
      const asked = await api.call(call);
      return args["no-wait"] === true ? asked : followServer(api, asked, context);
    });
    output.answer(seen, renderServer(seen));
    if (seen.state === "drifted" || seen.state === "rolledBack")
      output.note(`\`fleetkey server-cert resume ${name}\` lets it go on`);
    if (args["no-wait"] === true) return undefined;
    return hasFailed(seen) || seen.state !== "current" ? "refused" : undefined;
  },
});
