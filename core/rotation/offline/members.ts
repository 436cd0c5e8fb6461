/**
 * Room: core/rotation. Members of the documents that travel to the machine without a network and back, read strictly:
 * what has another form, or a member that is not known, is refused before anything of it is believed.
 */
import { AppError } from "../../errors.ts";
import { repeatedMember } from "../../formats/json-members.ts";

export const invalid = (message: string, options?: ErrorOptions): AppError =>
  new AppError("ceremony_invalid", message, options);

/** Reads the members of one object, by name. */
export class Members {
  readonly #what: string;
  readonly #value: Readonly<Record<string, unknown>>;

  /** @throws AppError ceremony_invalid: no object, or a member that is none of `allowed`. */
  constructor(value: unknown, what: string, allowed: readonly string[]) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw invalid(`${what} is no JSON object`);
    this.#what = what;
    this.#value = value as Readonly<Record<string, unknown>>;
    const stranger = Object.keys(value).some((name) => !allowed.includes(name));
    if (stranger) throw invalid(`${what} has a member that is not known; known are ${allowed.join(", ")}`);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#value, name) && this.#value[name] !== undefined;
  }

  text(name: string, form: RegExp): string {
    const found = this.#value[name];
    if (typeof found === "string" && form.test(found)) return found;
    throw invalid(`"${name}" of ${this.#what} is not of the form ${form.source}`);
  }

  word<const Word extends string>(name: string, words: readonly Word[]): Word {
    const word = words.find((each) => each === this.#value[name]);
    if (word === undefined) throw invalid(`"${name}" of ${this.#what} is none of ${words.join(", ")}`);
    return word;
  }

  whole(name: string): number {
    const found = this.#value[name];
    if (typeof found === "number" && Number.isSafeInteger(found) && found >= 1) return found;
    throw invalid(`"${name}" of ${this.#what} is not a whole number from 1 on`);
  }

  /** Base64 of DER; its canonical text. */
  base64(name: string): string {
    return base64Text(this.#value[name], `"${name}" of ${this.#what}`);
  }

  list<Entry>(name: string, maximum: number, read: (entry: unknown, at: number) => Entry): readonly Entry[] {
    const found: unknown = this.#value[name];
    if (!Array.isArray(found)) throw invalid(`"${name}" of ${this.#what} is no list`);
    if (found.length > maximum)
      throw invalid(`"${name}" of ${this.#what} has ${found.length} entries, limit ${maximum}`);
    return found.map(read);
  }

  value(name: string): unknown {
    return this.#value[name];
  }
}

/** Octets of one certificate, request or list as base64: two thirds of a store's item. */
const maximumCharacters = 240_000;

/** RFC 4648 §3.5: the one text of its octets. @throws AppError ceremony_invalid. */
export function base64Text(value: unknown, what: string): string {
  if (typeof value === "string" && value.length > 0 && value.length <= maximumCharacters) {
    if (Buffer.from(value, "base64").toString("base64") === value) return value;
  }
  throw invalid(`${what} is not canonical base64 of 1 to ${maximumCharacters} characters`);
}

export const octetsOf = (base64: string): Buffer => Buffer.from(base64, "base64");

export const base64Of = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("base64");

/** ISO 8601 in UTC, whole seconds. */
export const timeForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/** Milliseconds since the epoch. @throws AppError ceremony_invalid for a day that does not exist. */
export function timeOf(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw invalid(`a time of the document does not exist`);
  return time;
}

/** JSON text as a value. @throws AppError ceremony_invalid: no JSON (a truncated file is none), a member twice. */
export function parseDocument(text: string, what: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(`${what} is no JSON; was it copied whole?`);
  }
  if (repeatedMember(text)) throw invalid(`${what} has a member twice`);
  return value;
}
