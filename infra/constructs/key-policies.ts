/**
 * Room: infra. Policies of KMS keys. None gives an account `kms:*`: who administers a key cannot use it, and who
 * uses it does so through the one service, or as the one role, that it is for.
 */
import { Aws, Stack } from "aws-cdk-lib";
import {
  AccountRootPrincipal,
  AnyPrincipal,
  Effect,
  PolicyStatement,
  ServicePrincipal,
} from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { distributionArns } from "./deployment-names.ts";

/** A key's policy speaks of that key alone, which KMS writes as `*`. */
const thisKey = ["*"];

const administrativeActions = [
  "kms:CancelKeyDeletion",
  "kms:CreateAlias",
  "kms:DeleteAlias",
  "kms:DescribeKey",
  "kms:DisableKey",
  "kms:EnableKey",
  "kms:GetKeyPolicy",
  // CloudFormation asks it of signing keys too.
  "kms:GetKeyRotationStatus",
  "kms:ListGrants",
  "kms:ListKeyPolicies",
  "kms:ListResourceTags",
  // KMS refuses a policy after which the deployer could not write the next one.
  "kms:PutKeyPolicy",
  "kms:RetireGrant",
  "kms:RevokeGrant",
  "kms:ScheduleKeyDeletion",
  "kms:TagResource",
  "kms:UntagResource",
  "kms:UpdateAlias",
  "kms:UpdateKeyDescription",
];
const rotationActions = [
  "kms:DisableKeyRotation",
  "kms:EnableKeyRotation",
  "kms:ListKeyRotations",
  "kms:RotateKeyOnDemand",
];
const encryptionActions = [
  "kms:Decrypt",
  "kms:DescribeKey",
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:GenerateDataKeyWithoutPlaintext",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
];

/** Whom the account's own IAM policies let, may administer a key: no use of it, and no grant that lends its use. */
export function administration(of: "symmetric" | "signing"): PolicyStatement {
  return new PolicyStatement({
    sid: "Administration",
    principals: [new AccountRootPrincipal()],
    actions: [...administrativeActions, ...(of === "symmetric" ? rotationActions : ["kms:GetPublicKey"])],
    resources: thisKey,
  });
}

/** Endpoint of a service, as `kms:ViaService` names it. */
export const endpoint = (scope: Construct, service: string): string =>
  `${service}.${Stack.of(scope).region}.${Stack.of(scope).urlSuffix}`;

/** Callers of the account whom IAM lets, through those services only; the services may borrow the key for themselves. */
export function useThroughServices(scope: Construct, services: readonly string[]): PolicyStatement[] {
  const through = {
    "kms:ViaService": services.map((service) => endpoint(scope, service)),
    "kms:CallerAccount": Aws.ACCOUNT_ID,
  };
  const principals = [new AccountRootPrincipal()];
  return [
    new PolicyStatement({
      sid: "UseThroughServices",
      principals,
      actions: encryptionActions,
      resources: thisKey,
      conditions: { StringEquals: through },
    }),
    new PolicyStatement({
      sid: "GrantsOfServices",
      principals,
      actions: ["kms:CreateGrant"],
      resources: thisKey,
      conditions: { StringEquals: through, Bool: { "kms:GrantIsForAWSResource": "true" } },
    }),
  ];
}

/** CloudWatch Logs, for the log groups with that name or prefix (`…*`). */
export function useByLogs(scope: Construct, logGroupArns: string): PolicyStatement {
  return new PolicyStatement({
    sid: "LogGroups",
    principals: [new ServicePrincipal(endpoint(scope, "logs"))],
    actions: encryptionActions,
    resources: thisKey,
    conditions: { ArnLike: { "kms:EncryptionContext:aws:logs:arn": logGroupArns } },
  });
}

const publishing = ["kms:Decrypt", "kms:GenerateDataKey"];

/** What alarms of this account send to an encrypted topic. */
export function useByAlarms(): PolicyStatement {
  return new PolicyStatement({
    sid: "Alarms",
    principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
    actions: publishing,
    resources: thisKey,
    conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
  });
}

/**
 * What rules send to an encrypted topic. SNS developer guide, "Key management": aws:SourceAccount and aws:SourceArn in a
 * key's policy are not supported for EventBridge; with them no notice would ever arrive.
 */
export function useByRules(): PolicyStatement {
  return new PolicyStatement({
    sid: "Rules",
    principals: [new ServicePrincipal("events.amazonaws.com")],
    actions: publishing,
    resources: thisKey,
  });
}

