/** Room: cli. `fleetkey backend create`: a backend of a local server, made in its data directory. */
import { type PipelineOperation, pipelineOperations } from "../../core/standard/access.ts";
import { createLocalBackend } from "../../local/backend-creation.ts";
import { defineCommand } from "../command.ts";
import { usageFailure } from "../failure.ts";
import { dataDirectoryFlag, outputFlags } from "../global-flags.ts";
import { resolveDataDirectory } from "../settings.ts";

const dataOperations = [
  "createDataKey",
  "encryptData",
  "decryptData",
  "reencryptData",
] as const satisfies readonly PipelineOperation[];

function parseOperations(text: string): readonly PipelineOperation[] {
  return text.split(",").map((each) => {
    const found = pipelineOperations.find((known) => known === each.trim());
    if (found !== undefined) return found;
    throw usageFailure(`--operation is one of ${dataOperations.join(", ")}`);
  });
}

export const backendCreate = defineCommand({
  summary: "Make a backend on this machine, beside the running server; elsewhere the fleet's owners name it",
  args: {
    name: {
      type: "positional",
      required: true,
      valueHint: "NAME",
      description: "An opaque name: 1 to 64 of a-z, 0-9 and inner hyphens",
    },
    purpose: {
      type: "string",
      required: true,
      valueHint: "WORD",
      description: "A purpose of the data that it works with, or *; more by the flag again, or with commas",
    },
    operation: {
      type: "string",
      default: dataOperations.join(","),
      valueHint: "NAME",
      description: "What it may do; more by the flag again, or with commas",
    },
    fleet: { type: "string", default: "default", valueHint: "ID", description: "Fleet that it belongs to" },
    ...dataDirectoryFlag,
    ...outputFlags,
  },
  repeated: ["purpose", "operation"],
  async run(args, { terminal, output }) {
    const passphrase = terminal.env["FLEETKEY_PASSPHRASE"];
    const made = await createLocalBackend({
      dataDir: resolveDataDirectory(args["data-dir"], terminal.env),
      fleet: args.fleet,
      backendId: args.name,
      operations: parseOperations(args.operation),
      purposes: args.purpose.split(",").map((each) => each.trim()),
      ...(passphrase ? { passphrase } : {}),
    });
    output.answer(made, made.directory);
    output.note(`${made.backendId} may come in with ${made.certificate} until ${made.notAfter}`);
    return undefined;
  },
});
