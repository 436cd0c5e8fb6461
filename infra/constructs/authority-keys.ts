/**
 * Room: infra. The signing keys of one fleet, in KMS from the first moment. No function can make one: a key exists
 * because a reviewed deployment made it, and it outlives the deployment.
 */
import { Duration, RemovalPolicy, Tags } from "aws-cdk-lib";
import { PolicyDocument, type PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Key, KeySpec, KeyUsage } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import type { DeployedFunctionId } from "../configuration/concurrency.ts";
import type { FleetConfiguration } from "../configuration/fleets.ts";
import {
  type AuthorityAlgorithm,
  generationsOf,
  type SigningKeyKind,
} from "../configuration/key-generations.ts";
import { authorityAlias, roleArn } from "./deployment-names.ts";
import { administration, signingBy, signingOnLoan } from "./key-policies.ts";

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
  readonly configuration: Pick<FleetConfiguration, "rootAlgorithm" | "issuingAlgorithm" | "keys">;
  /** Roots are lent to the bootstrap without a second factor, which the emulator does not know. @default false */
  readonly emulator?: boolean;
}

interface Use {
  readonly signs: string;
  readonly signers: readonly DeployedFunctionId[];
}

const uses = {
  root: { signs: "authorities, while it is lent for that", signers: ["bootstrap", "ceremony"] },
  issuing: {
    signs: "certificates of devices, and lists of those that are revoked",
    signers: ["enrollment", "reconciliation", "bootstrap", "publication", "ceremony", "servers"],
  },
  // Whoever answers strangers holds no key of an authority (RFC 6960 §4.2.2.2).
  ocsp: { signs: "answers about revocation", signers: ["ocsp", "bootstrap", "publication", "ceremony"] },
  trust: { signs: "trust manifests", signers: ["bootstrap", "publication", "ceremony"] },
} as const satisfies Record<SigningKeyKind, Use>;

/** Of keys that are no authority's: every verifier knows it. */
const serviceAlgorithm = "P-256";

const capitalised = (kind: string): string => `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;

/** By name, such as `root-1`, the oldest first. */
export type KeysByName = ReadonlyMap<string, Key>;

export class AuthorityKeys extends Construct {
  readonly root: KeysByName;
  readonly issuing: KeysByName;
  /** Of the OCSP responder, which issuing authorities certify. */
  readonly ocsp: KeysByName;
  /** Of the signer of trust manifests, which the root certifies. */
  readonly trust: KeysByName;

  constructor(scope: Construct, id: string, props: AuthorityKeysProps) {
    super(scope, id);
    const { rootAlgorithm, issuingAlgorithm } = props.configuration;
    this.root = this.keys("root", props, rootAlgorithm);
    this.issuing = this.keys("issuing", props, issuingAlgorithm);
    this.ocsp = this.keys("ocsp", props, serviceAlgorithm);
    this.trust = this.keys("trust", props, serviceAlgorithm);
  }

  private keys(kind: SigningKeyKind, props: AuthorityKeysProps, otherwise: AuthorityAlgorithm): KeysByName {
    const generations = generationsOf(props.configuration.keys, kind);
    return new Map(
      generations.map(({ generation, algorithm = otherwise }) => [
        `${kind}-${generation}`,
        this.key(kind, generation, props, algorithm),
      ]),
    );
  }

  private key(
    kind: SigningKeyKind,
    generation: number,
    props: AuthorityKeysProps,
    algorithm: AuthorityAlgorithm,
  ): Key {
    const { stage, fleet } = props;
    const name = `${kind}-${generation}`;
    const key = new Key(this, `${capitalised(kind)}${generation}`, {
      alias: authorityAlias(stage, fleet, name),
      description: `Fleetkey stage ${stage}, fleet ${fleet}: ${name} signs ${uses[kind].signs}`,
      keySpec: keySpecs[algorithm],
      keyUsage: KeyUsage.SIGN_VERIFY,
      policy: new PolicyDocument({ statements: [administration("signing"), ...this.signing(kind, props)] }),
      // The longest KMS offers: no certificate of a deleted authority can ever be renewed or revoked again.
      pendingWindow: Duration.days(30),
      removalPolicy: RemovalPolicy.RETAIN,
    });
    Tags.of(key).add("fleetkey:fleet", fleet);
    Tags.of(key).add("fleetkey:authority", name);
    return key;
  }

  private signing(kind: SigningKeyKind, { stage, emulator = false }: AuthorityKeysProps): PolicyStatement[] {
    const role = (of: DeployedFunctionId): string => roleArn(this, stage, of);
    const signers = uses[kind].signers.map(role);
    if (kind !== "root") return signingBy(signers);
    return signingOnLoan({
      signers,
      loans: [
        { to: role("ceremony"), by: role("rollover") },
        { to: role("bootstrap"), by: emulator ? "anybody" : "secondFactor" },
      ],
    });
  }
}
