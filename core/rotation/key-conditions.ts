/**
 * Room: core/rotation. How the key services have a fleet's keys: the task looks once an hour, and at once at a key that
 * it has not seen; others read what it wrote down.
 */
import type { Fleet } from "../authority/issuer.ts";
import { clockSkewMilliseconds } from "../clock-skew.ts";
import { isAppError } from "../errors.ts";
import { allFleets } from "../fleets/directory.ts";
import type { DataKeyState, KeylessApp, RotationApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import {
  type KeyConditionsRecord,
  keyConditionsItem,
  keyConditionsKey,
  keyConditionsRecord,
  type SigningKeyCondition,
} from "../records/key-conditions-record.ts";
import type { HeldKey } from "./key-ring.ts";

/** Every look costs a request a key. */
const youngMilliseconds = 3_600_000;

/** What was written down last; undefined while nobody has looked. One read. */
export async function findKeyConditions(
  app: KeylessApp,
  fleet: string,
): Promise<Stored<KeyConditionsRecord> | undefined> {
  const item = await app.items.get(keyConditionsKey(fleet));
  return item === undefined ? undefined : keyConditionsRecord(item);
}

/** Keys that a key service has: those of authorities whatever has become of them, of others while they are used. */
const watched = (keys: readonly HeldKey[]): readonly string[] => [
  ...new Set(
    keys
      .filter(({ kind, use, custody }) => {
        const isAuthority = kind === "root" || kind === "issuing";
        return custody === "service" && (isAuthority || use !== "out");
      })
      .flatMap(({ keyId }) => (keyId === undefined ? [] : [keyId])),
  ),
];

function isFresh({ value }: Stored<KeyConditionsRecord>, keyIds: readonly string[], now: number): boolean {
  const seen = new Set(value.keys.map(({ keyId }) => keyId));
  const age = now - value.asOf;
  return keyIds.every((keyId) => seen.has(keyId)) && age < youngMilliseconds && age > -clockSkewMilliseconds;
}

async function conditionOf(app: RotationApp, keyId: string): Promise<SigningKeyCondition> {
  try {
    const { condition, deletionAt } = await app.custody.stateOf(keyId);
    return { keyId, condition, ...(deletionAt === undefined ? {} : { deletionAt }) };
  } catch (error) {
    if (isAppError(error, "key_not_found")) return { keyId, condition: "destroyed" };
    throw error;
  }
}

/** Those that are named after the fleet, and those that are named after none. */
function dataKeysOf(
  fleet: string,
  fleets: readonly string[],
  all: readonly DataKeyState[],
): readonly DataKeyState[] {
  // Of `ward-north-protection` the owner is `ward-north`, though there is a `ward` too.
  const ownerOf = ({ name }: DataKeyState): string | undefined =>
    fleets.filter((each) => name.startsWith(`${each}-`)).toSorted((a, b) => b.length - a.length)[0];
  return all.filter((key) => [undefined, fleet].includes(ownerOf(key)));
}

/**
 * Looks, where that is due, and writes down what it sees.
 * @param listDataKeys Those of the deployment, however many fleets ask.
 * @returns What is known now. @throws AppError key_service_unavailable (what was known stays), store_unavailable.
 */
export async function inspectKeys(
  app: RotationApp,
  { record: { fleet } }: Fleet,
  keys: readonly HeldKey[],
  listDataKeys: () => Promise<readonly DataKeyState[]>,
): Promise<KeyConditionsRecord> {
  const stored = await findKeyConditions(app, fleet);
  const keyIds = watched(keys);
  const now = app.clock.now();
  if (stored !== undefined && isFresh(stored, keyIds, now)) return stored.value;
  const [fleets, dataKeys] = await Promise.all([allFleets(app), listDataKeys()]);
  const conditions: KeyConditionsRecord = {
    fleet,
    asOf: now,
    keys: await Promise.all(keyIds.map((keyId) => conditionOf(app, keyId))),
    dataKeys: dataKeysOf(fleet, fleets, dataKeys),
  };
  try {
    await app.items.transact([{ put: keyConditionsItem(conditions), when: stored?.version ?? "absent" }]);
  } catch (error) {
    // Another run has looked meanwhile.
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
  return conditions;
}