/** Distributions of this account read what their origin buckets let them read. */
export function useByDistributions(scope: Construct): PolicyStatement {
  return new PolicyStatement({
    sid: "Distributions",
    principals: [new ServicePrincipal("cloudfront.amazonaws.com")],
    actions: ["kms:Decrypt"],
    resources: thisKey,
    // The ARN names the account.
    conditions: { ArnLike: { "aws:SourceArn": distributionArns(scope) } },
  });
}

/** Callers whom IAM lets, when they say for which fleet. */
export function useForFleet(fleet: string): PolicyStatement {
  return new PolicyStatement({
    sid: "UseForFleet",
    principals: [new AccountRootPrincipal()],
    actions: ["kms:Decrypt", "kms:GenerateDataKey"],
    resources: thisKey,
    conditions: { StringEquals: { "kms:EncryptionContext:fleet": fleet } },
  });
}

/** Stands in the context of subject keys: see core/records/subject-key-record.ts. */
export const subjectKeyPurpose = "fleetkey-subject-key";

/** This role moves subject keys from one key of the fleet to another, and no data key. */
export function rewrapForFleet(fleet: string, roleArn: string): PolicyStatement {
  return new PolicyStatement({
    sid: "RewrapForFleet",
    principals: [new AccountRootPrincipal()],
    actions: ["kms:ReEncryptFrom", "kms:ReEncryptTo"],
    resources: thisKey,
    conditions: {
      StringEquals: {
        "kms:EncryptionContext:fleet": fleet,
        "kms:EncryptionContext:purpose": subjectKeyPurpose,
        "aws:PrincipalArn": roleArn,
      },
    },
  });
}

/** What only these roles may do with a key, whatever else allows it. */
function nobodyElseSigns(roleArns: readonly string[]): PolicyStatement {
  return new PolicyStatement({
    sid: "NobodyElseSigns",
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ["kms:Sign"],
    resources: thisKey,
    conditions: { StringNotEquals: { "aws:PrincipalArn": roleArns } },
  });
}

function useBy(roleArns: readonly string[], actions: readonly string[]): PolicyStatement {
  return new PolicyStatement({
    sid: "Signers",
    principals: [new AccountRootPrincipal()],
    actions: [...actions],
    resources: thisKey,
    conditions: { StringEquals: { "aws:PrincipalArn": roleArns } },
  });
}

/** Signing by exactly these roles, and refused to all others, whatever else allows it. */
export function signingBy(roleArns: readonly string[]): PolicyStatement[] {
  return [useBy(roleArns, ["kms:GetPublicKey", "kms:Sign"]), nobodyElseSigns(roleArns)];
}

export interface Loan {
  /** ARN of the role that may borrow the key. */
  readonly to: string;
  /** ARN of the role that lends it; or callers whom IAM lets, with a second factor or without. */
  readonly by: string | "secondFactor" | "anybody";
}

export interface LoanPolicy {
  /** ARNs of the roles that sign while they have borrowed the key. */
  readonly signers: readonly string[];
  readonly loans: readonly Loan[];
}

function lending({ to, by }: Loan, index: number): PolicyStatement {
  const lender = by === "secondFactor" || by === "anybody" ? {} : { "aws:PrincipalArn": by };
  return new PolicyStatement({
    sid: `Loan${index + 1}`,
    principals: [new AccountRootPrincipal()],
    actions: ["kms:CreateGrant"],
    resources: thisKey,
    conditions: {
      StringEquals: { "kms:GranteePrincipal": to, ...lender },
      // Every grant names its operations, so that this is never vacuous.
      "ForAllValues:StringEquals": { "kms:GrantOperations": ["Sign"] },
      // Absent from a call with an access key of its own, which then is refused.
      ...(by === "secondFactor" && { Bool: { "aws:MultiFactorAuthPresent": "true" } }),
    },
  });
}

/**
 * Signing by nobody, until the key is lent: a grant alone lets these roles sign, and the key can be lent to no others,
 * nor for anything else. Who may administer it may take it back.
 */
export function signingOnLoan({ signers, loans }: LoanPolicy): PolicyStatement[] {
  return [
    useBy(signers, ["kms:GetPublicKey"]),
    nobodyElseSigns(signers),
    ...loans.map(lending),
    new PolicyStatement({
      sid: "NobodyElseBorrows",
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ["kms:CreateGrant"],
      resources: thisKey,
      conditions: { StringNotEquals: { "kms:GranteePrincipal": loans.map(({ to }) => to) } },
    }),
  ];
}
