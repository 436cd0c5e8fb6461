/**
 * Room: test/support. A KeyService around a real one: counts signatures, and fails or lies on demand. Set `fault`
 * for every signature from now on, or give `next`, which is asked before each.
 */
import { AppError } from "../../core/errors.ts";
import type { KeyService } from "../../core/ports.ts";

/** `signedThenUnavailable`: the signature is made, and its answer is lost on the way, as in a timeout. */
export type Fault = "none" | "unavailable" | "wrongSignature" | "signedThenUnavailable";

export interface FaultyKeys extends KeyService {
  fault: Fault;
  /** Signatures that were made, those whose answer was lost too. */
  readonly signatures: number;
  /** What each of them was asked over, in order. */
  readonly signed: readonly Uint8Array[];
}

const unavailable = () => new AppError("key_service_unavailable", "throttled", { retryAfter: 1 });

export function faultyKeys(keys: KeyService, next?: () => Fault): FaultyKeys {
  const signed: Uint8Array[] = [];
  const faulty: FaultyKeys = {
    fault: "none",
    get signatures() {
      return signed.length;
    },
    signed,
    createKey: (alias, algorithm) => keys.createKey(alias, algorithm),
    describeKey: (keyId) => keys.describeKey(keyId),
    async sign(keyId, message) {
      const fault = next?.() ?? faulty.fault;
      if (fault === "unavailable") throw unavailable();
      signed.push(message);
      if (fault === "wrongSignature") return keys.sign(keyId, Buffer.concat([message, Buffer.of(0)]));
      const signature = await keys.sign(keyId, message);
      if (fault === "signedThenUnavailable") throw unavailable();
      return signature;
    },
  };
  return faulty;
}
