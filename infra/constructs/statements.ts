/** Room: infra. What the statements of every grant are written with. */
import { PolicyStatement, type PolicyStatementProps } from "aws-cdk-lib/aws-iam";
import type { SigningKeyKind } from "../configuration/key-generations.ts";
import type { FleetKeyState } from "./fleetkey-state.ts";

export const allow = (sid: string, props: Omit<PolicyStatementProps, "sid">): PolicyStatement =>
  new PolicyStatement({ sid, ...props });

/** ARNs of these fleets' keys of these kinds. */
export function keyArns(
  state: FleetKeyState,
  fleets: readonly string[],
  kinds: readonly SigningKeyKind[],
): string[] {
  return fleets.flatMap((fleet) =>
    kinds.flatMap((kind) => [...state.keysOf(fleet)[kind].values()].map(({ keyArn }) => keyArn)),
  );
}
