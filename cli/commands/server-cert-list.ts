/** Room: cli. `fleetkey server-cert list` and `fleetkey server-cert show`. */
import { type ServerCertificate, serverCertificatePage } from "../../lambdas/http/server-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";
import { pageFlags, pageQuery } from "../page-flags.ts";
import { parseServerName, renderServer, serverArgument, showServer } from "../server-certificate.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const header = ["NAME", "STATE", "KEY", "NOT AFTER", "HELD AS", "DNS NAMES", "LAST FAILURE"];

const rowOf = (each: ServerCertificate): readonly string[] => [
  each.name,
  each.state,
  each.keyAlgorithm,
  each.notAfter ?? "",
  each.certificateId ?? "",
  each.dnsNames.join(","),
  each.lastFailure ?? "",
];

export const serverCertList = defineCommand({
  summary: "List certificates of servers, by their names",
  args: { ...pageFlags, ...connectionFlags },
  async run(args, { terminal, output }) {
    const query = pageQuery(args);
    const settings = resolveSettings(args, terminal.env);
    const path = `/server-certificates?${query}`;
    const call = { method: "GET", path, schema: serverCertificatePage } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const { serverCertificates: found, cursor } = answer;
    output.answer(answer, found.length === 0 ? "" : renderTable(header, found.map(rowOf)));
    if (found.length === 0) output.note("no certificates of servers");
    if (cursor !== undefined) output.note(`there is more: --cursor ${cursor}`);
    return undefined;
  },
});

export const serverCertShow = defineCommand({
  summary: "Show a server's certificate and where it is held",
  args: { name: serverArgument, ...connectionFlags },
  async run(args, { terminal, output }) {
    const name = parseServerName(args.name);
    const settings = resolveSettings(args, terminal.env);
    const seen = await withOperatorApi({ settings, terminal }, (api) => showServer(api, name));
    output.answer(seen, renderServer(seen));
    return undefined;
  },
});
