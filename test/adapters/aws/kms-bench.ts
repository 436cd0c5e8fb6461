/** Room: test/adapters/aws. A key service over the KMS double, with one P-256 key that an operator made. */
import { randomBytes } from "node:crypto";
import { kmsKeyService } from "../../../adapters/aws/kms-key-service.ts";
import type { AppError } from "../../../core/errors.ts";
import { KmsDouble } from "./kms-double.ts";

/** Of the length of a certificate's TBS. */
export const message = randomBytes(300);

export function bench() {
  const double = new KmsDouble();
  const key = double.addKey("ECC_NIST_P256");
  const keys = kmsKeyService({ aliasPrefix: "fleetkey/test", client: double.client() });
  return { double, keys, key, keyId: `P-256:${key.arn}` };
}

/** What `attempt` fails with. */
export const failure = (attempt: Promise<unknown>): Promise<AppError> =>
  attempt.then(
    () => Promise.reject(new Error("it was expected to fail")),
    (error) => error as AppError,
  );
