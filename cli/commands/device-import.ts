/** Room: cli. `fleetkey device import`: the inventory from a CSV file of any length. */
import { defineCommand, parseWholeNumber } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { importInventory } from "../inventory-import.ts";
import { resolveSettings } from "../settings.ts";

export const deviceImport = defineCommand({
  summary: "Put devices into the inventory from a CSV file",
  args: {
    csv: {
      type: "string",
      required: true,
      valueHint: "FILE",
      description: "Columns deviceId, and any of publicKeySha256, profile, manufacturer, serialNumber",
    },
    results: {
      type: "string",
      valueHint: "FILE",
      description: "Append refused rows there, all of them: line, code and detail as JSON Lines",
    },
    concurrency: { type: "string", valueHint: "N", default: "4", description: "Uploads of 500 rows at once" },
    ...connectionFlags,
  },
  run(args, context) {
    const settings = resolveSettings(args, context.terminal.env);
    const concurrency = parseWholeNumber("--concurrency", args.concurrency, 1, 32);
    return importInventory({ path: args.csv, concurrency, settings, results: args.results }, context);
  },
});
