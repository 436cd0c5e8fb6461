/** Room: cli. `fleetkey claim create`: a key and certificate with which a factory enrols a batch. */
import { join } from "node:path";
import { encodePem } from "../../core/formats/pem.ts";
import { issuedClaim } from "../../lambdas/http/access-answers.ts";
import { defineCommand, parseWholeNumber } from "../command.ts";
import {
  makePrivateDirectory,
  privateMode,
  publicMode,
  readFileIfPresent,
  writeFileAtomically,
} from "../credential-files.ts";
import { checkDeviceId, readCsrFile } from "../device-enrollment.ts";
import { makeDeviceKey } from "../device-key.ts";
import { Failure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

/** The key is on disk before its certificate exists; a second run finds it and asks for the same claim. */
async function claimKey(directory: string, claimId: string): Promise<string> {
  const request = await readFileIfPresent(join(directory, "claim.csr"));
  const key = await readFileIfPresent(join(directory, "claim.key"));
  if (request !== undefined && key !== undefined) return request;
  if (key !== undefined)
    throw new Failure("localFile", "identity_conflict", `${directory} holds a claim.key of unknown origin`, {
      remedy: "name another directory with --out",
    });
  const { privateKey, csr } = await makeDeviceKey(claimId, "P-256");
  await writeFileAtomically(join(directory, "claim.csr"), csr, publicMode);
  await writeFileAtomically(join(directory, "claim.key"), privateKey, privateMode);
  return csr;
}

/** A request made where the key is, and stays; the directory then holds the certificate alone. */
async function foreignRequest(directory: string, path: string): Promise<string> {
  if ((await readFileIfPresent(join(directory, "claim.key"))) !== undefined)
    throw new Failure(
      "localFile",
      "identity_conflict",
      `${directory} holds a claim.key, and --csr has its own`,
      {
        remedy: "name another directory with --out",
      },
    );
  return encodePem("CERTIFICATE REQUEST", (await readCsrFile(path)).raw);
}

export const claimCreate = defineCommand({
  summary: "Make the claim of a production batch: key, certificate, quota",
  args: {
    claim: { type: "positional", required: true, valueHint: "ID", description: "Opaque id of the batch" },
    quota: { type: "string", required: true, valueHint: "N", description: "How many devices it may enrol" },
    csr: {
      type: "string",
      valueHint: "FILE",
      description: "A CSR made elsewhere, instead of a key made here",
    },
    out: {
      type: "string",
      valueHint: "DIR",
      description: "Directory for claim.key and claim.crt; ./ID if not given",
    },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const { claim: claimId, out: directory = args.claim } = args;
    checkDeviceId(claimId, "a claim id");
    const quota = parseWholeNumber("--quota", args.quota, 1, 1_000_000);
    const settings = resolveSettings(args, terminal.env);
    await makePrivateDirectory(directory);
    const csr =
      args.csr === undefined ? await claimKey(directory, claimId) : await foreignRequest(directory, args.csr);
    const call = {
      method: "POST",
      path: "/claims",
      body: { claimId, csr, quota },
      schema: issuedClaim,
    } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    await writeFileAtomically(join(directory, "claim.crt"), answer.certificate + answer.chain, publicMode);
    output.answer({ directory, ...answer }, directory);
    output.note(`claim ${claimId}: ${quota} devices of the inventory, until ${answer.notAfter}`);
    output.note(`serial ${answer.serialNumber}; revoking it ends the claim`);
    return undefined;
  },
});
