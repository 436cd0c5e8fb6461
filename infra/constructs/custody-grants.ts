/**
 * Room: infra. The IAM statements of those who look after keys and certificates, and use none: who lends a root cannot
 * sign with it, who schedules a deletion cannot make a key, who hands out a server's certificate cannot read one back.
 */
import { Stack } from "aws-cdk-lib";
import type { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { Construct } from "constructs";
import { rotationStandard } from "../../core/standard/rotation.ts";
import { signingKeyKinds } from "../configuration/key-generations.ts";
import { roleArn } from "./deployment-names.ts";
import type { Duty } from "./duty.ts";
import type { FleetKeyState } from "./fleetkey-state.ts";
import { allow, keyArns } from "./statements.ts";

/** Of the keys of these fleets that sign: how they are, their end, and for roots their loan. */
export function custodyStatements(
  scope: Construct,
  { keepsKeys }: Duty,
  state: FleetKeyState,
  fleets: readonly string[],
): PolicyStatement[] {
  if (!keepsKeys) return [];
  const keys = keyArns(state, fleets, signingKeyKinds);
  const roots = keyArns(state, fleets, ["root"]);
  return [
    allow("KeepKeys", {
      actions: ["kms:CancelKeyDeletion", "kms:DescribeKey", "kms:EnableKey", "kms:ScheduleKeyDeletion"],
      resources: keys,
      // A deletion can be taken back as long as KMS offers at most, and comes never sooner; KMS takes thirty days where
      // nobody says. One statement names each key once: IAM gives a role ten policies.
      conditions: {
        NumericGreaterThanEqualsIfExists: {
          "kms:ScheduleKeyDeletionPendingWindowInDays": rotationStandard.deletionDays,
        },
      },
    }),
    allow("LendRoots", {
      actions: ["kms:CreateGrant"],
      resources: roots,
      conditions: {
        StringEquals: { "kms:GranteePrincipal": roleArn(scope, state.stage, "ceremony") },
        "ForAllValues:StringEquals": { "kms:GrantOperations": ["Sign"] },
      },
    }),
    allow("TakeRootsBack", { actions: ["kms:RevokeGrant"], resources: roots }),
  ];
}

/** Of keys that encrypt: how they rotate, and that they do. */
export function dataKeyStatements(
  { keepsDataKeys }: Duty,
  keys: readonly IKey[],
  sid: string,
): PolicyStatement[] {
  if (!keepsDataKeys) return [];
  return [
    allow(sid, {
      actions: [
        "kms:DescribeKey",
        "kms:GetKeyRotationStatus",
        "kms:ListKeyRotations",
        "kms:RotateKeyOnDemand",
      ],
      resources: keys.map(({ keyArn }) => keyArn),
    }),
  ];
}

/** ACM names what it is given: certificates are ours by the tag that they were imported with, and by nothing else. */
export function certificateStatements(
  scope: Construct,
  { keepsCertificates }: Duty,
  { stage }: FleetKeyState,
): PolicyStatement[] {
  if (!keepsCertificates) return [];
  const certificates = Stack.of(scope).formatArn({
    service: "acm",
    resource: "certificate",
    resourceName: "*",
  });
  const resources = [certificates];
  const tag = "fleetkey:stage";
  const ours = { StringEquals: { [`aws:ResourceTag/${tag}`]: stage } };
  const tagged = { StringEquals: { [`aws:RequestTag/${tag}`]: stage } };
  return [
    // ACM user guide: an import in the place of another takes no tags; a new one is tagged by the very call.
    allow("ImportCertificates", {
      actions: ["acm:AddTagsToCertificate", "acm:ImportCertificate"],
      resources,
      conditions: tagged,
    }),
    allow("KeepCertificates", {
      actions: ["acm:DeleteCertificate", "acm:ImportCertificate"],
      resources,
      conditions: ours,
    }),
    // One that somebody deleted has no tag any more: on that condition its absence would be told as a refusal.
    allow("LookAtCertificates", { actions: ["acm:DescribeCertificate"], resources }),
  ];
}
