/** Room: adapters/local. The operating system's random source, through OpenSSL. */
import { randomBytes } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import type { Entropy } from "../../core/ports.ts";

const largestRequest = 65_536;

export const systemEntropy: Entropy = {
  bytes(length) {
    if (!Number.isInteger(length) || length < 1 || length > largestRequest) {
      const message = `asked for ${length} random octets, limit 1 to ${largestRequest}; ask in parts`;
      throw new AppError("configuration_invalid", message);
    }
    return randomBytes(length);
  },
};
