/** Room: cli. `fleetkey cert list` and `fleetkey cert search`. */
import type { ArgsDef } from "citty";
import { certificateFilter, filterFlags } from "../certificate-filter.ts";
import { showListing } from "../certificate-listing.ts";
import { defineCommand, parseWholeNumber } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { resolveSettings } from "../settings.ts";

const pageFlags = {
  limit: { type: "string", valueHint: "N", default: "100", description: "How many at most" },
  cursor: { type: "string", valueHint: "CURSOR", description: "Where an earlier list stopped" },
} as const satisfies ArgsDef;

const limitOf = (text: string): number => parseWholeNumber("--limit", text, 1, 1_000_000);

export const certList = defineCommand({
  summary: "List certificates of the fleet, or of one device",
  args: { device: filterFlags.device, ...pageFlags, ...connectionFlags },
  run({ device, cursor, limit, ...flags }, context) {
    const query = { ...certificateFilter({ device }), ...(cursor === undefined ? {} : { cursor }) };
    const settings = resolveSettings(flags, context.terminal.env);
    return showListing({ settings, limit: limitOf(limit), query }, context);
  },
});

export const certSearch = defineCommand({
  summary: "Search certificates; all that is given must hold",
  args: { ...filterFlags, ...pageFlags, ...connectionFlags },
  run(args, context) {
    const { cursor } = args;
    const query = { ...certificateFilter(args), ...(cursor === undefined ? {} : { cursor }) };
    const settings = resolveSettings(args, context.terminal.env);
    return showListing({ settings, limit: limitOf(args.limit), query }, context);
  },
});
