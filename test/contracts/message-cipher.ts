/**
 * The contract of the MessageCipher port. Nothing here knows an adapter: run it over each.
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAppError } from "../../core/errors.ts";
import type { EncryptionContext, MessageCipher, Wrapping } from "../../core/ports.ts";
import { protectionStandard } from "../../core/standard/protection.ts";

export interface MessageCipherUnderTest {
  readonly cipher: MessageCipher;
  /** Two fleets that have keys. */
  readonly fleet: string;
  readonly otherFleet: string;
  readonly close?: () => Promise<void>;
}

export interface MessageCipherContractOptions {
  /** Whether every bit of a message is tried, and not every ninth. @default true; a service answers slower. */
  readonly everyBit?: boolean;
}

/** Thousands of attempts take their time on a busy machine. */
const patience = 120_000;

type Open = () => MessageCipherUnderTest & { readonly context: EncryptionContext };

export const unreadableMessage = "the data cannot be read: not of this fleet and context, or changed";

/** What an attempt to open ended with: the one failure, or, never, an answer. */
export async function openingOf(attempt: Promise<unknown>): Promise<unknown> {
  try {
    return { opened: await attempt };
  } catch (failure) {
    if (!isAppError(failure, "data_unreadable")) return failure;
    if (failure.message !== unreadableMessage || failure.cause !== undefined) return failure;
    return "unreadable";
  }
}

export const subjectKey = (fleet: string, name = `subject-key:${fleet}:s-1:1`): Wrapping => ({
  kind: "subject",
  keyName: name,
  key: randomBytes(32),
});

/** Both ways in which a data key of `fleet` may be wrapped. */
const wrappingsOf = (fleet: string): readonly Wrapping[] => [{ kind: "fleet", fleet }, subjectKey(fleet)];

export function messageCipherContract(
  name: string,
  make: () => Promise<MessageCipherUnderTest>,
  { everyBit = true }: MessageCipherContractOptions = {},
): void {
  describe(`MessageCipher contract: ${name}`, () => {
    let opened: MessageCipherUnderTest | undefined;
    beforeAll(async () => {
      opened = await make();
    });
    afterAll(async () => {
      await opened?.close?.();
    });
    const open: Open = () => {
      if (opened === undefined) throw new Error("the cipher is open only while its tests run");
      return {
        ...opened,
        context: { fleet: opened.fleet, purpose: "observations", subject: "s-1", record: "r-9" },
      };
    };
    messageContract(open);
    contextContract(open);
    keyContract(open);
    dataKeyContract(open);
    changeContract(open, everyBit);
  });
}

function messageContract(open: Open): void {
  const { frameBytes } = protectionStandard.message;

  it.each([0, 1, frameBytes - 1, frameBytes, frameBytes + 1, 2 * frameBytes + 77])(
    "%d octets come back under both wrappings",
    async (length) => {
      const { cipher, fleet, context } = open();
      const plaintext = randomBytes(length);
      for (const wrapping of wrappingsOf(fleet)) {
        const message = await cipher.encrypt(wrapping, plaintext, context);
        expect((await cipher.decrypt(wrapping, message, context)).equals(plaintext)).toBe(true);
      }
    },
  );

  it("message format reference: version 2, suite 0x0478, the context in the clear, one wrapped data key", async () => {
    const { cipher, fleet, context } = open();
    for (const wrapping of wrappingsOf(fleet)) {
      const message = await cipher.encrypt(wrapping, Buffer.from("secret"), context);
      expect(message.subarray(0, 3).toString("hex")).toBe("020478");
      const dataKeys = 3 + 32 + 2 + message.readUInt16BE(3 + 32);
      expect(message.readUInt16BE(dataKeys)).toBe(1);
      const named = cipher.headerOf(message);
      expect(named.context).toEqual(context);
      expect(named.wrapping).toMatchObject(
        wrapping.kind === "subject"
          ? { kind: "subject", keyName: wrapping.keyName }
          : { kind: "fleet", keyId: expect.any(String) },
      );
    }
  });

  it("the same plaintext twice makes messages of their own", async () => {
    const { cipher, fleet, context } = open();
    const wrapping = subjectKey(fleet);
    const encrypt = () => cipher.encrypt(wrapping, Buffer.from("secret"), context);
    const [left, right] = [await encrypt(), await encrypt()];
    expect(left.subarray(3, 35).equals(right.subarray(3, 35))).toBe(false);
    expect(left.subarray(-22, -16).equals(right.subarray(-22, -16))).toBe(false);
  });

  it("what it is handed stays as it is, and may lie inside something larger", async () => {
    const { cipher, fleet, context } = open();
    const around = randomBytes(100);
    const key = around.subarray(3, 35);
    const wrapping = { kind: "subject", keyName: `subject-key:${fleet}:s-1:1`, key } as const;
    const plaintext = around.subarray(40, 77);
    const before = Buffer.from(around);
    const message = await cipher.encrypt(wrapping, plaintext, context);
    const inside = new Uint8Array(message.length + 20);
    inside.set(message, 9);
    const opened = await cipher.decrypt(wrapping, inside.subarray(9, 9 + message.length), context);
    expect(opened.equals(plaintext)).toBe(true);
    expect(around.equals(before)).toBe(true);
  });

  it("20 at once do not hinder each other", async () => {
    const { cipher, fleet, context } = open();
    const trips = Array.from({ length: 20 }, async (_, index) => {
      const wrapping = wrappingsOf(fleet)[index % 2]!;
      const mine = { ...context, record: `r-${index}` };
      const message = await cipher.encrypt(wrapping, Buffer.from(`secret ${index}`), mine);
      return (await cipher.decrypt(wrapping, message, mine)).toString();
    });
    expect(await Promise.all(trips)).toEqual(trips.map((_, index) => `secret ${index}`));
  });
}

