/** Room: cli. `fleetkey ceremony init`: makes a root's key on a machine without a network. */
import { join } from "node:path";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../core/formats/algorithms.ts";
import { writeNewFile } from "../ceremony-documents.ts";
import { defineCommand } from "../command.ts";
import { makePrivateDirectory, privateMode } from "../credential-files.ts";
import { usageFailure } from "../failure.ts";
import { outputFlags } from "../global-flags.ts";
import { makeRootKey, readPassphrase } from "../offline-key.ts";

const algorithms = Object.keys(authorityAlgorithms) as AuthorityAlgorithmId[];

export const ceremonyInit = defineCommand({
  summary: "Make the key of a root on a machine without a network",
  args: {
    out: {
      type: "string",
      required: true,
      valueHint: "DIR",
      description: "Directory for the key and its request",
    },
    fleet: { type: "string", required: true, valueHint: "ID", description: "Fleet whose root it will be" },
    id: {
      type: "string",
      required: true,
      valueHint: "ROOT",
      description: "Name of the root, as the rollover has it: root-2",
    },
    "passphrase-file": {
      type: "string",
      required: true,
      valueHint: "FILE",
      description: "Its first line encrypts the key: 16 characters or more",
    },
    algorithm: { type: "enum", options: algorithms, default: "P-384", description: "As the rollover has it" },
    ...outputFlags,
  },
  async run(args, { output }) {
    const { fleet, id } = args;
    if (!/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(fleet))
      throw usageFailure("--fleet is not a fleet's name");
    if (!/^root-[1-9]\d{0,8}$/.test(id)) throw usageFailure("--id is not a root's name, such as root-2");
    const passphrase = await readPassphrase(args["passphrase-file"]);
    await makePrivateDirectory(args.out);
    const algorithm = algorithms.find((each) => each === args.algorithm) ?? "P-384";
    const { encrypted, csr, fingerprint } = await makeRootKey(`${fleet} ${id}`, algorithm, passphrase);
    const [key, request] = [join(args.out, `${id}.key`), join(args.out, `${id}.csr`)];
    await writeNewFile(key, encrypted, privateMode);
    await writeNewFile(request, csr);
    output.answer({ key, csr: request, algorithm, fingerprint }, fingerprint);
    output.note(`${key} is encrypted under the passphrase: without it, and without a copy, the root is lost`);
    return undefined;
  },
});
