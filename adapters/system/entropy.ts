/**
 * Room: adapters/system. The operating system's random source, through OpenSSL, read in blocks: a call into
 * OpenSSL costs more than the few octets that a serial number needs.
 */
import { randomFillSync } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import type { Entropy } from "../../core/ports.ts";

const largestRequest = 65_536;
const blockOctets = 4_096;

/** Octets are handed out once and wiped from the block at once, so no later reader of memory finds them here. */
export function systemEntropySource(): Entropy {
  const block = Buffer.alloc(blockOctets);
  let used = blockOctets;
  return {
    bytes(length) {
      if (!Number.isInteger(length) || length < 1 || length > largestRequest) {
        const message = `asked for ${length} random octets, limit 1 to ${largestRequest}; ask in parts`;
        throw new AppError("configuration_invalid", message);
      }
      if (length > blockOctets) return randomFillSync(Buffer.alloc(length));
      if (used + length > blockOctets) {
        randomFillSync(block);
        used = 0;
      }
      const octets = Buffer.from(block.subarray(used, used + length));
      block.fill(0, used, used + length);
      used += length;
      return octets;
    },
  };
}

export const systemEntropy: Entropy = systemEntropySource();
