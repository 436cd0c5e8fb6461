/**
 * The contract of the WrappingKeys port. Nothing here knows an adapter: run it over each.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EncryptionContext, WrappedKey, WrappingKeys } from "../../core/ports.ts";
import { codeOf } from "../support/errors.ts";

export interface WrappingKeysUnderTest {
  readonly keys: WrappingKeys;
  /** Fleets that have keys; those of `doomed` are destroyed here. */
  readonly fleets: { readonly mine: string; readonly other: string; readonly doomed: string };
  /** Names under which no fleet has keys. */
  readonly unknownFleets: readonly string[];
  /** The same keys once another key is in force for `mine`: the former one still unwraps. */
  readonly rotated: () => Promise<WrappingKeys>;
  readonly close: () => Promise<void>;
}

/** What an emulator may lack, which its test names: all true by default. */
export interface WrappingKeysContractOptions {
  /** Whether what is to be destroyed is refused. */
  readonly refusesDisabled?: boolean;
  /** Whether a changed octet is refused. */
  readonly authenticates?: boolean;
  /** Octets at the start of what is wrapped whose change is refused as something else: 0 by default. */
  readonly namingOctets?: number;
  /** Whether what another key has wrapped is refused as that. */
  readonly comparesKeys?: boolean;
  /** Whether names and values of a context are told apart, wherever one ends and the next begins. */
  readonly partsContexts?: boolean;
  readonly rewraps?: boolean;
}

type Open = () => WrappingKeysUnderTest;

const context: EncryptionContext = { fleet: "fleet-a", purpose: "observations", subject: "subject-1" };
const { fleet: _fleet, ...withoutFleet } = context;

/** None is `context`, and each is like it. */
interface OtherContext {
  readonly name: string;
  readonly other: EncryptionContext;
}

const otherContexts: readonly OtherContext[] = [
  { name: "none", other: {} },
  { name: "a member less", other: withoutFleet },
  { name: "a member more", other: { ...context, record: "record-1" } },
  { name: "another value", other: { ...context, subject: "subject-2" } },
  {
    name: "values that have changed places",
    other: { ...context, purpose: "subject-1", subject: "observations" },
  },
  { name: "a value in other letters", other: { ...context, subject: "SUBJECT-1" } },
];

const wrappedAs = ({ keyId }: WrappedKey, wrapped: Uint8Array): WrappedKey => ({ keyId, wrapped });

export function wrappingKeysContract(
  name: string,
  make: () => Promise<WrappingKeysUnderTest>,
  options: WrappingKeysContractOptions = {},
): void {
  describe(`WrappingKeys contract: ${name}`, () => {
    let opened: WrappingKeysUnderTest | undefined;
    beforeAll(async () => {
      opened = await make();
    });
    afterAll(async () => {
      await opened?.close();
    });
    const open: Open = () => {
      if (opened === undefined) throw new Error("the wrapping keys are open only while their tests run");
      return opened;
    };
    wrappingContract(open);
    contextContract(open, options);
    if (options.authenticates !== false) changeContract(open, options);
    absenceContract(open, options);
    if (options.rewraps !== false) rewrappingContract(open, options);
    deletionContract(open, options);
  });
}

