/**
 * The contract of the ObjectStore port. Nothing here knows an adapter: run it over each.
 * Every test keeps to keys of its own, so one bucket or directory may serve the whole suite.
 */
import { afterAll, beforeAll, describe } from "vitest";
import type { ObjectStore } from "../../core/ports.ts";
import { conditionContract } from "./object-store/conditions.ts";
import { limitContract } from "./object-store/limits.ts";
import type { ObjectStoreContractOptions } from "./object-store/material.ts";
import { octetContract } from "./object-store/octets.ts";
import { raceContract } from "./object-store/races.ts";
import { removalContract } from "./object-store/removals.ts";

export interface ObjectStoreUnderTest {
  readonly store: ObjectStore;
  readonly close: () => Promise<void>;
}

export function objectStoreContract(
  name: string,
  makeStore: () => Promise<ObjectStoreUnderTest>,
  options: ObjectStoreContractOptions,
): void {
  describe(`ObjectStore contract: ${name}`, () => {
    let underTest: ObjectStoreUnderTest | undefined;
    beforeAll(async () => {
      underTest = await makeStore();
    });
    afterAll(async () => {
      await underTest?.close();
    });
    const store = (): ObjectStore => {
      if (underTest === undefined) throw new Error("the store is open only while its tests run");
      return underTest.store;
    };
    octetContract(store, options);
    conditionContract(store);
    limitContract(store);
    removalContract(store);
    if (options.judgesConditionsAtOnce !== false) raceContract(store);
  });
}
