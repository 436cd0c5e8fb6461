/** Room: cli. `fleetkey fleet create`: another fleet in a local server's data directory. */
import { isAppError } from "../../core/errors.ts";
import { createLocalFleet, type LocalFleet, type LocalFleetOptions } from "../../local/fleet-creation.ts";
import { defineCommand } from "../command.ts";
import { Failure } from "../failure.ts";
import { dataDirectoryFlag, outputFlags } from "../global-flags.ts";
import { resolveDataDirectory } from "../settings.ts";

/** What is wrong with a name, its message says; the remedies of the service's answers are for other names. */
async function create(options: LocalFleetOptions): Promise<LocalFleet> {
  try {
    return await createLocalFleet(options);
  } catch (error) {
    if (!isAppError(error, "name_not_permitted")) throw error;
    throw new Failure("usage", error.code, error.message, { cause: error });
  }
}

export const fleetCreate = defineCommand({
  summary: "Make a fleet on this machine, beside the running server; on AWS a deployment makes it",
  args: {
    fleet: {
      type: "positional",
      required: true,
      valueHint: "NAME",
      description: "1 to 32 of a-z, 0-9 and inner hyphens",
    },
    "trust-domain": {
      type: "string",
      required: true,
      valueHint: "DOMAIN",
      description: "SPIFFE trust domain",
    },
    ...dataDirectoryFlag,
    ...outputFlags,
  },
  async run(args, { terminal, output }) {
    const passphrase = terminal.env["FLEETKEY_PASSPHRASE"];
    const made = await create({
      dataDir: resolveDataDirectory(args["data-dir"], terminal.env),
      fleet: args.fleet,
      trustDomain: args["trust-domain"],
      ...(passphrase ? { passphrase } : {}),
    });
    const { files, rootFingerprint } = made;
    output.answer(made, rootFingerprint);
    output.note(
      `fleet ${made.fleet} is there; its operator: ${files.operatorCertificate}, ${files.operatorKey}`,
    );
    return undefined;
  },
});