/** Every context that is not `context`. */
function otherContexts(context: EncryptionContext): readonly EncryptionContext[] {
  const { record, ...without } = context;
  const { purpose, subject } = context as { purpose: string; subject: string };
  return [
    without,
    {},
    { ...context, more: "1" },
    { ...without, Record: record ?? "" },
    { ...context, subject: "s-2" },
    { ...context, fleet: "another" },
    { ...context, purpose: subject, subject: purpose },
    { ...context, "aws-crypto-public-key": "AA==" },
    JSON.parse(
      `{"__proto__":"r-9","fleet":"${context["fleet"]}","purpose":"${purpose}","subject":"${subject}"}`,
    ),
  ];
}

function contextContract(open: Open): void {
  it("a message and a data key open under exactly their context", async () => {
    const { cipher, fleet, context } = open();
    for (const wrapping of wrappingsOf(fleet)) {
      const message = await cipher.encrypt(wrapping, Buffer.from("secret"), context);
      const { wrapped } = await cipher.createDataKey(wrapping, context);
      for (const other of otherContexts(context)) {
        expect(await openingOf(cipher.decrypt(wrapping, message, other))).toBe("unreadable");
        expect(await openingOf(cipher.unwrapDataKey(wrapping, wrapped, other))).toBe("unreadable");
      }
    }
  });

  it("the order of a context's members means nothing", async () => {
    const { cipher, fleet, context } = open();
    const turned = Object.fromEntries(Object.entries(context).reverse());
    for (const wrapping of wrappingsOf(fleet)) {
      const message = await cipher.encrypt(wrapping, Buffer.from("secret"), context);
      expect((await cipher.decrypt(wrapping, message, turned)).toString()).toBe("secret");
      const { wrapped, plaintext } = await cipher.createDataKey(wrapping, context);
      expect((await cipher.unwrapDataKey(wrapping, wrapped, turned)).equals(plaintext)).toBe(true);
    }
  });
}

function keyContract(open: Open): void {
  it("only the very key opens: not another of its name, one whose name begins alike, the fleet's, another fleet's", async () => {
    const { cipher, fleet, otherFleet, context } = open();
    const name = `subject-key:${fleet}:s-1:1`;
    const key = randomBytes(32);
    const wrappings: readonly Wrapping[] = [
      { kind: "subject", keyName: name, key },
      { kind: "subject", keyName: name, key: randomBytes(32) },
      { kind: "subject", keyName: `${name}1`, key },
      { kind: "subject", keyName: name.slice(0, -1), key },
      { kind: "fleet", fleet },
      { kind: "fleet", fleet: otherFleet },
    ];
    for (const made of wrappings) {
      const message = await cipher.encrypt(made, Buffer.from("secret"), context);
      const { wrapped } = await cipher.createDataKey(made, context);
      for (const other of wrappings.filter((wrapping) => wrapping !== made)) {
        expect(await openingOf(cipher.decrypt(other, message, context))).toBe("unreadable");
        expect(await openingOf(cipher.unwrapDataKey(other, wrapped, context))).toBe("unreadable");
      }
    }
  });
}

