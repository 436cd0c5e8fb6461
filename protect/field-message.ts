/**
 * Room: protect. What stands inside the message of one field: its name, the record it is of, and its value, so that a
 * message which is moved to another field or record is refused there.
 */
import { unreadable } from "../adapters/encryption/unreadable.ts";
import { AppError } from "../core/errors.ts";

/** Before the base64 of a message, where a field is text. */
const prefix = "fleetkey:1:";

export interface FieldPlace {
  readonly field: string;
  /** Which record; authenticated, and not in the clear. */
  readonly record?: string;
}

const deepest = 64;

function refuse(field: string, what: string): never {
  throw new AppError(
    "request_invalid",
    `field "${field}" holds ${what}; protect text, finite numbers, booleans, null, lists and plain objects of these, or octets`,
  );
}

/** JSON would change it without a word: a date becomes text, NaN null, and a set nothing. */
function checkValue(field: string, value: unknown, depth = 0): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) refuse(field, "a number that is not finite");
    return;
  }
  if (typeof value !== "object") refuse(field, `a ${typeof value}`);
  if (depth === deepest) refuse(field, `more than ${deepest} levels`);
  if (Array.isArray(value)) {
    // Not forEach: it leaves out holes, of which JSON would make null.
    for (const each of value) checkValue(field, each, depth + 1);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) refuse(field, "an object of a class");
  for (const each of Object.values(value)) checkValue(field, each, depth + 1);
}

/** UTF-8 of `{"field":…,"record":…,"value":…}`, or `"bytes"`, base64, in the place of `"value"`. */
export function fieldPlaintext({ field, record }: FieldPlace, value: unknown): Buffer {
  const place = { field, ...(record === undefined ? {} : { record }) };
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
    return Buffer.from(JSON.stringify({ ...place, bytes }));
  }
  checkValue(field, value);
  return Buffer.from(JSON.stringify({ ...place, value }));
}

/** @throws AppError data_unreadable: of another place. */
export function fieldValue(plaintext: Buffer, { field, record }: FieldPlace): unknown {
  const held = heldIn(plaintext);
  if (held["field"] !== field || held["record"] !== record) throw unreadable();
  const { bytes } = held;
  if (Object.hasOwn(held, "value") && bytes === undefined) return held["value"];
  if (typeof bytes !== "string" || Object.hasOwn(held, "value")) throw unreadable();
  return Uint8Array.from(Buffer.from(bytes, "base64"));
}

function heldIn(plaintext: Buffer): Readonly<Record<string, unknown>> {
  try {
    const held: unknown = JSON.parse(plaintext.toString());
    if (typeof held === "object" && held !== null) return held as Readonly<Record<string, unknown>>;
  } catch {
    // A parser's message quotes what it parses.
  }
  throw unreadable();
}

export const messageText = (message: Buffer): string => prefix + message.toString("base64");

/** @throws AppError data_unreadable: neither octets nor the text of a message. */
export function messageIn(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "string" || !value.startsWith(prefix)) throw unreadable();
  const encoded = value.slice(prefix.length);
  const message = Buffer.from(encoded, "base64");
  // Node skips what is not base64; the same message has one text.
  if (message.toString("base64") !== encoded) throw unreadable();
  return message;
}
