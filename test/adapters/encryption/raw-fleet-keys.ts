/** Room: test/adapters/encryption. Generations of fleets' wrapping keys in memory, as a local keystore opens them. */
import { randomBytes } from "node:crypto";
import { rawFleetKeyrings } from "../../../adapters/encryption/raw-fleet-keyring.ts";
import { AppError } from "../../../core/errors.ts";

const keyIdOf = (fleet: string, generation: number): string => `local:${fleet}-protection:${generation}`;

/** Each fleet has `generations` keys; the last is in force. */
export function rawFleetKeys(fleets: readonly string[], generations = 1) {
  const keys = new Map<string, Buffer>();
  for (const fleet of fleets)
    for (let generation = 1; generation <= generations; generation += 1)
      keys.set(keyIdOf(fleet, generation), randomBytes(32));
  const handedOut: Buffer[] = [];
  const keyrings = rawFleetKeyrings(async (fleet, keyId = keyIdOf(fleet, generations)) => {
    const key = keyId.startsWith(`local:${fleet}-protection:`) ? keys.get(keyId) : undefined;
    if (key === undefined) throw new AppError("key_not_found", `no key ${keyId}`);
    const copy = Buffer.from(key);
    handedOut.push(copy);
    return { keyId, key: copy };
  });
  return { keyrings, keys, handedOut };
}
