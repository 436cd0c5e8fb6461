/**
 * Room: core/formats. cRLNumber (RFC 5280 §5.2.3): rises from each CRL of a scope to the next. At most 20 octets,
 * the first bit of which is the sign.
 */
import { AppError } from "../../../errors.ts";
import type { DerCursor } from "../../der/cursor.ts";
import { encodeUnsignedInteger } from "../../der/writer.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

const maxOctets = 20;
const limit = 1n << BigInt(maxOctets * 8 - 1);

function encode(value: bigint): Buffer {
  if (value < 0n || value >= limit) {
    throw new AppError("der_malformed", `${value} does not fit in ${maxOctets} octets from 0 on`);
  }
  const digits = value.toString(16);
  return encodeUnsignedInteger(Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex"));
}

function decode(cursor: DerCursor): bigint {
  const content = cursor.integer();
  if ((content[0] ?? 0) >= 0x80) throw new AppError("der_malformed", "number is negative");
  if (content.length > maxOctets) {
    throw new AppError("der_malformed", `number of ${content.length} octets exceeds ${maxOctets}`);
  }
  return BigInt(`0x${Buffer.from(content).toString("hex")}`);
}

export const crlNumber: ExtensionType<bigint> = extensionType("2.5.29.20", "cRLNumber", { encode, decode });
