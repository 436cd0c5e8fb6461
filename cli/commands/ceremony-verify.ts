/** Room: cli. `fleetkey ceremony verify`: whether an answer is what its request asked for, with no service asked. */
import { requestDigest } from "../../core/rotation/offline/request.ts";
import { verifyAnswer } from "../../core/rotation/offline/verification.ts";
import { assertDigest, readAnswerFile } from "../ceremony-documents.ts";
import { describeAnswer } from "../ceremony-text.ts";
import { defineCommand } from "../command.ts";
import { outputFlags } from "../global-flags.ts";

export const ceremonyVerify = defineCommand({
  summary: "Verify what a machine without a network has signed",
  args: {
    answer: {
      type: "string",
      required: true,
      valueHint: "FILE",
      description: "What `ceremony sign` has written",
    },
    digest: {
      type: "string",
      valueHint: "HEX",
      description: "Fails unless the answer is for the request of this SHA-256",
    },
    ...outputFlags,
  },
  async run(args, { output }) {
    const answer = await readAnswerFile(args.answer);
    if (args.digest !== undefined) assertDigest(answer.request, args.digest);
    const verified = await verifyAnswer(answer);
    const requestSha256 = requestDigest(answer.request);
    const { fleet, rolloverId, purpose } = answer.request;
    const certificates = verified.certificates.map(({ asked }) => asked);
    const lists = verified.lists.map(({ asked: { signedBy, number } }) => ({ signedBy, number }));
    const document = {
      requestSha256,
      fleet,
      ...(rolloverId === undefined ? {} : { rolloverId }),
      purpose,
      certificates,
      lists,
      participants: verified.participants,
    };
    output.answer(document, describeAnswer(verified, requestSha256));
    return undefined;
  },
});
