/**
 * Room: infra. The signing keys of one fleet, in KMS from the first moment. No function can make one: a key exists
 * because a reviewed deployment made it, and it outlives the deployment.
 */
import { Duration, RemovalPolicy, Tags } from "aws-cdk-lib";
import { PolicyDocument } from "aws-cdk-lib/aws-iam";
import { Key, KeySpec, KeyUsage } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import type { DeployedFunctionId } from "../configuration/concurrency.ts";
import type { AuthorityAlgorithm, FleetConfiguration } from "../configuration/fleets.ts";
import { authorityAlias, roleArn } from "./deployment-names.ts";
import { administration, signingBy } from "./key-policies.ts";

const keySpecs = {
  "P-256": KeySpec.ECC_NIST_P256,
  "P-384": KeySpec.ECC_NIST_P384,
  "RSA-3072": KeySpec.RSA_3072,
  "RSA-4096": KeySpec.RSA_4096,
  Ed25519: KeySpec.ECC_NIST_EDWARDS25519,
  "ML-DSA-65": KeySpec.ML_DSA_65,
  "ML-DSA-87": KeySpec.ML_DSA_87,
} as const satisfies Record<AuthorityAlgorithm, KeySpec>;

export interface AuthorityKeysProps {
  readonly stage: string;
  readonly fleet: string;
  readonly algorithms: Pick<FleetConfiguration, "rootAlgorithm" | "issuingAlgorithm">;
}

/** What a root signs are authorities, at a fleet's bootstrap; what an issuing key signs are devices, every day. */
const signers = {
  root: ["bootstrap"],
  issuing: ["enrollment", "reconciliation", "bootstrap"],
} as const satisfies Record<string, readonly DeployedFunctionId[]>;

export class AuthorityKeys extends Construct {
  readonly root: Key;
  readonly issuing: Key;

  constructor(scope: Construct, id: string, props: AuthorityKeysProps) {
    super(scope, id);
    this.root = this.key("root", props, props.algorithms.rootAlgorithm);
    this.issuing = this.key("issuing", props, props.algorithms.issuingAlgorithm);
  }

  private key(kind: "root" | "issuing", props: AuthorityKeysProps, algorithm: AuthorityAlgorithm): Key {
    const { stage, fleet } = props;
    const roles = signers[kind].map((id) => roleArn(this, stage, id));
    const key = new Key(this, kind === "root" ? "Root1" : "Issuing1", {
      alias: authorityAlias(stage, fleet, `${kind}-1`),
      description: `Fleetkey stage ${stage}, fleet ${fleet}: signs as authority ${kind}-1`,
      keySpec: keySpecs[algorithm],
      keyUsage: KeyUsage.SIGN_VERIFY,
      policy: new PolicyDocument({ statements: [administration("signing"), ...signingBy(roles)] }),
      // The longest KMS offers: no certificate of a deleted authority can ever be renewed or revoked again.
      pendingWindow: Duration.days(30),
      removalPolicy: RemovalPolicy.RETAIN,
    });
    Tags.of(key).add("fleetkey:fleet", fleet);
    Tags.of(key).add("fleetkey:authority", `${kind}-1`);
    return key;
  }
}
