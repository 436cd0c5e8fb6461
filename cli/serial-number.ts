/** Room: cli. Serial numbers as people copy them. */
import { usageFailure } from "./failure.ts";

/** Lowercase hex of an even length; takes capitals and the colons of OpenSSL's output. Throws `usage`. */
export function parseSerialNumber(text: string): string {
  const hex = text.replaceAll(":", "").toLowerCase();
  if (/^[0-9a-f]{1,40}$/.test(hex)) return hex.length % 2 === 0 ? hex : `0${hex}`;
  throw usageFailure(
    "a serial number is 1 to 40 hexadecimal digits, colons allowed",
    "see: fleetkey cert list",
  );
}
