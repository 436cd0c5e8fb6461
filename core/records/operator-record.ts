/**
 * Room: core/records. An operator: an opaque id, what it may do, and the passkeys with which it signs in. All of a
 * fleet's operators share one partition, which is small: people, not devices.
 */
import { canonicalText } from "../formats/name.ts";
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { type Role, roleIds } from "../standard/access.ts";
import { number, optionalNumber, optionalText, present, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface OperatorRecord {
  readonly fleet: string;
  /** As it was first written; other spellings are the same operator. */
  readonly operatorId: string;
  readonly roles: readonly Role[];
  /** invited: has not registered a passkey yet. */
  readonly state: "invited" | "active" | "suspended";
  /** `bootstrap`: certified by the deployment itself, before there was anybody to invite it. */
  readonly origin: "bootstrap" | "invitation";
  /** Ids of its passkeys, base64url. */
  readonly passkeys: readonly string[];
  /** Who it is at an identity provider, as `oidcSubjectHash` gives it; absent for none. */
  readonly oidcSubject?: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Sessions, certificates and invitations from before count no more: the operator was suspended then. */
  readonly credentialsSince?: number;
}

/** Whether a credential that was made then may still be the operator's. */
export function isCurrent(
  { credentialsSince = 0 }: Pick<OperatorRecord, "credentialsSince">,
  credential: { readonly createdAt: number },
): boolean {
  return credential.createdAt >= credentialsSince;
}

export const operatorPartition = (fleet: string): string => `OPERATOR#${fleet}`;

/** @throws AppError name_not_permitted, see `canonicalText`. */
export function operatorKey(fleet: string, operatorId: string): ItemKey {
  return { pk: operatorPartition(fleet), sk: `OPERATOR#${canonicalText(operatorId)}` };
}

export function operatorItem(record: OperatorRecord): NewItem {
  return { ...operatorKey(record.fleet, record.operatorId), attributes: present({ ...record }) };
}

function words<Word extends string>(item: Item, name: string, known: readonly Word[] | undefined): Word[] {
  const value = item.attributes[name];
  if (!Array.isArray(value)) return [];
  // A role that this release does not know opens nothing.
  return value.filter(
    (each): each is Word => typeof each === "string" && (known?.includes(each as Word) ?? true),
  );
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function operatorRecord(item: Item): Stored<OperatorRecord> {
  const subject = optionalText(item, "oidcSubject");
  const since = optionalNumber(item, "credentialsSince");
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      operatorId: text(item, "operatorId"),
      roles: words(item, "roles", roleIds),
      state: word(item, "state", ["invited", "active", "suspended"]),
      origin: word(item, "origin", ["bootstrap", "invitation"]),
      passkeys: words(item, "passkeys", undefined),
      createdAt: number(item, "createdAt"),
      ...(subject === undefined ? {} : { oidcSubject: subject }),
      ...(since === undefined ? {} : { credentialsSince: since }),
    },
  };
}
