/**
 * Room: adapters/local. The wrapping keys of the embedded default as things that rotate: by themselves after a year,
 * and on demand as often as KMS would, so that what is planned here holds there.
 */
import { AppError, isAppError } from "../../core/errors.ts";
import type { DataKeyCustody, DataKeyState } from "../../core/ports.ts";
import {
  endOfGeneration,
  generationDays,
  type WrappingGenerations,
} from "./keystore/wrapping-generations.ts";
import { fleetOfWrappingKey, wrappingKeyName } from "./keystore/wrapping-key-name.ts";
import type { OpenGeneration } from "./keystore/wrapping-key-record.ts";
import type { SoftwareWrappingKeys } from "./software-wrapping-keys.ts";

/** That of KMS. */
const onDemandLimit = 25;

const askedFor = (all: readonly OpenGeneration[]): number =>
  all.filter(({ cause }) => cause === "onDemand").length;

function unknownKey(name: string): AppError {
  const message = `no data key has the name of ${name.length} characters that was given; see the list of data keys`;
  return new AppError("key_not_found", message);
}

function assertNotExhausted(all: readonly OpenGeneration[]): void {
  if (askedFor(all) < onDemandLimit) return;
  throw new AppError(
    "key_rotation_exhausted",
    `the key was rotated on demand ${askedFor(all)} times, limit ${onDemandLimit}; it rotates by itself every ${generationDays} days`,
  );
}

async function stateOf(generations: WrappingGenerations, fleet: string): Promise<DataKeyState> {
  // What is due rotates now, though nobody may be wrapping anything: its age is true then.
  const newest = await generations.current(fleet);
  const all = await generations.all(fleet);
  return {
    keyId: newest.keyId,
    name: wrappingKeyName(fleet),
    condition: "enabled",
    createdAt: (all[0] ?? newest).createdAt,
    rotationDays: generationDays,
    ...(newest.cause === "first" ? {} : { lastRotationAt: newest.createdAt }),
    nextRotationAt: endOfGeneration(newest),
    onDemandRotations: askedFor(all),
    onDemandLimit,
  };
}

/** One that does not open is told of beside the others. */
async function stateIfOpen(
  generations: WrappingGenerations,
  fleet: string,
): Promise<readonly DataKeyState[]> {
  try {
    return [await stateOf(generations, fleet)];
  } catch (error) {
    // Destroyed while it was looked at.
    if (isAppError(error, "key_disabled")) return [];
    if (!isAppError(error, "key_store_locked") && !isAppError(error, "key_not_found")) throw error;
    const name = wrappingKeyName(fleet);
    const gone = { condition: "unavailable", createdAt: 0, onDemandRotations: 0, onDemandLimit } as const;
    return [{ keyId: `local:${name}`, name, ...gone }];
  }
}

/**
 * As the port promises. A fleet's key is there from its first use on; one that was destroyed because that was decided is
 * not listed any more. Without `keys` there are none.
 */
export function localDataKeys(keys?: Pick<SoftwareWrappingKeys, "generations">): DataKeyCustody {
  const generations = keys?.generations;
  return {
    async list() {
      if (generations === undefined) return [];
      const states: DataKeyState[] = [];
      for (const fleet of await generations.fleets()) states.push(...(await stateIfOpen(generations, fleet)));
      return states.sort((left, right) => (left.name < right.name ? -1 : 1));
    },
    async rotateNow(name) {
      const fleet = fleetOfWrappingKey(name);
      if (fleet === undefined || generations === undefined) throw unknownKey(name);
      await generations.rotate(fleet, assertNotExhausted);
      return await stateOf(generations, fleet);
    },
  };
}
