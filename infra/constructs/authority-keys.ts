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
import type { SigningKeyKind } from "./duty.ts";
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

interface Use {
  /** Construct id of the first key. */
  readonly id: string;
  readonly signs: string;
  readonly signers: readonly DeployedFunctionId[];
}

const uses = {
  root: { id: "Root1", signs: "authorities, at a fleet's bootstrap", signers: ["bootstrap"] },
  issuing: {
    id: "Issuing1",
    signs: "certificates of devices, and lists of those that are revoked",
    signers: ["enrollment", "reconciliation", "bootstrap", "publication"],
  },
  // Whoever answers strangers holds no key of an authority (RFC 6960 §4.2.2.2).
  ocsp: { id: "Ocsp1", signs: "answers about revocation", signers: ["ocsp", "bootstrap", "publication"] },
  trust: { id: "Trust1", signs: "trust manifests", signers: ["bootstrap", "publication"] },
} as const satisfies Record<SigningKeyKind, Use>;

/** Of keys that are no authority's: every verifier knows it. */
const serviceAlgorithm = "P-256";

export class AuthorityKeys extends Construct {
  readonly root: Key;
  readonly issuing: Key;
  /** Of the OCSP responder, which issuing authorities certify. */
  readonly ocsp: Key;
  /** Of the signer of trust manifests, which the root certifies. */
  readonly trust: Key;

  constructor(scope: Construct, id: string, props: AuthorityKeysProps) {
    super(scope, id);
    this.root = this.key("root", props, props.algorithms.rootAlgorithm);
    this.issuing = this.key("issuing", props, props.algorithms.issuingAlgorithm);
    this.ocsp = this.key("ocsp", props, serviceAlgorithm);
    this.trust = this.key("trust", props, serviceAlgorithm);
  }

  private key(kind: SigningKeyKind, props: AuthorityKeysProps, algorithm: AuthorityAlgorithm): Key {
    const { stage, fleet } = props;
    const { id, signs, signers } = uses[kind];
    const roles = signers.map((signer) => roleArn(this, stage, signer));
    const key = new Key(this, id, {
      alias: authorityAlias(stage, fleet, `${kind}-1`),
      description: `Fleetkey stage ${stage}, fleet ${fleet}: ${kind}-1 signs ${signs}`,
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
