/**
 * The contract of the KeyCustody port. Nothing here knows an adapter: run it over each.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeyCustody } from "../../core/ports.ts";
import { codeOf } from "../support/errors.ts";

export interface KeyCustodyUnderTest {
  readonly custody: KeyCustody;
  /** A new signing key: its id. */
  makeKey(): Promise<string>;
  /** An id of the right form that no key has. */
  unknownKey(): Promise<string>;
  /** Signs with it. */
  sign(keyId: string): Promise<unknown>;
  /** Lets days go by, where the adapter's clock can be set. */
  readonly passDays?: (days: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface KeyCustodyContractOptions {
  /** Whether a key that is not enabled is refused. @default true; an emulator may not, which its test names. */
  readonly refusesDisabled?: boolean;
  /** Whether `passDays` is there: a service's clock goes at its own pace. @default false */
  readonly timePasses?: boolean;
  /** Whether a loan of a key that is not there is refused. @default true; an emulator may break, which its test names. */
  readonly missesKeys?: boolean;
  /** Whether one name makes one loan. @default true; as above. */
  readonly oneLoanAName?: boolean;
}

const dayMilliseconds = 86_400_000;
/** An emulator's clock gives whole seconds. */
const slack = 120_000;

type Open = () => KeyCustodyUnderTest;

export function keyCustodyContract(
  name: string,
  make: () => Promise<KeyCustodyUnderTest>,
  options: KeyCustodyContractOptions = {},
): void {
  describe(`KeyCustody contract: ${name}`, () => {
    let opened: KeyCustodyUnderTest | undefined;
    beforeAll(async () => {
      opened = await make();
    });
    afterAll(async () => {
      await opened?.close();
    });
    const open: Open = () => {
      if (opened === undefined) throw new Error("the custody is open only while its tests run");
      return opened;
    };
    deletionContract(open, options);
    loanContract(open, options);
    absenceContract(open, options);
  });
}

function deletionContract(
  open: Open,
  { refusesDisabled = true, timePasses = false }: KeyCustodyContractOptions,
): void {
  it("a new key is enabled and signs", async () => {
    const keyId = await open().makeKey();
    const { createdAt, ...state } = await open().custody.stateOf(keyId);
    expect(state).toEqual({ keyId, condition: "enabled" });
    expect(createdAt).toBeGreaterThan(0);
    await open().sign(keyId);
  });

  it("a deletion is scheduled once: a second schedule keeps its time, and none of two at once fails", async () => {
    const { custody } = open();
    const keyId = await open().makeKey();
    const { createdAt } = await custody.stateOf(keyId);
    const [first, rival] = await Promise.all([
      custody.scheduleDeletion(keyId, 7),
      custody.scheduleDeletion(keyId, 7),
    ]);
    expect(first).toMatchObject({ keyId, condition: "pendingDeletion", createdAt });
    expect(rival.condition).toBe("pendingDeletion");
    const { deletionAt = 0 } = await custody.stateOf(keyId);
    expect(Math.abs((first.deletionAt ?? 0) - deletionAt)).toBeLessThan(slack);
    const again = await custody.scheduleDeletion(keyId, 30);
    expect(again).toMatchObject({ condition: "pendingDeletion", deletionAt });
    expect(await custody.stateOf(keyId)).toEqual(again);
  });

  it.each([7, 30])("a deletion after %i days is that far away", async (days) => {
    const { custody } = open();
    const left = await custody.scheduleDeletion(await open().makeKey(), days);
    const right = await custody.scheduleDeletion(await open().makeKey(), days === 7 ? 8 : 29);
    const difference = Math.abs((left.deletionAt ?? 0) - (right.deletionAt ?? 0));
    expect(Math.abs(difference - dayMilliseconds)).toBeLessThan(slack);
  });

  it.each([0, 6, 31, 7.5, -7, Number.NaN, Number.POSITIVE_INFINITY])(
    "a deletion after %d days is request_invalid, and the key stays",
    async (days) => {
      const keyId = await open().makeKey();
      expect(await codeOf(open().custody.scheduleDeletion(keyId, days))).toBe("request_invalid");
      expect((await open().custody.stateOf(keyId)).condition).toBe("enabled");
    },
  );

  if (refusesDisabled) {
    it("from the schedule on the key signs nothing; cancelled, it signs again", async () => {
      const { custody } = open();
      const keyId = await open().makeKey();
      await open().sign(keyId);
      await custody.scheduleDeletion(keyId, 7);
      expect(["key_disabled", "key_service_unavailable"]).toContain(await codeOf(open().sign(keyId)));
      await custody.cancelDeletion(keyId);
      await open().sign(keyId);
    });
  }

  it("a deletion that is cancelled, twice and by two at once, leaves the key enabled and can be scheduled anew", async () => {
    const { custody } = open();
    const keyId = await open().makeKey();
    await custody.scheduleDeletion(keyId, 7);
    const cancelled = await Promise.all([custody.cancelDeletion(keyId), custody.cancelDeletion(keyId)]);
    for (const state of [...cancelled, await custody.cancelDeletion(keyId), await custody.stateOf(keyId)]) {
      expect(state).toMatchObject({ keyId, condition: "enabled" });
      expect(state).not.toHaveProperty("deletionAt");
    }
    expect((await custody.scheduleDeletion(keyId, 7)).condition).toBe("pendingDeletion");
  });

  if (!timePasses) return;
  it("after its time a key is gone: every call says key_not_found", async () => {
    const { custody, passDays } = open();
    if (passDays === undefined) throw new Error("passDays is missing");
    const keyId = await open().makeKey();
    const other = await open().makeKey();
    await open().sign(keyId);
    await custody.scheduleDeletion(keyId, 7);
    await passDays(6.9);
    expect((await custody.stateOf(keyId)).condition).toBe("pendingDeletion");
    await passDays(0.2);
    expect(await codeOf(custody.cancelDeletion(keyId))).toBe("key_not_found");
    expect(await codeOf(custody.stateOf(keyId))).toBe("key_not_found");
    expect(await codeOf(custody.scheduleDeletion(keyId, 7))).toBe("key_not_found");
    expect(await codeOf(custody.lend(keyId, "late"))).toBe("key_not_found");
    expect(await codeOf(open().sign(keyId))).toBe("key_not_found");
    await open().sign(other);
  });
}

function loanContract(open: Open, options: KeyCustodyContractOptions): void {
  const { refusesDisabled = true, oneLoanAName = true } = options;
  const freshName = () => `ceremony-${randomUUID()}`;

  it("a loan is given back once; giving it back again changes nothing", async () => {
    const keyId = await open().makeKey();
    const { loanId } = await open().custody.lend(keyId, freshName());
    expect(loanId).not.toBe("");
    await open().custody.endLoan(keyId, loanId);
    await open().custody.endLoan(keyId, loanId);
  });

  if (oneLoanAName) {
    it("asked for again under its name, it is one loan", async () => {
      const keyId = await open().makeKey();
      const name = freshName();
      const first = await open().custody.lend(keyId, name);
      const again = await open().custody.lend(keyId, name);
      expect(again.loanId).toBe(first.loanId);
      expect((await open().custody.lend(keyId, freshName())).loanId).not.toBe(first.loanId);
    });
  }

  it.each(["", "Ceremony", "a b", "a/b", "é", "a\n", "x".repeat(129)])(
    "the loan name %j is request_invalid",
    async (name) => {
      const keyId = await open().makeKey();
      expect(await codeOf(open().custody.lend(keyId, name))).toBe("request_invalid");
    },
  );

  if (refusesDisabled) {
    it("a key that is to be destroyed is not lent, and a loan of it still ends", async () => {
      const { custody } = open();
      const keyId = await open().makeKey();
      const { loanId } = await custody.lend(keyId, freshName());
      await custody.scheduleDeletion(keyId, 7);
      expect(await codeOf(custody.lend(keyId, freshName()))).toBe("key_disabled");
      await custody.endLoan(keyId, loanId);
    });
  }
}

function absenceContract(open: Open, { missesKeys = true }: KeyCustodyContractOptions): void {
  it("a key that is not there is key_not_found, and a loan of it has ended", async () => {
    const { custody } = open();
    const keyId = await open().unknownKey();
    expect(await codeOf(custody.stateOf(keyId))).toBe("key_not_found");
    expect(await codeOf(custody.scheduleDeletion(keyId, 7))).toBe("key_not_found");
    expect(await codeOf(custody.cancelDeletion(keyId))).toBe("key_not_found");
    if (!missesKeys) return;
    expect(await codeOf(custody.lend(keyId, "ceremony"))).toBe("key_not_found");
    await custody.endLoan(keyId, "a".repeat(64));
  });

  it.each(["", "missing", "..", "../../etc/passwd", "a/../b:0123456789abcdef", "\0", "x".repeat(5_000)])(
    "the key id %j, which no key can have, is key_not_found for every call",
    async (keyId) => {
      const { custody } = open();
      const calls = [
        custody.stateOf(keyId),
        custody.scheduleDeletion(keyId, 7),
        custody.cancelDeletion(keyId),
        custody.lend(keyId, "ceremony"),
        custody.endLoan(keyId, "ceremony"),
      ];
      expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => "key_not_found"));
    },
  );
}
