/**
 * Room: adapters/encryption. What stands where in a message (AWS Encryption SDK, message format reference, version 2),
 * before anything is opened. The SDK reads a message as a stream and opens one with octets after its end too, so a
 * message is walked here to its end first.
 */
import type { EncryptedDataKey, EncryptionContext } from "../../core/protection-ports.ts";
import { type MessageOctets, messageOctets, text } from "./message-octets.ts";
import { unreadable } from "./unreadable.ts";

const version = 2;
const suites = {
  /** ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY: what we write. */
  1144: { signed: false },
  /** The same with an ECDSA signature, which other clients of the SDK make unless told otherwise. */
  1400: { signed: true },
} as const;
const framed = 2;
const messageIdOctets = 32;
const commitmentOctets = 32;
const tagOctets = 16;
const ivOctets = 12;
const finalFrame = 0xff_ff_ff_ff;

/** Public key of a signed message, which the SDK adds to the context of the caller. */
export const signatureMember = "aws-crypto-public-key";

export interface MessageStructure {
  /** As the caller named it: without the SDK's own member. */
  readonly context: EncryptionContext;
  readonly dataKey: EncryptedDataKey;
  /** How many, the last one included. */
  readonly frames: number;
}

/** @throws AppError data_unreadable: not one whole message with one wrapped data key, in frames. */
export function messageStructure(message: Uint8Array): MessageStructure {
  const octets = messageOctets(message);
  if (octets.uint8() !== version) throw unreadable();
  const suite = (suites as Readonly<Record<number, { readonly signed: boolean }>>)[octets.uint16()];
  if (suite === undefined) throw unreadable();
  octets.octets(messageIdOctets);
  const context = readContext(octets.counted(), suite.signed);
  // More than one: whoever else could open the message would survive the destruction of the subject's key.
  if (octets.uint16() !== 1) throw unreadable();
  const dataKey = readDataKey(octets);
  if (octets.uint8() !== framed) throw unreadable();
  const frameBytes = octets.uint32();
  if (frameBytes === 0) throw unreadable();
  octets.octets(commitmentOctets + tagOctets);
  const frames = readFrames(octets, frameBytes);
  if (suite.signed) octets.counted();
  if (octets.position() !== message.byteLength) throw unreadable();
  return { context, dataKey, frames };
}

function readContext(section: Uint8Array, signed: boolean): EncryptionContext {
  const octets = messageOctets(section);
  const members = new Map<string, string>();
  const count = octets.uint16();
  for (let index = 0; index < count; index += 1) members.set(text(octets.counted()), text(octets.counted()));
  if (members.size !== count || octets.position() !== section.byteLength) throw unreadable();
  // Signed messages have it and others must not: there it would be a member that the caller did not name.
  if (members.delete(signatureMember) !== signed) throw unreadable();
  return Object.fromEntries(members);
}

function readDataKey(octets: MessageOctets): EncryptedDataKey {
  return {
    providerId: text(octets.counted()),
    providerInfo: octets.counted(),
    encryptedDataKey: octets.counted(),
  };
}

function readFrames(octets: MessageOctets, frameBytes: number): number {
  for (let expected = 1; ; expected += 1) {
    const sequence = octets.uint32();
    if (sequence === finalFrame) {
      readFinalFrame(octets, expected, frameBytes);
      return expected;
    }
    if (sequence !== expected) throw unreadable();
    octets.octets(ivOctets + frameBytes + tagOctets);
  }
}

function readFinalFrame(octets: MessageOctets, expected: number, frameBytes: number): void {
  if (octets.uint32() !== expected) throw unreadable();
  octets.octets(ivOctets);
  const length = octets.uint32();
  if (length > frameBytes) throw unreadable();
  octets.octets(length + tagOctets);
}
