/** Room: cli. `fleetkey operator invite`: a one-time invitation to register a passkey. */
import { hash } from "node:crypto";
import { type Invitation, invitation } from "../../lambdas/http/access-answers.ts";
import { type Context, defineCommand } from "../command.ts";
import { approvalFlags, callCritical, pageUrl } from "../critical-operation.ts";
import { usageFailure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import { parseRoles } from "../roles.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings, type Settings } from "../settings.ts";

function tell(answer: Invitation, settings: Settings, { output }: Context): void {
  const { operatorId: operator, invitation: secret } = answer;
  // As the service writes it where it knows its page; the page makes the passkey's user handle of the operator's id.
  const url = answer.url ?? pageUrl(settings, { fleet: settings.fleet.value, invitation: secret, operator });
  output.answer({ ...answer, url }, url);
  output.note(`good once, until ${answer.expiresAt}: whoever opens it registers a passkey for ${operator}`);
}

function oidcSubject(issuer: string | undefined, subject: string | undefined) {
  if (issuer === undefined && subject === undefined) return {};
  if (issuer === undefined || subject === undefined)
    throw usageFailure("--issuer URL and --subject TEXT go together");
  // The service is told a digest: a subject may be a name or an address.
  return { oidcSubject: { issuer, subjectSha256: hash("sha256", subject) } };
}

/** What `--first` has no use for. */
const othersOnly = ["roles", "issuer", "subject", "approval", "no-wait"] as const;

export const operatorInvite = defineCommand({
  summary: "Invite an operator, or yourself with --first, to register a passkey",
  args: {
    operator: {
      type: "positional",
      required: false,
      valueHint: "ID",
      description: "Opaque id of the operator",
    },
    roles: {
      type: "string",
      valueHint: "ROLE,…",
      description: "owner, securityOfficer, provisioner, auditor",
    },
    first: {
      type: "boolean",
      description: "Your own first passkey, for the operator that came with the fleet",
    },
    issuer: {
      type: "string",
      valueHint: "URL",
      description: "Identity provider at which the operator signs in",
    },
    subject: {
      type: "string",
      valueHint: "TEXT",
      description: "Who the operator is there; sent as a digest",
    },
    ...approvalFlags,
    ...connectionFlags,
  },
  async run(args, context) {
    const settings = resolveSettings(args, context.terminal.env);
    const { operator: operatorId, first = false } = args;
    if (first !== (operatorId === undefined))
      throw usageFailure(
        "name an operator: fleetkey operator invite ID --roles ROLE; or yourself with --first alone",
      );
    const session = { settings, terminal: context.terminal };
    if (operatorId === undefined) {
      const stray = othersOnly.find((flag) => args[flag] !== undefined);
      if (stray !== undefined) throw usageFailure(`--${stray} does not go with --first`);
      const own = { method: "POST", path: "/passkey-invitations", body: {}, schema: invitation } as const;
      tell(await withOperatorApi(session, (api) => api.call(own)), settings, context);
      return undefined;
    }
    const body = { operatorId, roles: parseRoles(args.roles), ...oidcSubject(args.issuer, args.subject) };
    const call = {
      operation: "inviteOperator",
      method: "POST",
      path: "/operators",
      body,
      schema: invitation,
    } as const;
    const answer = await withOperatorApi(session, (api) => callCritical(api, call, args, settings, context));
    if (answer === undefined) return "pending";
    tell(answer, settings, context);
    return undefined;
  },
});
