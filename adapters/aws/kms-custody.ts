/**
 * Room: adapters/aws. The custody of signing keys in AWS KMS: deletion with its waiting time, and a grant of kms:Sign
 * on a root that no policy lets anybody sign with.
 */
import { KMSClient } from "@aws-sdk/client-kms";
import { checkDeletionDays, checkLoanName } from "../../core/custody-limits.ts";
import { AppError } from "../../core/errors.ts";
import type { KeyCustody, KeyLoan, KeyState } from "../../core/ports.ts";
import { clientConfiguration } from "./client-configuration.ts";
import {
  cancelDeletion,
  createGrant,
  enableKey,
  revokeGrant,
  scheduleDeletion,
} from "./kms/custody-requests.ts";
import { parseKeyId } from "./kms/key-name.ts";
import { describeKey, stateOfKey } from "./kms/key-state.ts";
import { checkAnswerer } from "./kms/requests.ts";

export interface KmsKeyCustodyOptions {
  /** ARN of the role that signs in ceremonies. */
  readonly grantee: string;
  /** @default a client of its own, with `clientConfiguration()`. */
  readonly client?: KMSClient;
}

/** As the port promises. A keyId is `{algorithm}:{key ARN}`, as `kmsKeyService` has it. */
export function kmsKeyCustody(options: KmsKeyCustodyOptions): KeyCustody {
  return new KmsKeyCustody(options.client ?? new KMSClient(clientConfiguration()), options.grantee);
}

class KmsKeyCustody implements KeyCustody {
  readonly #client: KMSClient;
  readonly #grantee: string;

  constructor(client: KMSClient, grantee: string) {
    this.#client = client;
    this.#grantee = grantee;
  }

  async stateOf(keyId: string): Promise<KeyState> {
    const { arn } = parseKeyId(keyId);
    const metadata = await describeKey(this.#client, arn);
    checkAnswerer("kms:DescribeKey", arn, metadata.Arn);
    return { keyId, ...stateOfKey(metadata) };
  }

  async scheduleDeletion(keyId: string, days: number): Promise<KeyState> {
    checkDeletionDays(days);
    const { arn } = parseKeyId(keyId);
    const before = await this.stateOf(keyId);
    if (before.condition === "pendingDeletion") return before;
    const deletionAt = (await scheduleDeletion(this.#client, arn, days))?.getTime();
    if (deletionAt !== undefined) return { ...before, condition: "pendingDeletion", deletionAt };
    const after = await this.stateOf(keyId);
    if (after.condition === "pendingDeletion") return after;
    throw new AppError(
      "key_service_unavailable",
      `kms:ScheduleKeyDeletion on ${arn}: the key's state, ${after.condition}, forbids it; look at the key in KMS`,
      { retryAfter: 300 },
    );
  }

  /** KMS leaves a key disabled when its deletion is cancelled: a second call enables what a crash has left so. */
  async cancelDeletion(keyId: string): Promise<KeyState> {
    const { arn } = parseKeyId(keyId);
    const { createdAt, condition } = await this.stateOf(keyId);
    if (condition === "pendingDeletion") await cancelDeletion(this.#client, arn);
    if (condition !== "enabled") await enableKey(this.#client, arn);
    return { keyId, condition: "enabled", createdAt };
  }

  async lend(keyId: string, name: string): Promise<KeyLoan> {
    const { arn } = parseKeyId(keyId);
    checkLoanName(name);
    return createGrant(this.#client, arn, name, this.#grantee);
  }

  async endLoan(keyId: string, loanId: string): Promise<void> {
    await revokeGrant(this.#client, parseKeyId(keyId).arn, loanId);
  }
}