function wrappingContract(open: Open): void {
  it("32 fresh octets come in the clear and wrapped under the key in force, which opens them", async () => {
    const { keys, fleets } = open();
    const made = await Promise.all(Array.from({ length: 10 }, () => keys.generate(fleets.mine, context)));
    const keyId = await keys.keyOf(fleets.mine);
    for (const key of made) {
      expect(key.keyId).toBe(keyId);
      expect(key.plaintext).toHaveLength(32);
      expect(Buffer.from(key.wrapped).includes(key.plaintext)).toBe(false);
      expect(await keys.unwrap(fleets.mine, key, context)).toEqual(key.plaintext);
    }
    expect(new Set(made.map(({ plaintext }) => plaintext.toString("hex"))).size).toBe(made.length);
    expect(new Set(made.map(({ wrapped }) => Buffer.from(wrapped).toString("hex"))).size).toBe(made.length);
  });

  it("fleets have different keys", async () => {
    const { keys, fleets } = open();
    const ids = await Promise.all(Object.values(fleets).map((fleet) => keys.keyOf(fleet)));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("whoever opens a key may overwrite it: the next opening gives it whole", async () => {
    const { keys, fleets } = open();
    const key = await keys.generate(fleets.mine, context);
    (await keys.unwrap(fleets.mine, key, context)).fill(0);
    expect(await keys.unwrap(fleets.mine, key, context)).toEqual(key.plaintext);
  });

  it("the order in which a context's members are written does not matter", async () => {
    const { keys, fleets } = open();
    const key = await keys.generate(fleets.mine, context);
    const reversed = Object.fromEntries(Object.entries(context).reverse());
    expect(await keys.unwrap(fleets.mine, key, reversed)).toEqual(key.plaintext);
  });

  it("a context of eleven members of 128 characters is bound as well", async () => {
    const { keys, fleets } = open();
    const members = Array.from({ length: 8 }, (_, at) => [`member-${at}`, `${at}`.repeat(128)]);
    const long = { ...context, ...Object.fromEntries(members) } as EncryptionContext;
    const key = await keys.generate(fleets.mine, long);
    expect(await keys.unwrap(fleets.mine, key, long)).toEqual(key.plaintext);
    expect(await codeOf(keys.unwrap(fleets.mine, key, context))).toBe("data_unreadable");
  });
}

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no failure",
    (error: Error) => error.message,
  );

function contextContract(
  open: Open,
  { partsContexts = true, rewraps = true }: WrappingKeysContractOptions,
): void {
  const shifted = { name: "a letter moved to the name", other: { ...withoutFleet, fleetf: "leet-a" } };
  const others = partsContexts ? [...otherContexts, shifted] : otherContexts;
  it.each(others)("a context with $name is data_unreadable", async ({ other }) => {
    const { keys, fleets } = open();
    const key = await keys.generate(fleets.mine, context);
    expect(await codeOf(keys.unwrap(fleets.mine, key, other))).toBe("data_unreadable");
    if (rewraps) expect(await codeOf(keys.rewrap(fleets.mine, key, other, context))).toBe("data_unreadable");
  });
}

function changeContract(open: Open, { namingOctets = 0 }: WrappingKeysContractOptions): void {
  it("a bit changed in any octet is data_unreadable, in one message", async () => {
    const { keys, fleets } = open();
    const key = await keys.generate(fleets.mine, context);
    const messages = new Set<string>();
    for (let at = namingOctets; at < key.wrapped.length; at += 1) {
      const wrapped = Buffer.from(key.wrapped);
      wrapped.writeUInt8(wrapped.readUInt8(at) ^ (1 << (at % 8)), at);
      const changed = keys.unwrap(fleets.mine, wrappedAs(key, wrapped), context);
      expect(await codeOf(changed), `octet ${at}`).toBe("data_unreadable");
      messages.add(await messageOf(changed));
    }
    expect([...messages]).toEqual(["the data cannot be read: not of this fleet and context, or changed"]);
  });

  it("what is cut off anywhere, has octets behind it, is empty or too long is data_unreadable", async () => {
    const { keys, fleets } = open();
    const key = await keys.generate(fleets.mine, context);
    const octets = Buffer.from(key.wrapped);
    const whole = octets.length;
    const spoilt = [0, 1, 12, 28, whole - 17, whole - 16, whole - 1].map((end) => octets.subarray(0, end));
    spoilt.push(
      Buffer.concat([octets, Buffer.alloc(1)]),
      Buffer.concat([octets, octets]),
      Buffer.alloc(7_000),
    );
    for (const wrapped of spoilt) {
      const opening = keys.unwrap(fleets.mine, wrappedAs(key, wrapped), context);
      expect(await codeOf(opening), `${wrapped.length} octets`).toBe("data_unreadable");
    }
  });
}

function absenceContract(open: Open, { comparesKeys = true }: WrappingKeysContractOptions): void {
  it("a key of one fleet opens nothing for another, whichever fleet and key are named", async () => {
    const { keys, fleets } = open();
    const key = await keys.generate(fleets.mine, context);
    expect(await codeOf(keys.unwrap(fleets.other, key, context))).toBe("key_not_found");
    expect(await codeOf(keys.rewrap(fleets.other, key, context, context))).toBe("key_not_found");
    const renamed = { ...key, keyId: await keys.keyOf(fleets.other) };
    expect(await codeOf(keys.unwrap(fleets.mine, renamed, context))).toBe("key_not_found");
    if (comparesKeys)
      expect(await codeOf(keys.unwrap(fleets.other, renamed, context))).toBe("data_unreadable");
  });

  it("a fleet that has no keys is key_not_found for every call", async () => {
    const { keys, fleets, unknownFleets } = open();
    const key = await keys.generate(fleets.mine, context);
    for (const fleet of unknownFleets) {
      const calls = [
        keys.keyOf(fleet),
        keys.generate(fleet, context),
        keys.unwrap(fleet, key, context),
        keys.rewrap(fleet, key, context, context),
        keys.scheduleDeletion(fleet, 7),
      ];
      expect(await Promise.all(calls.map(codeOf)), fleet).toEqual(calls.map(() => "key_not_found"));
    }
  });

  it.each(["", "missing", "..", "../../etc/passwd", "local:", "arn:aws:kms", "\0", "x".repeat(5_000)])(
    "the key id %j, which no key of the fleet has, is key_not_found",
    async (keyId) => {
      const { keys, fleets } = open();
      const key = { ...(await keys.generate(fleets.mine, context)), keyId };
      expect(await codeOf(keys.unwrap(fleets.mine, key, context))).toBe("key_not_found");
      expect(await codeOf(keys.rewrap(fleets.mine, key, context, context))).toBe("key_not_found");
    },
  );
}

function rewrappingContract(open: Open, { comparesKeys = true }: WrappingKeysContractOptions): void {
  const moved: EncryptionContext = { ...context, subject: "subject-2" };

  it("a rewrapped key is the same key under another context, and under that alone", async () => {
    const { keys, fleets } = open();
    const { plaintext, ...key } = await keys.generate(fleets.mine, context);
    const again = await keys.rewrap(fleets.mine, key, context, moved);
    expect(again.keyId).toBe(key.keyId);
    expect(await keys.unwrap(fleets.mine, again, moved)).toEqual(plaintext);
    expect(await codeOf(keys.unwrap(fleets.mine, again, context))).toBe("data_unreadable");
    expect(await keys.unwrap(fleets.mine, key, context)).toEqual(plaintext);
  });

  it("rewrapped to the same key and context it is another wrapping of the same key", async () => {
    const { keys, fleets } = open();
    const { plaintext, ...key } = await keys.generate(fleets.mine, context);
    const again = await keys.rewrap(fleets.mine, key, context, context);
    expect(Buffer.from(again.wrapped).equals(key.wrapped)).toBe(false);
    expect(await keys.unwrap(fleets.mine, again, context)).toEqual(plaintext);
  });

  it("once another key is in force, the former one unwraps, wraps no more, and a rewrap leaves it", async () => {
    const { keys: before, fleets, rotated } = open();
    const { plaintext, ...old } = await before.generate(fleets.mine, context);
    const keys = await rotated();
    const inForce = await keys.keyOf(fleets.mine);
    expect(inForce).not.toBe(old.keyId);
    expect((await keys.generate(fleets.mine, context)).keyId).toBe(inForce);
    expect(await keys.unwrap(fleets.mine, old, context)).toEqual(plaintext);
    const again = await keys.rewrap(fleets.mine, old, context, moved);
    expect(again.keyId).toBe(inForce);
    expect(await keys.unwrap(fleets.mine, again, moved)).toEqual(plaintext);
    if (!comparesKeys) return;
    const swapped = [
      keys.unwrap(fleets.mine, { ...old, keyId: inForce }, context),
      keys.unwrap(fleets.mine, { ...again, keyId: old.keyId }, moved),
      keys.rewrap(fleets.mine, { ...old, keyId: inForce }, context, moved),
    ];
    expect(await Promise.all(swapped.map(codeOf))).toEqual(swapped.map(() => "data_unreadable"));
  });
}

function deletionContract(
  open: Open,
  { refusesDisabled = true, rewraps = true }: WrappingKeysContractOptions,
): void {
  it.each([0, 6, 31, 7.5, -7, Number.NaN, Number.POSITIVE_INFINITY])(
    "a deletion after %d days is request_invalid, and the keys stay",
    async (days) => {
      const { keys, fleets } = open();
      expect(await codeOf(keys.scheduleDeletion(fleets.doomed, days))).toBe("request_invalid");
      const key = await keys.generate(fleets.doomed, context);
      expect(await keys.unwrap(fleets.doomed, key, context)).toEqual(key.plaintext);
    },
  );

  it("from the deletion on nobody uses the fleet's keys: repeated, and by two at once, it is one", async () => {
    const { keys, fleets } = open();
    const key = await keys.generate(fleets.doomed, context);
    const foreign = await keys.generate(fleets.other, context);
    const [first, rival] = await Promise.all([
      keys.scheduleDeletion(fleets.doomed, 7),
      keys.scheduleDeletion(fleets.doomed, 7),
    ]);
    // An emulator's clock gives whole seconds.
    expect(Math.abs(rival.deletionAt - first.deletionAt)).toBeLessThan(60_000);
    const settled = await keys.scheduleDeletion(fleets.doomed, 30);
    expect(Math.abs(settled.deletionAt - first.deletionAt)).toBeLessThan(60_000);
    expect(await keys.scheduleDeletion(fleets.doomed, 30)).toEqual(settled);
    expect(await keys.unwrap(fleets.other, foreign, context)).toEqual(foreign.plaintext);
    if (!refusesDisabled) return;
    const calls = [
      keys.generate(fleets.doomed, context),
      keys.unwrap(fleets.doomed, key, context),
      ...(rewraps ? [keys.rewrap(fleets.doomed, key, context, context)] : []),
    ];
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => "key_disabled"));
  });
}
