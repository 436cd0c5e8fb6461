/** Room: lambdas/bootstrap. The fleets that a deployment may make, as its configuration names them. */
import * as z from "zod/mini";
import type { FleetPlan } from "../../core/bootstrap/fleet.ts";
import { AppError } from "../../core/errors.ts";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../core/formats/algorithms.ts";
import { fleetId } from "../http/schemas.ts";

export type FleetPlans = ReadonlyMap<string, FleetPlan>;

const algorithm = z.enum(
  Object.keys(authorityAlgorithms) as [AuthorityAlgorithmId, ...AuthorityAlgorithmId[]],
  {
    error: `must be one of ${Object.keys(authorityAlgorithms).join(", ")}`,
  },
);
const fleetPlans = z.record(
  fleetId(),
  z.strictObject({ trustDomain: z.string(), rootAlgorithm: algorithm, issuingAlgorithm: algorithm }),
);

const invalid = (what: string): AppError =>
  new AppError(
    "configuration_invalid",
    `fleets of this deployment: ${what}; correct the stage's configuration`,
  );

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("not JSON");
  }
}

/**
 * @param text JSON: `{ "<fleet>": { "trustDomain", "rootAlgorithm", "issuingAlgorithm" } }`.
 * @throws AppError configuration_invalid, naming the member and what it must be.
 */
export function parseFleetPlans(text: string): FleetPlans {
  const result = z.safeParse(fleetPlans, readJson(text));
  if (!result.success) {
    const [issue] = result.error.issues;
    throw invalid(`${issue?.path.join(".") || "the whole"} ${issue?.message ?? "is not valid"}`);
  }
  return new Map(Object.entries(result.data).map(([fleet, plan]) => [fleet, { fleet, ...plan }]));
}

/** @throws AppError configuration_invalid, listing the fleets that there are. */
export function planOf(plans: FleetPlans, fleet: string): FleetPlan {
  const plan = plans.get(fleet);
  if (plan !== undefined) return plan;
  throw new AppError(
    "configuration_invalid",
    `fleet "${fleet}" is not configured (there are: ${[...plans.keys()].join(", ") || "none"}); ` +
      "add it to the stage's configuration and deploy",
  );
}
