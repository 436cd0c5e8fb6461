/**
 * Room: infra. What others import: `new FleetKey(this, "Pki")` is the whole service in a stack of theirs. The rest is
 * for those who keep state in a stack of its own, or put names, alarms and a distribution around it.
 */
export type { PipelineOperation } from "../core/standard/access.ts";
export type { DeployedFunctionId, ReservedConcurrency } from "./configuration/concurrency.ts";
export type { AuthorityAlgorithm, FleetConfiguration } from "./configuration/fleets.ts";
export type { Generations, KeyGenerations } from "./configuration/key-generations.ts";
export { ArtifactDistribution, type ArtifactDistributionProps } from "./constructs/artifact-distribution.ts";
export { type ClientDomain, ClientDomains, type ClientDomainsProps } from "./constructs/client-domains.ts";
export { DutyFunction } from "./constructs/duty-function.ts";
export { FleetKey, type FleetKeyProps } from "./constructs/fleetkey.ts";
export { FleetKeyState, type FleetKeyStateProps, type FleetKeys } from "./constructs/fleetkey-state.ts";
export type { Throttling } from "./constructs/http-api.ts";
export { Observability, type ObservabilityProps } from "./constructs/observability.ts";
export type { StateBuckets } from "./constructs/state-buckets.ts";
export type { ProtectionConfiguration, RecordRetention } from "./stage-configuration.ts";
