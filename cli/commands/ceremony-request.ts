/** Room: cli. `fleetkey ceremony request`: fetches what a machine without a network is to sign. */

import { decodeRequest, encodeRequest, requestDigest } from "../../core/rotation/offline/request.ts";
import { offlineRequestView } from "../../lambdas/http/offline-schemas.ts";
import { writeNewFile } from "../ceremony-documents.ts";
import { defineCommand } from "../command.ts";
import { Failure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import { parseRolloverId } from "../rollover.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

export const ceremonyRequest = defineCommand({
  summary: "Fetch what a root without a network is to sign",
  args: {
    rollover: {
      type: "positional",
      required: false,
      valueHint: "ROLLOVER",
      description: "Id of the rollover; leave it out for the next signer of manifests, and the root's list",
    },
    out: {
      type: "string",
      required: true,
      valueHint: "FILE",
      description: "Where the request goes, to be carried over",
    },
    ...connectionFlags,
  },
  async run(args, { output, terminal }) {
    const rolloverId = args.rollover === undefined ? undefined : parseRolloverId(args.rollover);
    const settings = resolveSettings(args, terminal.env);
    const path = `${rolloverId === undefined ? "" : `/rollovers/${rolloverId}`}/offline-request`;
    const call = { method: "GET", path, schema: offlineRequestView() } as const;
    const view = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const request = decodeRequest(view.request);
    const sha256 = requestDigest(request);
    if (sha256 !== view.sha256 || request.rolloverId !== rolloverId || request.fleet !== settings.fleet.value)
      throw new Failure("untrusted", "request_changed", "the request is not what its digest says", {
        remedy: "use the fleetkey of the service's own release",
      });
    await writeNewFile(args.out, `${encodeRequest(request)}\n`);
    output.answer({ request: args.out, sha256, expiresAt: request.expiresAt }, sha256);
    output.note("write the digest down: whoever signs compares it, and so do the two who approve the import");
    return undefined;
  },
});
