/** Room: infra. Names that are fixed, so that what is deployed apart can name the other without a circle between stacks. */
import { ArnFormat, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { DeployedFunctionId } from "../configuration/concurrency.ts";

/** Of what `stage` stands for in names: deployments of one account and region are told apart by it. */
export const aliasPrefix = (stage: string): string => `fleetkey/${stage}`;

/** KMS alias of one authority of a fleet, such as `alias/fleetkey/prod/default-issuing-1`. */
export const authorityAlias = (stage: string, fleet: string, authority: string): string =>
  `alias/${aliasPrefix(stage)}/${fleet}-${authority}`;

/** IAM is global: the region keeps two deployments of one stage apart. At most 59 characters of IAM's 64. */
export const roleNameIn = (region: string, stage: string, of: DeployedFunctionId | "scheduler"): string =>
  `fleetkey-${stage}-${region}-${of}`;

export const roleName = (scope: Construct, stage: string, of: DeployedFunctionId | "scheduler"): string =>
  roleNameIn(Stack.of(scope).region, stage, of);

export const roleArn = (scope: Construct, stage: string, of: DeployedFunctionId): string =>
  Stack.of(scope).formatArn({
    service: "iam",
    region: "",
    resource: "role",
    resourceName: roleName(scope, stage, of),
  });

/**
 * Functions with a name of their own: who is started by those that it starts. CloudFormation makes neither of two that
 * refer to each other; all others are named by it.
 */
export const functionName = (stage: string, of: DeployedFunctionId): string | undefined =>
  of === "rollover" ? `fleetkey-${stage}-${of}` : undefined;

export const logGroupName = (stage: string, of: DeployedFunctionId | "requests"): string =>
  `/fleetkey/${stage}/${of}`;

export const logGroupArn = (scope: Construct, name: string): string =>
  Stack.of(scope).formatArn({
    service: "logs",
    resource: "log-group",
    resourceName: name,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });

/** Every CloudFront distribution of the account: which one reads artefacts is made after the state that admits it. */
export const distributionArns = (scope: Construct): string =>
  Stack.of(scope).formatArn({
    service: "cloudfront",
    region: "",
    resource: "distribution",
    resourceName: "*",
  });

/** Object keys: see core/bootstrap and core/revocation, which write them. */
export const objectKeys = {
  /** Below it is what anyone may read. */
  published: "fleets/",
  /** Trust and revocation lists of one fleet. */
  publishedOf: (fleet: string): string => `fleets/${fleet}/`,
  /** Revocation lists alone. */
  listsOf: (fleet: string): string => `fleets/${fleet}/crl/`,
  trustBundle: (fleet: string): string => `fleets/${fleet}/trust.pem`,
  clientTrust: "mutual-tls/clients.pem",
  ceremonies: (fleet: string): string => `ceremonies/${fleet}/`,
} as const;
