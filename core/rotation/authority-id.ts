/** Room: core/rotation. What the next authority of a fleet is called. */
import type { Fleet } from "../authority/issuer.ts";
import type { RolloverRecord } from "../records/rollover-record.ts";

function numberOf(authorityId: string, kind: RolloverRecord["kind"]): number {
  const digits = authorityId.startsWith(`${kind}-`) ? authorityId.slice(kind.length + 1) : "";
  return /^[1-9]\d{0,8}$/.test(digits) ? Number(digits) : 0;
}

/**
 * `root-2`, `issuing-3`: one more than any that the fleet has or that a rollover was ever to make, those that were taken
 * back too. A name is one key, so it is never given twice.
 */
export function nextAuthorityId(
  fleet: Fleet,
  rollovers: readonly RolloverRecord[],
  kind: RolloverRecord["kind"],
): string {
  const names = [
    ...fleet.authorities.map(({ record }) => record.authorityId),
    ...rollovers.flatMap(({ fromId, toId }) => [fromId, toId]),
  ];
  return `${kind}-${Math.max(0, ...names.map((name) => numberOf(name, kind))) + 1}`;
}
