/** Room: test/support. A KeyService around a real one: counts signatures, and fails or lies on demand. */
import { AppError } from "../../core/errors.ts";
import type { KeyService } from "../../core/ports.ts";

export type Fault = "none" | "unavailable" | "wrongSignature";

export interface FaultyKeys extends KeyService {
  fault: Fault;
  /** Signatures that left this service. */
  readonly signatures: number;
}

export function faultyKeys(keys: KeyService): FaultyKeys {
  let signatures = 0;
  const faulty: FaultyKeys = {
    fault: "none",
    get signatures() {
      return signatures;
    },
    createKey: (alias, algorithm) => keys.createKey(alias, algorithm),
    describeKey: (keyId) => keys.describeKey(keyId),
    async sign(keyId, message) {
      if (faulty.fault === "unavailable") {
        throw new AppError("key_service_unavailable", "throttled", { retryAfter: 1 });
      }
      signatures += 1;
      if (faulty.fault === "none") return keys.sign(keyId, message);
      return keys.sign(keyId, Buffer.concat([message, Buffer.of(0)]));
    },
  };
  return faulty;
}
