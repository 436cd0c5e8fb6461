/** Room: infra. Public artefacts of one stage; in us-east-1, whichever region holds the rest. */
import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { ArtifactDistribution, type ArtifactDistributionProps } from "./constructs/artifact-distribution.ts";

export interface ArtifactsStackProps extends StackProps {
  readonly artifacts: ArtifactDistributionProps;
}

/** @throws Error when it would be deployed anywhere but us-east-1. */
export class ArtifactsStack extends Stack {
  constructor(scope: Construct, id: string, props: ArtifactsStackProps) {
    super(scope, id, props);
    if (this.region !== "us-east-1") {
      throw new Error(
        `stack ${id} is for ${this.region}; CloudFront takes certificates and firewalls of us-east-1 only: ` +
          'give it `env: { region: "us-east-1" }`',
      );
    }
    new ArtifactDistribution(this, "Artifacts", props.artifacts);
  }
}
