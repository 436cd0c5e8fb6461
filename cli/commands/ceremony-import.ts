/** Room: cli. `fleetkey ceremony import`: brings in what a machine without a network has signed. */

import { requestDigest } from "../../core/rotation/offline/request.ts";
import { verifyAnswer } from "../../core/rotation/offline/verification.ts";
import type { offlineAnswerImport } from "../../lambdas/http/offline-schemas.ts";
import { ceremony, rollover } from "../../lambdas/http/rotation-answers.ts";
import { renderCeremony } from "../ceremony.ts";
import { readAnswerFile } from "../ceremony-documents.ts";
import { defineCommand } from "../command.ts";
import { approvalFlags, type CriticalCall, callCritical } from "../critical-operation.ts";
import { usageFailure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import type { AnswerOf } from "../json-text.ts";
import { parseRolloverId } from "../rollover.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

type Body = AnswerOf<ReturnType<typeof offlineAnswerImport>>;

const ofFleet = {
  operation: "importFleetOfflineAnswer",
  method: "POST",
  path: "/offline-answer",
  schema: ceremony,
} as const;

const ofRollover = (rolloverId: string) =>
  ({
    operation: "importOfflineAnswer",
    parameters: { rolloverId },
    method: "POST",
    path: `/rollovers/${rolloverId}/offline-answer`,
    schema: rollover,
  }) as const;

export const ceremonyImport = defineCommand({
  summary: "Bring in what a root without a network has signed; two people approve it",
  args: {
    rollover: {
      type: "positional",
      required: false,
      valueHint: "ROLLOVER",
      description: "Id of the rollover; leave it out where the request was fetched without one",
    },
    answer: {
      type: "string",
      required: true,
      valueHint: "FILE",
      description: "What `ceremony sign` has written",
    },
    ...approvalFlags,
    ...connectionFlags,
  },
  async run(args, context) {
    const { output, terminal } = context;
    const rolloverId = args.rollover === undefined ? undefined : parseRolloverId(args.rollover);
    const answer = await readAnswerFile(args.answer);
    if (answer.request.rolloverId !== rolloverId)
      throw usageFailure(
        `the answer is for ${answer.request.rolloverId === undefined ? "no rollover: leave ROLLOVER out" : `rollover ${answer.request.rolloverId}`}`,
      );
    // A fault is found before two people are asked.
    await verifyAnswer(answer);
    const requestSha256 = requestDigest(answer.request);
    output.note(`request ${requestSha256}`);
    const settings = resolveSettings(args, terminal.env);
    const body = { requestSha256, answer } as unknown as Body;
    const bring = <T>(call: CriticalCall<T>): Promise<T | undefined> =>
      withOperatorApi({ settings, terminal }, (api) => callCritical(api, call, args, settings, context));
    if (rolloverId === undefined) {
      const held = await bring({ ...ofFleet, body });
      if (held === undefined) return "pending";
      output.answer(held, renderCeremony(held));
      return undefined;
    }
    const done = await bring({ ...ofRollover(rolloverId), body });
    if (done === undefined) return "pending";
    output.answer(done, `${done.to} is ${done.state}`);
    return undefined;
  },
});
