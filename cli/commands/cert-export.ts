/** Room: cli. `fleetkey cert export`: the inventory for other programs, however long it is. */
import { certificateFilter, filterFlags } from "../certificate-filter.ts";
import { defineCommand } from "../command.ts";
import { usageFailure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import { type ExportFormat, exportInventory } from "../inventory-export.ts";
import { resolveSettings } from "../settings.ts";

export const certExport = defineCommand({
  summary: "Write certificates as CSV or newline-delimited JSON, all or those of a search",
  args: {
    format: {
      type: "enum",
      required: true,
      options: ["csv", "ndjson"],
      valueHint: "FORMAT",
      description: "RFC 4180 with a line of names first, or a JSON object a line",
    },
    out: { type: "string", valueHint: "FILE", description: "Write there, anew, instead of to stdout" },
    cursor: {
      type: "string",
      valueHint: "CURSOR",
      description: "Go on where an export of the same flags stopped; a file is appended to",
    },
    ...filterFlags,
    ...connectionFlags,
  },
  async run(args, context) {
    const { out, cursor, format } = args;
    if (args.json === true && out === undefined)
      throw usageFailure("--json goes with --out FILE; --format ndjson is JSON on stdout, a row a line");
    const filter = certificateFilter(args);
    const settings = resolveSettings(args, context.terminal.env);
    const options = { settings, format: format as ExportFormat, filter, out, cursor };
    const { rows } = await exportInventory(options, context);
    context.output.note(`${rows} certificates`);
    if (out !== undefined) context.output.answer({ out, format, rows }, out);
    return undefined;
  },
});
