/**
 * The contract of the DataKeyCustody port. Nothing here knows an adapter: run it over each.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataKeyCustody } from "../../core/ports.ts";
import { codeOf } from "../support/errors.ts";

export interface DataKeysUnderTest {
  readonly dataKeys: DataKeyCustody;
  /** Names of its keys, none of which has rotated, in the order of code points. */
  readonly names: readonly string[];
  readonly close: () => Promise<void>;
}

export interface DataKeysContractOptions {
  /** Whether it rotates keys. @default true; an emulator may not, which its test names. */
  readonly rotates?: boolean;
}

export function dataKeysContract(
  name: string,
  make: () => Promise<DataKeysUnderTest>,
  { rotates = true }: DataKeysContractOptions = {},
): void {
  describe(`DataKeyCustody contract: ${name}`, () => {
    let opened: DataKeysUnderTest | undefined;
    beforeAll(async () => {
      opened = await make();
    });
    afterAll(async () => {
      await opened?.close();
    });
    const open = (): DataKeysUnderTest => {
      if (opened === undefined) throw new Error("the data keys are open only while their tests run");
      return opened;
    };

    it.each(["", "missing", "constructor", "__proto__"])(
      "the unknown name %j is key_not_found",
      async (unknown) => {
        expect(await codeOf(open().dataKeys.rotateNow(unknown))).toBe("key_not_found");
      },
    );

    if (!rotates) return;

    it("keys are listed in the order of their names, enabled, with no rotation behind them", async () => {
      const listed = await open().dataKeys.list();
      expect(listed.map((key) => key.name)).toEqual(open().names);
      for (const { condition, createdAt, onDemandRotations, lastRotationAt } of listed) {
        expect({ condition, onDemandRotations, lastRotationAt }).toEqual({
          condition: "enabled",
          onDemandRotations: 0,
          lastRotationAt: undefined,
        });
        expect(createdAt).toBeGreaterThan(0);
      }
    });

    it("a rotation is counted on its key alone", async () => {
      const [first, ...others] = open().names;
      if (first === undefined) return;
      const before = await open().dataKeys.list();
      const rotated = await open().dataKeys.rotateNow(first);
      expect(rotated).toMatchObject({ name: first, condition: "enabled", onDemandRotations: 1 });
      expect(rotated.onDemandRotations).toBeLessThanOrEqual(rotated.onDemandLimit);
      const after = await open().dataKeys.list();
      expect(after.filter((key) => others.includes(key.name))).toEqual(
        before.filter((key) => others.includes(key.name)),
      );
      expect(after.find((key) => key.name === first)?.onDemandRotations).toBe(1);
    });
  });
}
