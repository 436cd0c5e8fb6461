/** Room: core/records. Which operator somebody at an identity provider is: one operator for one subject. */
import { hash } from "node:crypto";
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { text } from "./attributes.ts";

/**
 * SHA-256 of issuer, line feed and the SHA-256 of the subject, in hexadecimal: the subject itself, which may be a name
 * or an address, is never stored. `subjectSha256` in lowercase hexadecimal.
 */
export function oidcSubjectHash(issuer: string, subjectSha256: string): string {
  return hash("sha256", `${issuer}\n${subjectSha256}`);
}

export function oidcSubjectKey(fleet: string, subjectHash: string): ItemKey {
  return { pk: `OIDCSUBJECT#${fleet}#${subjectHash}`, sk: "OIDCSUBJECT" };
}

export function oidcSubjectItem(fleet: string, subjectHash: string, operatorId: string): NewItem {
  return { ...oidcSubjectKey(fleet, subjectHash), attributes: { operatorId } };
}

/** @throws AppError internal when the item names none. */
export function oidcSubjectOperator(item: Item): string {
  return text(item, "operatorId");
}
