/** Room: infra. Findings of the HIPAA rule pack that stand, each on one resource with its reason. */
import { Validations } from "aws-cdk-lib";
import type { Construct } from "constructs";

/** @param rule as in the pack's own table, such as `LambdaInsideVPC`. */
export function acknowledge(construct: Construct, rule: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: `HIPAA.Security::HIPAA.Security-${rule}`, reason });
}
