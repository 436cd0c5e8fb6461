/** Room: cli. `fleetkey ocsp query`. */
import { randomBytes } from "node:crypto";
import { askedFlags, findAsked } from "../asked-certificate.ts";
import { isoTime } from "../certificate-list.ts";
import { type Context, defineCommand } from "../command.ts";
import type { ExitName } from "../exit-codes.ts";
import { connectionFlags } from "../global-flags.ts";
import { type OcspAnswer, type OcspQuestion, ocspQuestion, provedStatus } from "../ocsp-question.ts";
import { withFleetApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";
import { judging } from "../untrusted.ts";

const accept = "application/ocsp-response";
// RFC 9654 §2.1.
const nonceOctets = 32;

const exits = { good: "ok", revoked: "revoked", unknown: "refused" } as const satisfies Record<
  string,
  ExitName
>;

function tell(
  { status, thisUpdate, nextUpdate, ...answer }: OcspAnswer,
  { nonce }: OcspQuestion,
  context: Context,
) {
  const { serialNumber } = answer.certId;
  const revoked =
    status.kind === "revoked"
      ? { revokedAt: isoTime(status.revocationTime), reason: status.reason ?? "unspecified" }
      : undefined;
  const times = {
    producedAt: isoTime(answer.producedAt),
    thisUpdate: isoTime(thisUpdate),
    ...(nextUpdate === undefined ? {} : { nextUpdate: isoTime(nextUpdate) }),
  };
  const { responder } = answer;
  context.output.answer(
    { serialNumber, status: status.kind, ...revoked, ...times, responder, nonce: nonce !== undefined },
    revoked === undefined
      ? `${serialNumber} ${status.kind}`
      : `${serialNumber} revoked ${revoked.revokedAt} (${revoked.reason})`,
  );
  context.output.note(
    `as of ${times.thisUpdate}, until ${times.nextUpdate ?? "it is newer"}; answered by ${responder}`,
  );
  return exits[status.kind];
}

export const ocspQuery = defineCommand({
  summary: "Ask for a certificate's status by OCSP and verify the answer",
  args: {
    ...askedFlags,
    "no-nonce": {
      type: "boolean",
      description: "Ask as caches can answer; the answer may be half a minute old",
    },
    sha1: {
      type: "boolean",
      description: "Name the certificate by SHA-1, as old clients do; SHA-256 if not",
    },
    ...connectionFlags,
  },
  async run(args, context) {
    const { terminal } = context;
    const settings = resolveSettings(args, terminal.env);
    const { issuer, serialNumber, ca } = await findAsked(args, settings, terminal);
    const question = ocspQuestion(issuer, serialNumber, {
      hash: args.sha1 === true ? "SHA-1" : "SHA-256",
      ...(args["no-nonce"] === true ? {} : { nonce: randomBytes(nonceOctets) }),
    });
    const body = { type: "application/ocsp-request", octets: question.request };
    const { body: octets } = await withFleetApi({ settings, terminal, ca }, (api) =>
      api.fetch({ method: "POST", path: "/ocsp", accept, body }),
    );
    const answer = await judging(() => provedStatus(question, octets, terminal.now()));
    return tell(answer, question, context);
  },
});
