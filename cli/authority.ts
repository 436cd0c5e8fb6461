/** Room: cli. The fleet's authorities. */
import { type Authority, authorityList } from "../lambdas/http/rotation-answers.ts";
import { Failure } from "./failure.ts";
import type { FleetApi } from "./fleet-api.ts";

export const authorityArgument = {
  type: "positional",
  required: true,
  valueHint: "AUTHORITY",
  description: "Authority, as `authority list` names it",
} as const;

export const listAuthorities = (api: FleetApi) =>
  api.call({ method: "GET", path: "/authorities", schema: authorityList });

/** Throws `not_found`. */
export async function findAuthority(api: FleetApi, authorityId: string): Promise<Authority> {
  const { authorities, fleet } = await listAuthorities(api);
  const found = authorities.find((each) => each.authorityId === authorityId);
  if (found !== undefined) return found;
  const known = authorities.map((each) => each.authorityId).join(", ");
  throw new Failure("refused", "not_found", `fleet ${fleet} has no such authority`, {
    remedy: `it has: ${known}`,
  });
}
