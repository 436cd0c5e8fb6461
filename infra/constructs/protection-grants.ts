/**
 * Room: infra. The IAM statements of those who work with keys of data. Two functions do: one makes and opens them and
 * can delete none, the other moves and destroys them and makes none.
 */
import type { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { protectionStandard } from "../../core/standard/protection.ts";
import type { Duty } from "./duty.ts";
import type { FleetKeyState } from "./fleetkey-state.ts";
import { subjectKeyPurpose } from "./key-policies.ts";
import { allow } from "./statements.ts";

const fleetOf = "kms:EncryptionContext:fleet";
const purposeOf = "kms:EncryptionContext:purpose";

/** What a key that wraps is asked in the name of its fleet, see `useForFleet`. */
const inNameOf = (fleet: string) => ({ StringEquals: { [fleetOf]: fleet } });

/** The same for what backends protect, and for nothing of the service's own: no subject key, no sealed field. */
export const forBackends = (fleet: string) => ({
  ...inNameOf(fleet),
  StringNotLike: { [purposeOf]: `${protectionStandard.context.reservedPurpose}*` },
});

/** The same for subject keys, and for no data key: see core/records/subject-key-record.ts. */
export const forSubjectKeys = (fleet: string) => ({
  StringEquals: { [fleetOf]: fleet, [purposeOf]: subjectKeyPurpose },
});

/** Partitions of one fleet: see core/records/subject-key-record.ts. */
export const subjectKeyPartitions = (fleet: string): readonly string[] => [
  `SUBJECTKEY#${fleet}#*`,
  `SUBJECTKEYS#${fleet}`,
];

/** ARNs of the keys that wrap for a fleet, the oldest first. */
export const wrappingKeyArns = (state: FleetKeyState, fleet: string): string[] =>
  [...state.keysOf(fleet).protection.values()].map(({ keyArn }) => keyArn);

/** The one table in which anything but a hold is ever deleted, and by the one function that destroys keys. */
export function subjectKeyStatements(
  { protection }: Duty,
  { subjectKeys }: FleetKeyState,
): PolicyStatement[] {
  if (protection.size === 0) return [];
  const resources = [subjectKeys.tableArn];
  const kept = [
    ...["dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
    ...(protection.has("keep") ? ["dynamodb:DeleteItem"] : []),
  ];
  return [allow("SubjectKeys", { actions: kept, resources })];
}

/** Of one fleet; all its keys, so that a deployment that changes the one in force is at no time between two policies. */
function useStatements(
  { protection }: Duty,
  keys: string[],
  fleet: string,
  number: number,
): PolicyStatement[] {
  const resources = keys;
  const wrap = allow(`Wrap${number}`, {
    actions: ["kms:Decrypt", "kms:GenerateDataKey"],
    resources,
    conditions: inNameOf(fleet),
  });
  const rewrap = allow(`Rewrap${number}`, {
    actions: ["kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
    resources,
    conditions: forSubjectKeys(fleet),
  });
  return [...(protection.has("use") ? [wrap] : []), ...(protection.has("keep") ? [rewrap] : [])];
}

/** Of the keys of these fleets that wrap: each in the name of its own fleet, and in no other's. */
export function wrappingStatements(
  duty: Duty,
  state: FleetKeyState,
  fleets: readonly string[],
): PolicyStatement[] {
  const end = allow("EndWrappingKeys", {
    actions: ["kms:DescribeKey", "kms:ScheduleKeyDeletion"],
    resources: fleets.flatMap((fleet) => wrappingKeyArns(state, fleet)),
  });
  return [
    ...fleets.flatMap((fleet, index) => useStatements(duty, wrappingKeyArns(state, fleet), fleet, index + 1)),
    ...(duty.protection.has("keep") ? [end] : []),
  ];
}

/** How often statements of one fleet name a key that wraps. */
export function wrappingMentions({ protection }: Duty, state: FleetKeyState, fleet: string): number {
  const times = (protection.has("use") ? 1 : 0) + (protection.has("keep") ? 2 : 0);
  return times * wrappingKeyArns(state, fleet).length;
}
