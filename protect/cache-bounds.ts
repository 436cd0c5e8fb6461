/** Room: protect. How long, and for how much, a data key is used again: the standard's bounds, narrowed by whoever asks. */
import { AppError } from "../core/errors.ts";
import { protectionStandard } from "../core/standard/protection.ts";

const { ageSeconds, messages, bytes, keys } = protectionStandard.clientCache;
const bounds = { ageSeconds, messages, bytes, keys } as const;

/** Bounds of the data keys in memory; each is a whole number from 1 to its maximum. */
export interface CacheBounds {
  /** Seconds from a key's arrival to its end. @default 60, at most 300 */
  readonly ageSeconds: number;
  /** Messages that one data key makes. @default 1,000, at most 1,000,000 */
  readonly messages: number;
  /** Octets of plaintext under one data key. @default 64,000,000, at most 68,719,476,736 (64 GiB) */
  readonly bytes: number;
  /** Data keys at once, to write and to read with. @default 1,000, at most 100,000 */
  readonly keys: number;
}

function bounded(name: keyof CacheBounds, given: Partial<CacheBounds>): number {
  const { default: standard, maximum } = bounds[name];
  const value = given[name] ?? standard;
  if (Number.isSafeInteger(value) && value >= 1 && value <= maximum) return value;
  throw new AppError(
    "configuration_invalid",
    `cache.${name} is ${value}, limit 1 to ${maximum}, a whole number; leave it out for ${standard}`,
  );
}

/** @throws AppError configuration_invalid: outside the standard's bounds. */
export function cacheBounds(given: Partial<CacheBounds> = {}): CacheBounds {
  return {
    ageSeconds: bounded("ageSeconds", given),
    messages: bounded("messages", given),
    bytes: bounded("bytes", given),
    keys: bounded("keys", given),
  };
}
