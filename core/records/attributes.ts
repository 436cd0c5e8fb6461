/**
 * Room: core/records. Typed reading of an item's attributes. A missing or mistyped attribute is a defect of
 * the stored data, never of a request: it fails as `internal`.
 */
import { AppError } from "../errors.ts";
import type { AttributeValue, Item } from "../ports.ts";

function mistyped(item: Item, name: string, wanted: string): AppError {
  return new AppError("internal", `stored ${item.sk} has no ${wanted} "${name}"`);
}

function optional(item: Item, name: string): AttributeValue | undefined {
  return item.attributes[name];
}

/** The text under `name`. @throws AppError internal when it is absent or no text. */
export function text(item: Item, name: string): string {
  const value = optional(item, name);
  if (typeof value !== "string") throw mistyped(item, name, "text");
  return value;
}

/** The text under `name`, undefined when absent. @throws AppError internal when it is no text. */
export function optionalText(item: Item, name: string): string | undefined {
  return optional(item, name) === undefined ? undefined : text(item, name);
}

/** The list of texts under `name`, undefined when absent. @throws AppError internal when it is no such list. */
export function optionalTexts(item: Item, name: string): readonly string[] | undefined {
  const value = optional(item, name);
  if (value === undefined || Array.isArray(value)) return value as readonly string[] | undefined;
  throw mistyped(item, name, "list of texts");
}

/** One of a closed set of words. */
export function word<Word extends string>(item: Item, name: string, words: readonly Word[]): Word {
  const value = text(item, name);
  const found = words.find((candidate) => candidate === value);
  if (found === undefined) throw mistyped(item, name, words.join(" or "));
  return found;
}

/** The number under `name`. @throws AppError internal when it is absent or no number. */
export function number(item: Item, name: string): number {
  const value = optional(item, name);
  if (typeof value !== "number") throw mistyped(item, name, "number");
  return value;
}

/** The number under `name`, undefined when absent. @throws AppError internal when it is no number. */
export function optionalNumber(item: Item, name: string): number | undefined {
  return optional(item, name) === undefined ? undefined : number(item, name);
}

/** The octets under `name`. @throws AppError internal when they are absent or no octets. */
export function bytes(item: Item, name: string): Uint8Array {
  const value = optional(item, name);
  if (!(value instanceof Uint8Array)) throw mistyped(item, name, "binary");
  return value;
}

/** The octets under `name`, undefined when absent. @throws AppError internal when they are no octets. */
export function optionalBytes(item: Item, name: string): Uint8Array | undefined {
  return optional(item, name) === undefined ? undefined : bytes(item, name);
}

/** `values` without its undefined members, as a store takes them. */
export function present(
  values: Readonly<Record<string, AttributeValue | undefined>>,
): Record<string, AttributeValue> {
  const kept: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) kept[name] = value;
  return kept;
}
