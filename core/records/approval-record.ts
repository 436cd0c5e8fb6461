/**
 * Room: core/records. An approval: the very operation, who asked for it, and the proofs of those who approved. It is
 * kept for the audit and never expires from the store. The id begins with its time, so that a fleet's newest come
 * first; people make approvals, so one partition carries a fleet's.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { type CriticalOperationId, criticalOperations } from "../standard/access.ts";
import { number, optionalNumber, optionalText, present, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

/** What the person's own authenticator or identity provider said, for whoever audits it later. */
export type AssertionProof =
  | {
      readonly by: "passkey";
      /** base64url, all four, as the browser gave them (WebAuthn Level 3 §5.1). */
      readonly credentialId: string;
      readonly clientDataJSON: string;
      readonly authenticatorData: string;
      readonly signature: string;
    }
  // The token itself may hold names and addresses; its hash does for the comparison with the provider's log.
  | { readonly by: "oidc"; readonly issuer: string; readonly tokenSha256: string };

export interface ApprovalAssertion {
  readonly operatorId: string;
  /** When its challenge came to be: it was made then or later. Milliseconds since the epoch, as all times here. */
  readonly since: number;
  /** When it was taken. */
  readonly takenAt: number;
  readonly proof: AssertionProof;
}

export interface ApprovalRecord {
  readonly fleet: string;
  /** 32 hexadecimal digits: 12 of the time in milliseconds, 20 random. */
  readonly approvalId: string;
  /** Id of the route. */
  readonly operation: string;
  readonly critical: CriticalOperationId;
  /** Canonical JSON of `{body, parameters}`. */
  readonly document: string;
  /** SHA-256, see `operationDigest`. */
  readonly operationDigest: string;
  /** 32 random octets in base64url, which never leave the service: no challenge can be known before its time. */
  readonly nonce: string;
  readonly requestedBy: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** One a person, the newest. */
  readonly assertions: readonly ApprovalAssertion[];
  readonly executedAt?: number;
  /** `sole-operator` where one person did for two. */
  readonly exception?: string;
}

export const approvalPartition = (fleet: string): string => `APPROVAL#${fleet}`;

export function approvalKey(fleet: string, approvalId: string): ItemKey {
  return { pk: approvalPartition(fleet), sk: `APPROVAL#${approvalId}` };
}

export function approvalItem(record: ApprovalRecord): NewItem {
  const { assertions, ...rest } = record;
  const attributes = present({ ...rest, assertions: JSON.stringify(assertions) });
  return { ...approvalKey(record.fleet, record.approvalId), attributes };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function approvalRecord(item: Item): Stored<ApprovalRecord> {
  const executedAt = optionalNumber(item, "executedAt");
  const exception = optionalText(item, "exception");
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      approvalId: text(item, "approvalId"),
      operation: text(item, "operation"),
      critical: word(item, "critical", Object.keys(criticalOperations) as CriticalOperationId[]),
      document: text(item, "document"),
      operationDigest: text(item, "operationDigest"),
      nonce: text(item, "nonce"),
      requestedBy: text(item, "requestedBy"),
      createdAt: number(item, "createdAt"),
      expiresAt: number(item, "expiresAt"),
      assertions: JSON.parse(text(item, "assertions")) as ApprovalAssertion[],
      ...(executedAt === undefined ? {} : { executedAt }),
      ...(exception === undefined ? {} : { exception }),
    },
  };
}
