/** Message format reference of the AWS Encryption SDK, version 2: which messages are whole, before any is opened. */
import { describe, expect, it } from "vitest";
import { messageStructure } from "../../../adapters/encryption/message-structure.ts";
import { isAppError } from "../../../core/errors.ts";

const uint16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const uint32 = (value: number): Buffer => Buffer.concat([uint16(value >>> 16), uint16(value & 0xffff)]);
const counted = (octets: Buffer | string): Buffer =>
  Buffer.concat([uint16(Buffer.from(octets).length), Buffer.from(octets)]);
const filled = (length: number): Buffer => Buffer.alloc(length, 7);

const contextOf = (...members: readonly (readonly [Buffer | string, Buffer | string])[]): Buffer =>
  Buffer.concat([
    uint16(members.length),
    ...members.flatMap(([name, value]) => [counted(name), counted(value)]),
  ]);
const frame = (sequence: number, octets: number): Buffer =>
  Buffer.concat([uint32(sequence), filled(12 + octets + 16)]);
const finalFrame = (sequence: number, octets: number): Buffer =>
  Buffer.concat([uint32(0xffff_ffff), uint32(sequence), filled(12), uint32(octets), filled(octets + 16)]);
const dataKey = Buffer.concat([counted("fleetkey"), counted(filled(30)), counted(filled(48))]);

const parts = {
  version: Buffer.from([2]),
  suite: uint16(0x0478),
  messageId: filled(32),
  context: counted(contextOf(["fleet", "meters"], ["subject", "s-1"])),
  dataKeys: Buffer.concat([uint16(1), dataKey]),
  contentType: Buffer.from([2]),
  frameLength: uint32(8),
  commitment: filled(32),
  headerTag: filled(16),
  body: Buffer.concat([frame(1, 8), frame(2, 8), finalFrame(3, 5)]),
  footer: Buffer.alloc(0),
};

type Changes = Partial<Record<keyof typeof parts, Buffer>>;

const messageWith = (changes: Changes): Buffer => Buffer.concat(Object.values({ ...parts, ...changes }));

const signedContext = counted(contextOf(["aws-crypto-public-key", "AA=="], ["fleet", "meters"]));

const whole: readonly (readonly [string, Changes, object])[] = [
  ["of three frames", {}, { fleet: "meters", subject: "s-1" }],
  ["of one empty frame", { body: finalFrame(1, 0) }, { fleet: "meters", subject: "s-1" }],
  ["whose last frame is full", { body: finalFrame(1, 8) }, { fleet: "meters", subject: "s-1" }],
  [
    "that are signed",
    { suite: uint16(0x0578), context: signedContext, footer: counted(filled(103)) },
    { fleet: "meters" },
  ],
  [
    "with a member named __proto__",
    { context: counted(contextOf(["__proto__", "x"])) },
    JSON.parse('{"__proto__":"x"}'),
  ],
];

describe("whole messages", () => {
  it.each(whole)("%s are read", (_, changes, context) => {
    const structure = messageStructure(messageWith(changes));
    expect(structure.context).toStrictEqual(context);
    expect(structure.dataKey.providerId).toBe("fleetkey");
    expect(structure.dataKey.encryptedDataKey).toHaveLength(48);
  });
});

const refused: readonly (readonly [string, Changes])[] = [
  ["version 1", { version: Buffer.from([1]) }],
  ["another suite", { suite: uint16(0x0178) }],
  ["no wrapped data key", { dataKeys: uint16(0) }],
  ["two wrapped data keys", { dataKeys: Buffer.concat([uint16(2), dataKey, dataKey]) }],
  [
    "a provider that is no UTF-8",
    {
      dataKeys: Buffer.concat([
        uint16(1),
        counted(Buffer.from([0xff])),
        counted(filled(30)),
        counted(filled(48)),
      ]),
    },
  ],
  ["no frames", { contentType: Buffer.from([1]), frameLength: uint32(0) }],
  ["frames without a length", { frameLength: uint32(0), body: finalFrame(1, 0) }],
  ["frames longer than the message", { frameLength: uint32(0xffff_ffff) }],
  ["frames in another order", { body: Buffer.concat([frame(2, 8), frame(1, 8), finalFrame(3, 5)]) }],
  ["a frame left out", { body: Buffer.concat([frame(1, 8), finalFrame(3, 5)]) }],
  ["a first frame numbered 0", { body: finalFrame(0, 5) }],
  ["no last frame", { body: Buffer.concat([frame(1, 8), frame(2, 8)]) }],
  ["two last frames", { body: Buffer.concat([finalFrame(1, 5), finalFrame(2, 5)]) }],
  ["a last frame longer than frames are", { body: finalFrame(1, 9) }],
  ["octets after the end", { footer: filled(1) }],
  ["a signature that the suite does not have", { footer: counted(filled(103)) }],
  ["no signature where the suite has one", { suite: uint16(0x0578), context: signedContext }],
  ["a signed message without its public key", { suite: uint16(0x0578), footer: counted(filled(103)) }],
  ["a public key where nothing is signed", { context: signedContext }],
  ["a member twice", { context: counted(contextOf(["fleet", "a"], ["fleet", "b"])) }],
  ["a member that is no UTF-8", { context: counted(contextOf(["fleet", Buffer.from([0xc3, 0x28])])) }],
  [
    "fewer members than are counted",
    { context: counted(Buffer.concat([uint16(3), contextOf(["a", "b"]).subarray(2)])) },
  ],
  ["octets after the members", { context: counted(Buffer.concat([contextOf(["a", "b"]), filled(1)])) }],
  ["a context without a count", { context: counted("") }],
];

describe("unreadable", () => {
  it.each(refused)("%s", (_, changes) => {
    const read = () => messageStructure(messageWith(changes));
    expect(read).toThrow(expect.toSatisfy((failure) => isAppError(failure, "data_unreadable")));
  });
});
