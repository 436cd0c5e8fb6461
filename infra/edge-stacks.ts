/**
 * Room: infra. Adds the stacks around the API: its domains, and the distribution of public artefacts. Both are for
 * stages that name them, and neither for the emulator, which has no mutual TLS and no us-east-1 beside its region.
 */
import { type App, Stack } from "aws-cdk-lib";
import type { IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { ArtifactsStack } from "./artifacts-stack.ts";
import type { FleetKeyState } from "./constructs/fleetkey-state.ts";
import { DomainsStack } from "./domains-stack.ts";
import type { StageConfiguration } from "./stage-configuration.ts";

export interface EdgeStacksProps {
  readonly configuration: StageConfiguration;
  readonly api: IHttpApi;
  readonly state: FleetKeyState;
  /** Context flag `fleetkey:trustStoreVersion`, as it was read. */
  readonly trustStoreVersion: unknown;
}

export function addEdgeStacks(app: App, props: EdgeStacksProps): void {
  if (props.configuration.domains !== undefined) addDomains(app, props, props.configuration.domains);
  if (props.configuration.artifacts !== undefined) addArtifacts(app, props, props.configuration.artifacts);
}

/** API Gateway verifies client certificates with RSA of 2,048 bits on and ECDSA of 256 bits on, and with nothing else. */
const verifiable: ReadonlySet<string> = new Set(["P-256", "P-384", "RSA-3072", "RSA-4096"]);

/** @throws Error for fleets whose devices could never renew: better now than after the first 60 days. */
function assertVerifiable({ stage, fleets }: StageConfiguration): void {
  const others = Object.entries(fleets).flatMap(([fleet, { rootAlgorithm, issuingAlgorithm }]) =>
    [rootAlgorithm, issuingAlgorithm]
      .filter((algorithm) => !verifiable.has(algorithm))
      .map((algorithm) => `${fleet} (${algorithm})`),
  );
  if (others.length === 0) return;
  throw new Error(
    `stage "${stage}" has domains, where API Gateway verifies certificates with ${[...verifiable].join(", ")} only; not ` +
      `those of fleet ${others.join(", ")}: give them other algorithms, or a stage without domains`,
  );
}

function addDomains(
  app: App,
  { configuration, api, state, trustStoreVersion }: EdgeStacksProps,
  domains: NonNullable<StageConfiguration["domains"]>,
): void {
  assertVerifiable(configuration);
  const { stage, account, region, alarmActions } = configuration;
  new DomainsStack(app, `Fleetkey-${stage}-Domains`, {
    ...domains,
    description: "Fleetkey: the mutual-TLS and the public name of the API",
    env: { ...(account && { account }), ...(region && { region }) },
    api,
    told: { topic: state.topic, alarmActions },
    trustStoresBucketName: state.buckets.trustStores.bucketName,
    trustStoreVersion,
  });
}

function addArtifacts(
  app: App,
  { configuration, state }: EdgeStacksProps,
  artifacts: NonNullable<StageConfiguration["artifacts"]>,
): void {
  const { stage, account } = configuration;
  new ArtifactsStack(app, `Fleetkey-${stage}-Artifacts`, {
    description: "Fleetkey: public artefacts behind CloudFront and AWS WAF",
    env: { ...(account && { account }), region: "us-east-1" },
    artifacts: {
      ...artifacts,
      stage,
      // The bucket has this name whether or not it is distributed: see state-buckets.ts.
      bucketName: state.buckets.artifacts.bucketName,
      bucketRegion: Stack.of(state).region,
    },
  });
}