function dataKeyContract(open: Open): void {
  it("a data key has 32 fresh octets, and what is wrapped names its wrapping", async () => {
    const { cipher, fleet, context } = open();
    for (const wrapping of wrappingsOf(fleet)) {
      const left = await cipher.createDataKey(wrapping, context);
      const right = await cipher.createDataKey(wrapping, context);
      expect(left.plaintext).toHaveLength(32);
      expect(left.plaintext.equals(right.plaintext)).toBe(false);
      expect(left.plaintext.equals(Buffer.alloc(32))).toBe(false);
      expect(cipher.wrappingOf(left.wrapped).kind).toBe(wrapping.kind);
      const opened = await cipher.unwrapDataKey(wrapping, left.wrapped, context);
      expect(opened.equals(left.plaintext)).toBe(true);
    }
  });

  it("what another provider has wrapped is foreign, and unreadable", async () => {
    const { cipher, fleet, context } = open();
    const foreign = [
      { providerId: "someone" },
      { providerId: "" },
      { providerInfo: Buffer.alloc(0) },
      { providerInfo: randomBytes(40) },
      { encryptedDataKey: Buffer.alloc(0) },
    ];
    for (const wrapping of wrappingsOf(fleet)) {
      const { wrapped } = await cipher.createDataKey(wrapping, context);
      for (const change of foreign) {
        const changed = { ...wrapped, ...change };
        expect(await openingOf(cipher.unwrapDataKey(wrapping, changed, context))).toBe("unreadable");
        if (!("encryptedDataKey" in change)) expect(cipher.wrappingOf(changed)).toEqual({ kind: "foreign" });
      }
    }
  });

  it("every changed bit of a wrapped data key makes it unreadable", { timeout: patience }, async () => {
    const { cipher, fleet, context } = open();
    const wrapping = subjectKey(fleet);
    const { wrapped } = await cipher.createDataKey(wrapping, context);
    for (const part of ["providerInfo", "encryptedDataKey"] as const) {
      for (let bit = 0; bit < wrapped[part].length * 8; bit += 1) {
        const changed = { ...wrapped, [part]: flipped(wrapped[part], bit) };
        expect(await openingOf(cipher.unwrapDataKey(wrapping, changed, context))).toBe("unreadable");
      }
    }
  });
}

function flipped(octets: Uint8Array, bit: number): Buffer {
  const changed = Buffer.from(octets);
  changed[bit >> 3]! ^= 1 << (bit & 7);
  return changed;
}

function changeContract(open: Open, everyBit: boolean): void {
  it("every changed bit of a message makes it unreadable, and never another plaintext", {
    timeout: patience,
  }, async () => {
    const { cipher, fleet, context } = open();
    for (const wrapping of wrappingsOf(fleet)) {
      const message = await cipher.encrypt(wrapping, Buffer.from("secret"), context);
      const step = everyBit || wrapping.kind === "subject" ? 1 : 9;
      for (let bit = 0; bit < message.length * 8; bit += step)
        expect(await openingOf(cipher.decrypt(wrapping, flipped(message, bit), context)), `bit ${bit}`).toBe(
          "unreadable",
        );
    }
  });

  it("a message cut at any octet is unreadable, and so is one with octets after its end", {
    timeout: patience,
  }, async () => {
    const { cipher, fleet, context } = open();
    const wrapping = subjectKey(fleet);
    const message = await cipher.encrypt(wrapping, Buffer.from("secret"), context);
    for (let length = 0; length < message.length; length += 1) {
      const cut = message.subarray(0, length);
      expect(await openingOf(cipher.decrypt(wrapping, cut, context)), `${length} octets`).toBe("unreadable");
      expect(await openingOf(Promise.resolve().then(() => cipher.headerOf(cut)))).toBe("unreadable");
    }
    for (const more of [Buffer.alloc(1), randomBytes(16), message]) {
      const longer = Buffer.concat([message, more]);
      expect(await openingOf(cipher.decrypt(wrapping, longer, context))).toBe("unreadable");
    }
  });

  it("parts of two messages make none", { timeout: patience }, async () => {
    const { cipher, fleet, context } = open();
    const wrapping = subjectKey(fleet);
    const left = await cipher.encrypt(wrapping, Buffer.from("secret"), context);
    const right = await cipher.encrypt(wrapping, Buffer.from("public"), context);
    for (let cut = 1; cut < left.length; cut += 1) {
      const mixed = Buffer.concat([left.subarray(0, cut), right.subarray(cut)]);
      const same = mixed.equals(left) || mixed.equals(right);
      if (!same)
        expect(await openingOf(cipher.decrypt(wrapping, mixed, context)), `at ${cut}`).toBe("unreadable");
    }
  });
}
