/** Room: cli. `fleetkey authority rotate`: `rotation plan` for an authority by its name. */
import type { Authority } from "../../lambdas/http/rotation-answers.ts";
import { authorityArgument, findAuthority } from "../authority.ts";
import { defineCommand } from "../command.ts";
import { Failure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import { type AuthorityKind, assertPlanning, planningFlags, planRollover } from "../rollover-planning.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

/** A rollover replaces the authority that issues, or the root that signs: no other. */
function kindOf({ authorityId, kind, state, issues }: Authority): AuthorityKind {
  if (issues || (kind === "root" && state === "active")) return kind;
  throw new Failure(
    "refused",
    "authority_not_in_use",
    `${authorityId} is ${state}; it is not what is in use`,
    {
      remedy: "the authority that issues and the active root are replaced; see: fleetkey authority list",
    },
  );
}

export const authorityRotate = defineCommand({
  summary: "Plan the rollover of the authority that issues now, or of the active root",
  args: { authority: authorityArgument, ...planningFlags, ...connectionFlags },
  async run(args, context) {
    assertPlanning(args);
    const settings = resolveSettings(args, context.terminal.env);
    return withOperatorApi({ settings, terminal: context.terminal }, async (api) => {
      const kind = kindOf(await findAuthority(api, args.authority));
      assertPlanning(args, kind);
      return planRollover(api, { kind, flags: args, settings }, context);
    });
  },
});
