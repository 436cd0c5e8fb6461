/** Room: core/formats. keyUsage (RFC 5280 §4.2.1.3). */
import { AppError } from "../../../errors.ts";
import { encodeNamedBits } from "../../der/writer.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

/** Names of the bits, bit 0 first. */
export const keyUsageBits = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;

export type KeyUsageBit = (typeof keyUsageBits)[number];

function bitName(bit: number): KeyUsageBit {
  const name = keyUsageBits[bit];
  if (name === undefined) throw new AppError("der_malformed", `bit ${bit} has no meaning; bits 0 to 8 have`);
  return name;
}

function bitNumber(name: KeyUsageBit): number {
  const bit = keyUsageBits.indexOf(name);
  if (bit < 0) throw new AppError("der_malformed", `"${name}" is no key usage of RFC 5280 §4.2.1.3`);
  return bit;
}

/** RFC 5280 §4.2.1.3: "at least one of the bits MUST be set to 1". */
function notEmpty<Value extends { readonly size: number }>(bits: Value): Value {
  if (bits.size === 0) throw new AppError("der_malformed", "no bit is set; leave the extension out");
  return bits;
}

export const keyUsage: ExtensionType<ReadonlySet<KeyUsageBit>> = extensionType("2.5.29.15", "keyUsage", {
  encode: (value) => encodeNamedBits([...notEmpty(value)].map(bitNumber)),
  decode: (cursor) => new Set([...notEmpty(cursor.namedBits())].map(bitName)),
});
