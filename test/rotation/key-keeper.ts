/**
 * Room: test. A keeper of keys that verifies what a real one verifies: a root signs while it is lent, and a key that is
 * on its way to destruction signs nothing.
 */
import { parseKeyId } from "../../adapters/local/keystore/key-id.ts";
import { AppError } from "../../core/errors.ts";
import type { Clock, KeyCustody, KeyService, KeyState } from "../../core/ports.ts";

const day = 86_400_000;

/** What the keeper of keys knows. */
export interface Kept {
  readonly deletions: Map<string, number>;
  /** Loans that are out: id → key. */
  readonly loans: Map<string, string>;
  /** Every loan that ever was, in order. */
  readonly lent: string[];
}

const isRoot = (keyId: string): boolean => parseKeyId(keyId).alias.includes("-root-");

/** @param refuse Asked before each loan. */
export function keeper(
  { kept, clock }: { readonly kept: Kept; readonly clock: Clock },
  refuse: () => boolean,
): KeyCustody {
  const stateOf = (keyId: string): KeyState => {
    const deletionAt = kept.deletions.get(keyId);
    if (deletionAt === undefined) return { keyId, condition: "enabled", createdAt: 0 };
    if (deletionAt <= clock.now()) throw new AppError("key_not_found", "destroyed");
    return { keyId, condition: "pendingDeletion", createdAt: 0, deletionAt };
  };
  return {
    stateOf: async (keyId) => stateOf(keyId),
    async scheduleDeletion(keyId, days) {
      if (stateOf(keyId).condition === "enabled") kept.deletions.set(keyId, clock.now() + days * day);
      return stateOf(keyId);
    },
    async cancelDeletion(keyId) {
      stateOf(keyId);
      kept.deletions.delete(keyId);
      return stateOf(keyId);
    },
    async lend(keyId, loan) {
      if (!/^[a-z0-9-]{1,128}$/.test(loan)) throw new AppError("request_invalid", "name");
      stateOf(keyId);
      if (refuse()) throw new AppError("key_service_unavailable", "throttled", { retryAfter: 1 });
      const known = kept.loans.get(`loan-${loan}`);
      if (known !== undefined && known !== keyId) throw new AppError("request_invalid", "another key");
      kept.loans.set(`loan-${loan}`, keyId);
      kept.lent.push(keyId);
      return { loanId: `loan-${loan}`, token: `token-${loan}` };
    },
    async endLoan(_keyId, loanId) {
      kept.loans.delete(loanId);
    },
  };
}

/** Keys of which roots sign for whoever shows the token of a loan that is out. */
export function guarded(keys: KeyService, kept: Kept, tokens: readonly string[]): KeyService {
  return {
    createKey: (alias, algorithm) => keys.createKey(alias, algorithm),
    describeKey: (keyId) => keys.describeKey(keyId),
    async sign(keyId, message) {
      const lent = tokens.some((token) => kept.loans.get(token.replace(/^token/, "loan")) === keyId);
      if (isRoot(keyId) && !lent) throw new AppError("key_disabled", `${keyId} is not lent`);
      if (kept.deletions.has(keyId)) throw new AppError("key_disabled", `${keyId} is to be destroyed`);
      return keys.sign(keyId, message);
    },
  };
}
