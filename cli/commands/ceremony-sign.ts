/** Room: cli. `fleetkey ceremony sign`: judges and signs a request on a machine without a network. */
import { encodeAnswer } from "../../core/rotation/offline/answer.ts";
import { requestDigest } from "../../core/rotation/offline/request.ts";
import { signOffline } from "../../core/rotation/offline/signing.ts";
import { statementsOf } from "../../core/rotation/offline/statement.ts";
import type { OfflineSigner } from "../../core/rotation/offline/transcript.ts";
import { assertDigest, filesOf, readCsrFile, readRequestFile, writeNewFile } from "../ceremony-documents.ts";
import { describeStatements } from "../ceremony-text.ts";
import { isoTime } from "../certificate-list.ts";
import { defineCommand } from "../command.ts";
import { usageFailure } from "../failure.ts";
import { outputFlags } from "../global-flags.ts";
import { openSigner } from "../offline-key.ts";

/** Keys with the passphrase files in the same places; fewer of these leave the last keys without one. */
async function openAll(
  flag: string,
  keys: string,
  passphrases: string | undefined,
): Promise<readonly OfflineSigner[]> {
  const [files, secrets] = [filesOf(keys), filesOf(passphrases)];
  if (secrets.length > files.length)
    throw usageFailure(`there are ${secrets.length} passphrase files for ${files.length} keys of --${flag}`);
  return Promise.all(files.map((file, at) => openSigner(file, secrets[at])));
}

export const ceremonySign = defineCommand({
  summary: "Sign a request of a ceremony, on the machine that has the root's key",
  args: {
    request: {
      type: "string",
      required: true,
      valueHint: "FILE",
      description: "What `ceremony request` has written",
    },
    digest: {
      type: "string",
      required: true,
      valueHint: "HEX",
      description:
        "The request's SHA-256 as `ceremony request` showed it, brought by another way than the file",
    },
    "root-key": {
      type: "string",
      required: true,
      valueHint: "FILE,…",
      description: "Encrypted keys of the roots that sign",
    },
    "passphrase-file": {
      type: "string",
      valueHint: "FILE,…",
      description: "First lines open the root keys, in their order",
    },
    csr: {
      type: "string",
      valueHint: "FILE",
      description: "Of a new root: the request that `ceremony init` made",
    },
    participant: {
      type: "string",
      required: true,
      valueHint: "FILE,FILE",
      description: "Own keys of two people or more",
    },
    "participant-passphrase-file": {
      type: "string",
      valueHint: "FILE,…",
      description: "The same for the participants' keys",
    },
    out: { type: "string", required: true, valueHint: "FILE", description: "Where the answer goes" },
    ...outputFlags,
  },
  async run(args, { output, terminal }) {
    const request = await readRequestFile(args.request);
    assertDigest(request, args.digest);
    const csr = args.csr === undefined ? undefined : await readCsrFile(args.csr);
    // Judged before any key is opened.
    output.note(describeStatements(request, await statementsOf(request, csr)));
    const answer = await signOffline({
      request,
      ...(csr === undefined ? {} : { csr }),
      roots: await openAll("root-key", args["root-key"], args["passphrase-file"]),
      participants: await openAll("participant", args.participant, args["participant-passphrase-file"]),
      time: isoTime(Math.floor(terminal.now() / 1000) * 1000),
    });
    await writeNewFile(args.out, `${encodeAnswer(answer)}\n`);
    output.answer({ answer: args.out, requestSha256: requestDigest(request) }, args.out);
    return undefined;
  },
});
