/** Room: scripts. Chance that is the same in every run: numbers for the devices, octets for the core. */
import { hash } from "node:crypto";
import type { Entropy } from "../../core/ports.ts";

export interface Chance {
  /** From 0 on, below 1. */
  next(): number;
  between(low: number, high: number): number;
  /** Whole, both ends included. */
  whole(low: number, high: number): number;
}

/** mulberry32: small, and good enough for who is switched off when. */
export function chance(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number): number => low + (high - low) * next();
  return { next, between, whole: (low, high) => Math.floor(between(low, high + 1)) };
}

/** For serial numbers and ids of a simulation, never for anything that is secret: they can be foretold. */
export function countedEntropy(seed: number): Entropy {
  let count = 0;
  return {
    bytes(length) {
      const blocks: Buffer[] = [];
      for (let size = 0; size < length; size += 32) {
        count += 1;
        blocks.push(hash("sha256", `${seed}:${count}`, "buffer"));
      }
      return Uint8Array.from(Buffer.concat(blocks).subarray(0, length));
    },
  };
}
